/**
 * The shipped routes on `routes/eval/shipped.jsonl`, which nothing was fitted on. Thresholds come from
 * `routes/tune/shipped.jsonl`: the lowest one at which the tuning rows keep the wanted precision.
 */
import { readFileSync } from 'node:fs';
import type { Embedder } from '../src/embedding/contract.ts';
import { loadBackground } from '../src/routing/background-file.ts';
import { loadRoutes } from '../src/routing/load.ts';
import { parseRows, percent, type Row, rate } from './accuracy-data.ts';
import { bestRouteAccuracy, type Judged, lexicalAccuracy, majorityAccuracy, routerOf } from './accuracy-router.ts';

export interface Line {
  readonly figure: string;
  readonly majority: string;
  readonly lexical: string;
  readonly reached: string;
  readonly target: string;
}

const wanted = 0.97;

export async function shippedLines(folder: string, embedder: Embedder): Promise<Line[]> {
  const { routes } = await loadRoutes(folder, { modelNames: null });
  const router = await routerOf(routes, embedder, await loadBackground(folder));
  const tune = await router.judge(readLines(`${folder}/tune/shipped.jsonl`));
  const rows = readLines(`${folder}/eval/shipped.jsonl`);
  const judged = await router.judge(rows);
  const threshold = thresholdFor(tune, wanted);
  const inside = rows.filter((row) => row.route !== null);
  const train = routes.flatMap((route) => route.examples.map((text): Row => ({ text, route: route.name, split: '' })));
  const accepted = judged.filter((one) => isAccepted(one, threshold));
  const right = accepted.filter(({ row, best }) => best === row.route);
  const outside = judged.filter(({ row }) => row.route === null);
  const baselines = {
    majority: percent([majorityAccuracy(train, inside)]),
    lexical: percent([lexicalAccuracy(train, inside)]),
  };
  const none = { majority: '–', lexical: '–' };
  const atDefault = macroF1(judged, 0.5);
  return [
    {
      figure: `Shipped routes, ${inside.length} in-scope rows, best route`,
      ...baselines,
      reached: percent([bestRouteAccuracy(judged)]),
      target: '',
    },
    {
      figure: `Shipped routes, ${rows.length} rows, macro F1 with "none" (score ≥ .5)`,
      ...none,
      reached: percent([atDefault]),
      target: '≥ 90',
    },
    {
      figure: `— precision of accepted at the threshold ${threshold.toFixed(2)} tuned for .97`,
      ...none,
      reached: percent([right.length / Math.max(1, accepted.length)]),
      target: '≥ 97',
    },
    {
      figure: '— coverage in scope at that threshold',
      ...none,
      reached: percent([right.length / inside.length]),
      target: '≥ 70',
    },
    {
      figure: '— out-of-scope rows that fall back',
      ...none,
      reached: percent([rate(outside, (one) => !isAccepted(one, threshold))]),
      target: '',
    },
  ];
}

function readLines(file: string): Row[] {
  return parseRows(readFileSync(file, 'utf8'));
}

function isAccepted({ result }: Judged, threshold: number): boolean {
  const vetoed = result.reason === 'language-not-covered' || result.reason === 'counter-example';
  return !vetoed && result.score >= threshold;
}

function thresholdFor(judged: readonly Judged[], precision: number): number {
  let lowest = 1;
  for (let threshold = 0.99; threshold > 0; threshold -= 0.01) {
    const accepted = judged.filter((one) => isAccepted(one, threshold));
    if (rate(accepted, ({ row, best }) => best === row.route) >= precision) lowest = threshold;
    else break;
  }
  return lowest;
}

/** Over the routes and "none" as one more class. */
function macroF1(judged: readonly Judged[], threshold: number): number {
  const classes = [...new Set(judged.map(({ row }) => row.route))];
  const answers = judged.map((one) => ({ wanted: one.row.route, given: isAccepted(one, threshold) ? one.best : null }));
  const scores = classes.map((name) => {
    const hits = answers.filter((answer) => answer.wanted === name && answer.given === name).length;
    const either = answers.filter((a) => a.wanted === name).length + answers.filter((a) => a.given === name).length;
    return either === 0 ? 0 : (2 * hits) / either;
  });
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}
