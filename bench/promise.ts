/**
 * Is a promised precision kept? Three answers:
 *
 *   1. simulated: 1,000 draws of labelled rows from populations whose precision is known in closed form, among them ones
 *      made to break the promise (precision exactly at the promise, or a hair below it, at every threshold);
 *   2. CLINC150: cards from the training rows, threshold from validation rows, precision realised on the test rows, with
 *      the out-of-scope share declared beforehand as 1/5.5;
 *   3. re-drawn halves: thresholds from a random half of the labelled rows, realised on the other half, again and again.
 *
 * npm run bench:promise -- --data DIR      (DIR holds routes/clinc150_full.jsonl.gz; without it, only the simulation)
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Embedder } from '../src/embedding/contract.ts';
import { createEmbedder } from '../src/embedding/create-embedder.ts';
import { type DataRow, readDataset } from '../src/evaluation/dataset.ts';
import { openRegistry } from '../src/lifecycle/registry.ts';
import { renderTable } from '../src/render/table.ts';
import { buildRouteIndex } from '../src/routing/build-index.ts';
import { findThreshold, type ScoredRow } from '../src/routing/calibrate.ts';
import { match } from '../src/routing/match.ts';
import { promptEmbedder } from '../src/routing/prompt-embedder.ts';
import { seeded } from '../src/routing/seeded.ts';
import { plainRoute } from './plain-route.ts';
import { declaredShare, draw, populations, truePrecision } from './populations.ts';

const { values: flags } = parseArgs({
  options: {
    data: { type: 'string' },
    models: { type: 'string', default: 'models' },
    embedding: { type: 'string', default: 'default' },
    draws: { type: 'string', default: '1000' },
  },
});
const draws = Number(flags.draws);
const promises = [0.9, 0.95, 0.97, 0.99];
const anyRoute = () => true;

function simulate(): void {
  const rows = promises.slice(0, 3).flatMap((precision) =>
    populations(precision).map((population) => {
      const random = seeded(11);
      let made = 0;
      let broken = 0;
      for (let i = 0; i < draws; i++) {
        const terms = { precision, oosShare: population.declared ? declaredShare : null };
        const { threshold } = findThreshold(draw(population, random), anyRoute, terms);
        if (threshold === null) continue;
        made++;
        if (truePrecision(population, threshold) < precision) broken++;
      }
      const kept = 1 - broken / draws;
      return [
        String(precision),
        population.name,
        percent(made / draws),
        String(broken),
        percent(kept),
        kept >= 0.95 ? 'yes' : 'NO',
      ];
    }),
  );
  const columns = [
    { title: 'promised', align: 'right' as const },
    { title: 'population' },
    { title: 'promise made', align: 'right' as const },
    { title: 'broken', align: 'right' as const },
    { title: 'not broken', align: 'right' as const },
    { title: '≥ 95%' },
  ];
  console.log(`\n1. ${draws} simulated draws each\n${renderTable(columns, rows)}`);
}

interface Counts {
  readonly inScope: number;
  readonly accepted: number;
  readonly right: number;
  readonly strangers: number;
  readonly strangersAccepted: number;
}

function countAt(rows: readonly ScoredRow[], threshold: number): Counts {
  const taken = rows.filter((row) => row.route !== null && row.score >= threshold);
  return {
    inScope: rows.filter((row) => row.truth !== null).length,
    accepted: taken.filter((row) => row.truth !== null).length,
    right: taken.filter((row) => row.route === row.truth).length,
    strangers: rows.filter((row) => row.truth === null).length,
    strangersAccepted: taken.filter((row) => row.truth === null).length,
  };
}

/** With the strata at the declared share. */
function realised(
  rows: readonly ScoredRow[],
  threshold: number,
  share: number,
): { precision: number; coverage: number } {
  const { inScope, accepted, right, strangers, strangersAccepted } = countAt(rows, threshold);
  const inside = ((1 - share) * accepted) / inScope;
  const outside = (share * strangersAccepted) / strangers;
  return { precision: ((1 - share) * right) / inScope / (inside + outside), coverage: inside + outside };
}

async function clinc(folder: string): Promise<void> {
  const file = resolve(folder, 'routes/clinc150_full.jsonl.gz');
  const registry = await openRegistry(resolve(flags.models));
  const embedder = await createEmbedder(await registry.resolve(flags.embedding), { alias: flags.embedding });
  try {
    const { scored, routes } = await scoreClinc(file, embedder);
    console.log(
      `\nCLINC150, ${routes} routes from the training rows; embedding ${embedder.identity.name}@${embedder.identity.version}`,
    );
    table(
      '2a. threshold from validation rows (3,000 in scope, 100 out of scope), realised on the 5,500 test rows',
      scored.val,
      scored.test,
    );
    table(
      '2b. the same, with the 100 out-of-scope training rows (no prototype is built from them) added',
      [...scored.val, ...scored.trainStrangers],
      scored.test,
    );
    halves([...scored.val, ...scored.trainStrangers, ...scored.test]);
  } finally {
    await embedder.close();
  }
}

function table(title: string, calibration: readonly ScoredRow[], test: readonly ScoredRow[]): void {
  const rows = promises.map((precision) => {
    const found = findThreshold(calibration, anyRoute, { precision, oosShare: declaredShare });
    if (found.threshold === null)
      return [String(precision), `none: about ${found.missingRows} accepted rows missing`, '', '', ''];
    const { precision: kept, coverage } = realised(test, found.threshold, declaredShare);
    return [
      String(precision),
      found.threshold.toFixed(6),
      kept.toFixed(4),
      percent(coverage),
      kept >= precision ? 'yes' : 'NO',
    ];
  });
  const columns = [
    { title: 'promised', align: 'right' as const },
    { title: 'threshold', align: 'right' as const },
    { title: 'realised', align: 'right' as const },
    { title: 'coverage', align: 'right' as const },
    { title: 'kept' },
  ];
  console.log(`\n${title}\n${renderTable(columns, rows)}`);
}

/**
 * The other half is itself a sample: its precision differs from the true one by chance, and where one half came out
 * lucky the other is unlucky.
 */
function halves(rows: readonly ScoredRow[]): void {
  const trials = Math.min(draws, 300);
  const shown = promises.map((precision) => {
    const random = seeded(13);
    let made = 0;
    let short = 0;
    let sum = 0;
    for (let i = 0; i < trials; i++) {
      const first: ScoredRow[] = [];
      const second: ScoredRow[] = [];
      for (const row of rows) (random() < 0.5 ? first : second).push(row);
      const { threshold } = findThreshold(first, anyRoute, { precision, oosShare: declaredShare });
      if (threshold === null) continue;
      made++;
      const { precision: kept } = realised(second, threshold, declaredShare);
      sum += kept;
      if (kept < precision) short++;
    }
    const kept = 1 - short / trials;
    return [
      String(precision),
      percent(made / trials),
      made === 0 ? '' : (sum / made).toFixed(4),
      String(short),
      percent(kept),
      kept >= 0.95 ? 'yes' : 'NO',
    ];
  });
  const columns = [
    { title: 'promised', align: 'right' as const },
    { title: 'promise made', align: 'right' as const },
    { title: 'mean realised', align: 'right' as const },
    { title: 'short', align: 'right' as const },
    { title: 'not short', align: 'right' as const },
    { title: '≥ 95%' },
  ];
  console.log(
    `\n3. ${trials} re-drawn halves of validation and test rows: threshold from one, realised on the other\n${renderTable(columns, shown)}`,
  );
}

async function scoreClinc(file: string, embedder: Embedder) {
  const all: DataRow[] = [];
  const options = { files: [file], routeField: 'label', oosLabels: ['oos'], knownRoutes: null };
  for await (const row of readDataset(options)) all.push(row);
  const split = (name: string) => all.filter((row) => row.extra.split === name);
  const examples = new Map<string, string[]>();
  for (const { route, text } of split('train'))
    if (route !== null) examples.set(route, [...(examples.get(route) ?? []), text]);
  const routes = [...examples].map(([name, texts]) => plainRoute(name, texts));
  const index = await buildRouteIndex({ routes, embedder, defaults: { threshold: 0 }, calibration: null });
  const prompts = promptEmbedder(embedder);
  const seen = new Set(routes.flatMap((route) => route.examples));
  const score = async (rows: readonly DataRow[]): Promise<ScoredRow[]> => {
    const fresh = rows.filter((row) => !seen.has(row.text));
    const embeddings = await prompts.embed(fresh.map((row) => row.text));
    return fresh.map(({ text, route: truth }, at) => {
      const { route, score: found } = match(index, { text, vector: embeddings[at].vector }, { limit: 1 });
      return { route, score: found, truth };
    });
  };
  const trainStrangers = await score(split('train').filter((row) => row.route === null));
  return {
    routes: routes.length,
    scored: { val: await score(split('val')), test: await score(split('test')), trainStrangers },
  };
}

function percent(value: number): string {
  return `${(100 * value).toFixed(1)}%`;
}

simulate();
if (flags.data !== undefined) await clinc(flags.data);
