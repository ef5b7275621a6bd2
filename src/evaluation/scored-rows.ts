/**
 * Labelled rows → what the matcher makes of them when no threshold stands in the way: the material of `shunt tune`.
 *
 * A row that equals an example has built a prototype and would judge itself. When there are many of those, they are judged
 * by indexes that were built without them (five folds); when there are few, they are left out.
 */
import { createHash } from 'node:crypto';
import type { UnitVector } from '../base/vector.ts';
import { estimateUsage } from '../ledger/usage.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import { learnIndex } from '../routing/build-index.ts';
import type { ScoredRow } from '../routing/calibrate.ts';
import { match } from '../routing/match.ts';
import { type RouteIndex, withPolicies } from '../routing/route-index.ts';
import type { DataRow } from './dataset.ts';
import { excerptLength } from './evaluated-row.ts';
import { exampleKeys } from './run.ts';
import { sameTextKey } from './same-text.ts';

/** With the vector, so that the same rows can be decided again by other policies. */
export interface TuneRow extends ScoredRow {
  readonly text: string;
  readonly excerpt: string;
  readonly vector: UnitVector;
  readonly inputTokens: number;
  /** Judged by an index built without it; decided again by the serving index it would look too good. */
  readonly crossFitted: boolean;
}

export interface ScoredRows {
  readonly rows: readonly TuneRow[];
  readonly read: number;
  readonly duplicates: number;
  /** Of the duplicates, those that were judged by an index built without them; the others are left out. */
  readonly crossFitted: number;
  /** Over texts and labels, in order. */
  readonly digest: string;
}

const folds = 5;
/** Fewer duplicates than this share of the rows are left out rather than paid for with five indexes. */
const worthCrossFitting = 0.05;

interface ScoreOptions {
  readonly snapshot: Snapshot;
  readonly rows: AsyncIterable<DataRow>;
  /** What the serving index was built with beside the cards: the folds' indexes are built with it too. */
  readonly background?: readonly string[] | undefined;
  readonly onProgress?: ((note: string, rows: number) => void) | undefined;
}

export async function scoreRows(options: ScoreOptions): Promise<ScoredRows> {
  const { snapshot } = options;
  const examples = exampleKeys(snapshot);
  const fresh: DataRow[] = [];
  const seen: DataRow[] = [];
  const digest = createHash('sha256');
  for await (const row of options.rows) {
    digest.update(`${JSON.stringify([row.text, row.route])}\n`);
    (examples.has(sameTextKey(row.text)) ? seen : fresh).push(row);
    options.onProgress?.('reading', fresh.length + seen.length);
  }
  const open = withoutThresholds(snapshot.index);
  const rows = await judge(snapshot, open, fresh, options.onProgress);
  const read = fresh.length + seen.length;
  const crossFits = seen.length >= read * worthCrossFitting && seen.length > 0;
  if (crossFits) rows.push(...(await crossFit(options, seen)));
  return {
    rows,
    read,
    duplicates: seen.length,
    crossFitted: crossFits ? seen.length : 0,
    digest: `sha256:${digest.digest('hex')}`,
  };
}

/** Margins, vetoes, reject levels and the language gate stay: a row that they keep out is accepted at no threshold. */
export function withoutThresholds(index: RouteIndex): RouteIndex {
  const policies = index.policies.map((policy) => ({ ...policy, threshold: 0, on: 'score' as const }));
  return { ...index, policies };
}

type Progress = ((note: string, rows: number) => void) | undefined;

async function judge(
  snapshot: Snapshot,
  index: RouteIndex,
  rows: readonly DataRow[],
  onProgress: Progress,
): Promise<TuneRow[]> {
  const judged: TuneRow[] = [];
  for (let from = 0; from < rows.length; from += 64) {
    const batch = rows.slice(from, from + 64);
    const embeddings = await snapshot.prompts.embed(
      batch.map((row) => row.text),
      { role: 'query', lane: 'bulk' },
    );
    embeddings.forEach(({ vector }, at) => {
      judged.push(judgeRow(index, batch[at], vector));
    });
    onProgress?.('judging', judged.length);
  }
  return judged;
}

function judgeRow(index: RouteIndex, row: DataRow, vector: UnitVector): TuneRow {
  const { route, score } = match(index, { text: row.text, vector }, { limit: 1 });
  return {
    route,
    score,
    truth: row.route,
    text: row.text,
    excerpt: row.text.slice(0, excerptLength),
    vector,
    inputTokens: estimateUsage(Buffer.byteLength(row.text), 0).input,
    crossFitted: false,
  };
}

async function crossFit(
  { snapshot, background, onProgress }: ScoreOptions,
  rows: readonly DataRow[],
): Promise<TuneRow[]> {
  const judged: TuneRow[] = [];
  const { index, embedder } = snapshot;
  for (let fold = 0; fold < folds; fold++) {
    const held = rows.filter((row) => foldOf(row.text) === fold);
    if (held.length === 0) continue;
    onProgress?.(`index without fold ${fold + 1} of ${folds}`, judged.length);
    const keys = new Set(held.map((row) => sameTextKey(row.text)));
    const routes = [...snapshot.routes.values()].map((route) => {
      const kept = route.examples.filter((text) => !keys.has(sameTextKey(text)));
      // A route that would lose every example keeps one: without it, no row of the fold could be right.
      return { ...route, examples: kept.length > 0 ? kept : route.examples.slice(0, 1) };
    });
    const learned = await learnIndex({ routes, embedder, background });
    const usual = withPolicies(learned, routes, {}, null);
    // The margins and reject levels of the serving index, whose routes are the same ones in the same order.
    const own = withoutThresholds({ ...usual, policies: index.policies });
    judged.push(...(await judge(snapshot, own, held, undefined)).map((row) => ({ ...row, crossFitted: true })));
  }
  return judged;
}

/** By the text, so that the same prompt is always in the same fold. */
function foldOf(text: string): number {
  return createHash('sha1').update(sameTextKey(text)).digest()[0] % folds;
}
