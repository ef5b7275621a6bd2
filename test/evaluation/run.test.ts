import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { DataRow } from '../../src/evaluation/dataset.ts';
import { movesOf } from '../../src/evaluation/moves.ts';
import { chooseForCost, chooseForF1 } from '../../src/evaluation/objective.ts';
import { runEvaluation } from '../../src/evaluation/run.ts';
import { scoreRows, withoutThresholds } from '../../src/evaluation/scored-rows.ts';
import { calibrationOf, tunePromises } from '../../src/evaluation/tune.ts';
import { explain } from '../../src/gateway/explain.ts';
import { makeSnapshot } from '../../src/lifecycle/snapshot.ts';
import { buildRouteIndex } from '../../src/routing/build-index.ts';
import { calibrationSchema } from '../../src/routing/calibration.ts';
import { withPolicies } from '../../src/routing/route-index.ts';
import { summarization, translation } from '../routing/cards.ts';
import { hashedEmbedder } from '../routing/hashed-embedder.ts';

const routes = [summarization, translation].map((route) => ({ ...route, threshold: { precision: 0.9 } }));

async function snapshotOf() {
  const embedder = hashedEmbedder();
  const index = await buildRouteIndex({ routes, embedder, defaults: {}, calibration: null });
  return makeSnapshot({ embedder, index, routes, settings: null });
}

async function* rowsOf(rows: readonly (readonly [text: string, route: string | null])[]): AsyncGenerator<DataRow> {
  for (const [at, [text, route]] of rows.entries()) yield { file: 'rows', line: at + 1, text, route, extra: {} };
}

const prompts: (readonly [string, string | null])[] = [
  ['Translate to Swedish: the lift is broken', 'translation'],
  ['how do you say goodbye in Danish', 'translation'],
  ['give me a summary of the minutes', 'summarization'],
  ['Summarise this chapter in two sentences', 'summarization'],
  ['prove that there are infinitely many primes', null],
  ['', null],
  ['translate', null],
];

describe('an evaluation', () => {
  it('decides as serving does: the same snapshot gives the same route, reason and score', async () => {
    const snapshot = await snapshotOf();
    const config = await loadConfig('no-such-file.yaml', { env: {}, explicit: false });
    const run = await runEvaluation({ snapshot, rows: rowsOf(prompts), clock: systemClock, keepDuplicates: false });
    for (const [at, [text]] of prompts.entries()) {
      const served = await explain({ config, snapshot, clock: systemClock }, { text, chat: null });
      const { accepted, reason, candidates } = run.rows[at];
      expect({ text, route: accepted, reason }).toEqual({ text, route: served.route, reason: served.reason });
      expect(candidates[0]?.score ?? 0).toBe(served.candidates[0]?.score ?? 0);
    }
  });

  it('gives the same decisions when the model embeds in batches', async () => {
    const snapshot = await snapshotOf();
    const batching = { ...snapshot, prompts: { ...snapshot.prompts, embedInline: null } };
    const many = Array.from({ length: 30 }, () => prompts).flat();
    const evaluate = (which: typeof snapshot) =>
      runEvaluation({ snapshot: which, rows: rowsOf(many), clock: systemClock, keepDuplicates: false });
    const [inline, batched] = [await evaluate(snapshot), await evaluate(batching)];
    expect(batched.rows.map((row) => row.accepted)).toEqual(inline.rows.map((row) => row.accepted));
    expect(batched.rows.map((row) => row.line)).toEqual(inline.rows.map((row) => row.line));
    expect(batched.rows.at(-1)?.latencyMs).toBeNull();
  });

  it('counts rows that equal an example, but for case, spacing and a full stop, and leaves them out', async () => {
    const snapshot = await snapshotOf();
    const rows: (readonly [string, string | null])[] = [
      ['translate  TO French: good morning.', 'translation'],
      ...prompts,
    ];
    const run = await runEvaluation({ snapshot, rows: rowsOf(rows), clock: systemClock, keepDuplicates: false });
    expect(run).toMatchObject({ rowsRead: 8, duplicates: 1 });
    expect(run.rows).toHaveLength(7);
    const kept = await runEvaluation({ snapshot, rows: rowsOf(rows), clock: systemClock, keepDuplicates: true });
    expect(kept.rows).toHaveLength(8);
  });
});

describe('tuning', () => {
  const many = Array.from({ length: 60 }, (_, i): (readonly [string, string | null])[] => [
    [`Translate to Finnish: sentence number ${i}`, 'translation'],
    [`Summarise article ${i} in three sentences`, 'summarization'],
    [`why is integral ${i} hard to compute`, null],
  ]).flat();

  it('writes a calibration that the reader takes, and that moves the thresholds', async () => {
    const snapshot = await snapshotOf();
    const { index } = snapshot;
    const scored = await scoreRows({ snapshot, rows: rowsOf(many) });
    const terms = { routes: index.names, precisions: [0.9, 0.99], oosShare: null, scope: 'auto' as const };
    const tuned = tunePromises(scored, terms);
    const source = {
      tuned,
      scored,
      manifest: index.manifest,
      created: '2026-01-01',
      chosen: null,
      previous: null,
      note: 'test',
    };
    const calibration = calibrationSchema.parse(JSON.parse(JSON.stringify(calibrationOf(source))));
    expect(calibration.history).toHaveLength(1);
    expect(calibration.oos_share).toBeCloseTo(1 / 3, 12);
    expect(calibrationOf({ ...source, previous: calibration }).history).toHaveLength(2);
    const after = withPolicies(index, routes, {}, calibration);
    expect(after.staleCalibration).toBeNull();
    expect(after.policies.map((policy) => policy.promise.scope)).toEqual(['route', 'route']);
    const moves = movesOf(scored.rows, index, after);
    expect(moves.thresholds.every((change) => change.from !== change.to)).toBe(true);
    expect(moves.after.right / moves.after.accepted).toBeGreaterThanOrEqual(0.9);
  });

  it('pools only the routes that cannot promise by themselves, and says how many rows are missing', async () => {
    const snapshot = await snapshotOf();
    const few = many.filter(([, route], at) => route !== 'summarization' || at < 60);
    const scored = await scoreRows({ snapshot, rows: rowsOf(few) });
    const tuned = tunePromises(scored, {
      routes: snapshot.index.names,
      precisions: [0.9],
      oosShare: null,
      scope: 'auto',
    });
    expect(tuned.perRoute.get('translation')?.[0].threshold).not.toBeNull();
    const [short] = tuned.perRoute.get('summarization') ?? [];
    expect(short.threshold).toBeNull();
    expect(short.missingRows).toBeGreaterThan(0);
    expect(tuned.pooled).toMatchObject([{ precision: 0.9, routes: 1, threshold: null }]);
  });

  it('judges rows that are examples by indexes built without them', async () => {
    const snapshot = await snapshotOf();
    const own = routes.flatMap((route) => route.examples.map((text): readonly [string, string] => [text, route.name]));
    const scored = await scoreRows({ snapshot, rows: rowsOf(own) });
    expect(scored).toMatchObject({ duplicates: own.length, crossFitted: own.length });
    const serving = await runEvaluation({ snapshot, rows: rowsOf(own), clock: systemClock, keepDuplicates: true });
    const flattered = serving.rows.reduce((sum, row) => sum + (row.candidates[0]?.score ?? 0), 0);
    expect(scored.rows.reduce((sum, row) => sum + row.score, 0)).toBeLessThan(flattered);
  });

  it('leaves a few duplicates out instead', async () => {
    const snapshot = await snapshotOf();
    const scored = await scoreRows({ snapshot, rows: rowsOf([...many, [translation.examples[0], 'translation']]) });
    expect(scored).toMatchObject({ duplicates: 1, crossFitted: 0, read: 181 });
    expect(scored.rows).toHaveLength(180);
  });

  it('accepts at threshold 0 whatever no other rule keeps out', async () => {
    const { index } = await snapshotOf();
    expect(withoutThresholds(index).policies.map(({ threshold, on }) => [threshold, on])).toEqual([
      [0, 'score'],
      [0, 'score'],
    ]);
  });

  it('chooses for the best F1, and for a cost', async () => {
    const snapshot = await snapshotOf();
    const { rows } = await scoreRows({ snapshot, rows: rowsOf(many) });
    const chosen = chooseForF1(rows, snapshot.index.names);
    expect(Object.keys(chosen.routes)).toEqual(['summarization', 'translation']);
    expect(chosen.heldOut).toBeGreaterThan(0.8);
    const usdOf = (_: unknown, route: string | null) => (route === null ? 0.01 : 0.001);
    const cheap = chooseForCost(rows, 6, usdOf);
    expect(cheap.reached).toBe(true);
    expect(cheap.usdPer1000).toBeLessThanOrEqual(6);
    expect(chooseForCost(rows, 9.99, usdOf).threshold).toBeGreaterThan(cheap.threshold);
    expect(chooseForCost(rows, 0.5, usdOf).reached).toBe(false);
  });
});
