/**
 * How well the embedded model and the matcher route: `npm run bench:accuracy -- --data DIR [--only clinc,snips,…]`.
 *
 * Every figure is measured on rows that nothing was fitted on; samples are drawn with three seeds and given as mean ±
 * standard deviation; beside each stand the commonest label and the lexical centroid. DIR is laid out as
 * `routes/*.jsonl.gz` and `pairs/stsb.jsonl.gz` (text and label a line); the shipped routes need none of it.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { dot } from '../src/base/vector.ts';
import type { Embedder } from '../src/embedding/contract.ts';
import { createEmbedder } from '../src/embedding/create-embedder.ts';
import { openRegistry } from '../src/lifecycle/registry.ts';
import { areaUnderCurve, percent, type Row, rate, readRows, sampleRows, spearman } from './accuracy-data.ts';
import { bestRouteAccuracy, type Judged, lexicalAccuracy, majorityAccuracy, trainedOn } from './accuracy-router.ts';
import { type Line, shippedLines } from './accuracy-shipped.ts';

const seeds = [0, 1, 2];

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '' },
    models: { type: 'string', default: 'models' },
    model: { type: 'string', default: 'default' },
    routes: { type: 'string', default: 'routes' },
    only: { type: 'string', default: 'clinc,snips,autoj,sts,shipped,size' },
  },
});

const registry = await openRegistry(values.models);
const model = await registry.resolve(values.model);
const embedder = await createEmbedder(model, { alias: values.model, cacheMb: 0 });
const lines: Line[] = [];
const only = values.only.split(',');
const sections: Record<string, () => Promise<Line[]>> = {
  clinc: () => clinc(values.data, embedder),
  snips: () => snips(values.data),
  autoj: () => autoj(values.data, embedder),
  sts: () => sts(values.data, embedder),
  shipped: () => shippedLines(values.routes, embedder),
  size: () => size(embedder),
};
for (const [name, section] of Object.entries(sections)) {
  if (!only.includes(name)) continue;
  if (values.data === '' && name !== 'shipped' && name !== 'size') continue;
  process.stderr.write(`${name} …\n`);
  lines.push(...(await section()));
}
await embedder.close();
process.stdout.write(`${table(lines, `${model.name}@${model.version} ${model.fingerprint.slice(0, 19)}`)}\n`);

async function clinc(data: string, embedder: Embedder): Promise<Line[]> {
  const rows = readRows(data, 'clinc150_full');
  const of = (split: string): Row[] => rows.filter((row) => row.split === split);
  const inside = (list: readonly Row[]): Row[] => list.filter((row) => row.route !== null);
  const few: Line[] = [];
  for (const [shots, target, cited] of [
    [5, '≥ 86', ''],
    [10, '≥ 90', '; all-MiniLM-L6-v2 centroids: about 88'],
  ] as const) {
    const sampled = { train: inside(of('train')), test: inside(of('test')), shots };
    few.push(await fewShot(`CLINC150, ${shots} per intent (test${cited})`, sampled, target));
  }
  const router = await trainedOn(inside(of('train')), embedder);
  const judged = await router.judge(of('test'));
  const validation = await router.judge(of('val'));
  const outside = judged.filter(({ row }) => row.route === null);
  const within = judged.filter(({ row }) => row.route !== null);
  const threshold = bestThreshold(validation, outside.length / judged.length);
  const scores = (list: readonly Judged[]): number[] => list.map(({ result }) => result.score);
  const none = { majority: '–', lexical: '–' };
  const isRight = ({ row, best, result }: Judged): boolean =>
    row.route === null ? result.score < threshold : result.score >= threshold && best === row.route;
  return [
    ...few,
    {
      figure: `CLINC150, all training rows, in scope (test; index built in ${(router.buildMs / 1000).toFixed(1)} s)`,
      majority: percent([majorityAccuracy(inside(of('train')), inside(of('test')))]),
      lexical: percent([lexicalAccuracy(inside(of('train')), inside(of('test')))]),
      reached: percent([bestRouteAccuracy(judged)]),
      target: '≥ 95.5',
    },
    {
      figure: `CLINC150 with out-of-scope, 5,500 test rows, threshold ${threshold.toFixed(2)} from validation`,
      majority: percent([outside.length / judged.length]),
      lexical: '–',
      reached: percent([rate(judged, isRight)]),
      target: '≥ 91',
    },
    { figure: '— out-of-scope recall', ...none, reached: percent([rate(outside, isRight)]), target: '≥ 85' },
    {
      figure: '— AUROC of the score',
      ...none,
      reached: percent([areaUnderCurve(scores(within), scores(outside))]),
      target: '',
    },
    await nearOutOfScope(data, embedder),
  ];
}

/** Held-out intents of the banking and credit-card domains: near out of scope, apart from the far kind above. */
async function nearOutOfScope(data: string, embedder: Embedder): Promise<Line> {
  const rows = readRows(data, 'clinc_single_domain_oos').map((row) => ({
    ...row,
    route: row.route === 'oos' ? null : row.route,
  }));
  const router = await trainedOn(
    rows.filter((row) => row.split === 'train' && row.route !== null),
    embedder,
  );
  const judged = await router.judge(rows.filter((row) => row.split === 'test'));
  const scores = (out: boolean): number[] =>
    judged.filter(({ row }) => (row.route === null) === out).map(({ result }) => result.score);
  const figure = 'CLINC single domains, near out-of-scope, AUROC of the score (test)';
  return {
    figure,
    majority: '50.0',
    lexical: '–',
    reached: percent([areaUnderCurve(scores(false), scores(true))]),
    target: '',
  };
}

/** The threshold with the best validation accuracy, its out-of-scope rows weighted to make up `share` of all. */
function bestThreshold(judged: readonly Judged[], share: number): number {
  const outside = judged.filter(({ row }) => row.route === null);
  const inside = judged.filter(({ row }) => row.route !== null);
  let best = 0;
  let most = -1;
  for (let threshold = 0; threshold <= 1; threshold += 0.005) {
    const kept = rate(inside, ({ row, best: route, result }) => result.score >= threshold && route === row.route);
    const accuracy = (1 - share) * kept + share * rate(outside, ({ result }) => result.score < threshold);
    if (accuracy > most) {
      most = accuracy;
      best = threshold;
    }
  }
  return best;
}

async function fewShot(
  figure: string,
  rows: { readonly train: readonly Row[]; readonly test: readonly Row[]; readonly shots: number },
  target: string,
): Promise<Line> {
  const reached: number[] = [];
  const lexical: number[] = [];
  for (const seed of seeds) {
    const sample = sampleRows(rows.train, rows.shots, seed);
    const router = await trainedOn(sample, embedder);
    reached.push(bestRouteAccuracy(await router.judge(rows.test)));
    lexical.push(lexicalAccuracy(sample, rows.test));
  }
  const majority = percent([majorityAccuracy(rows.train, rows.test)]);
  return { figure, majority, lexical: percent(lexical), reached: percent(reached), target };
}

async function snips(data: string): Promise<Line[]> {
  const rows = readRows(data, 'snips');
  const train = rows.filter((row) => row.split === 'train');
  const test = rows.filter((row) => row.split === 'test');
  return [
    await fewShot('SNIPS, 10 per intent (test)', { train, test, shots: 10 }, '≥ 95'),
    await fewShot('SNIPS, 50 per intent (test)', { train, test, shots: 50 }, '≥ 97'),
  ];
}

async function autoj(data: string, embedder: Embedder): Promise<Line[]> {
  const rows = readRows(data, 'prompts_autoj_scenarios');
  const folds = [0, 1, 2, 3, 4].map((fold) => ({
    train: rows.filter((_, at) => at % 5 !== fold),
    test: rows.filter((_, at) => at % 5 === fold),
  }));
  const reached: number[] = [];
  for (const { train, test } of folds) {
    const router = await trainedOn(train, embedder);
    reached.push(bestRouteAccuracy(await router.judge(test)));
  }
  return [
    {
      figure: 'Auto-J scenarios, 59 kinds of real prompts (5 folds)',
      majority: percent(folds.map(({ train, test }) => majorityAccuracy(train, test))),
      lexical: percent(folds.map(({ train, test }) => lexicalAccuracy(train, test))),
      reached: percent(reached),
      target: '≥ 55',
    },
  ];
}

async function sts(data: string, embedder: Embedder): Promise<Line[]> {
  interface Pair {
    readonly a: string;
    readonly b: string;
    readonly score: number;
    readonly split: string;
  }
  const text = gunzipSync(readFileSync(join(data, 'pairs', 'stsb.jsonl.gz'))).toString('utf8');
  const pairs = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Pair)
    .filter((pair) => pair.split === 'val');
  const left = await embedder.embed(pairs.map((pair) => pair.a));
  const right = await embedder.embed(pairs.map((pair) => pair.b));
  const cosines = pairs.map((_, at) => dot(left[at].vector, right[at].vector));
  const reached = spearman(
    cosines,
    pairs.map((pair) => pair.score),
  );
  return [
    {
      figure: 'STS-B validation, Spearman × 100 (the model alone)',
      majority: '–',
      lexical: '–',
      reached: percent([reached]),
      target: '≥ 80',
    },
  ];
}

/** What each megabyte and each microsecond buys: the 10-shot accuracy on CLINC150, when it was measured in this run. */
function worth(megabytes: number, micros: number): Line[] {
  const ten = lines.find((line) => line.figure.startsWith('CLINC150, 10 per intent'));
  const accuracy = Number.parseFloat(ten?.reached ?? '');
  if (!Number.isFinite(accuracy)) return [];
  const none = { majority: '–', lexical: '–', target: '' };
  return [
    {
      figure: 'CLINC150 10-shot points per MB (all-MiniLM-L6-v2: 88 on 90 MB, 1.0)',
      ...none,
      reached: (accuracy / megabytes).toFixed(1),
    },
    {
      figure: 'CLINC150 10-shot points per µs of embedding (MiniLM int8: 88 in 2,700 µs, 0.03)',
      ...none,
      reached: (accuracy / micros).toFixed(1),
    },
  ];
}

async function size(embedder: Embedder): Promise<Line[]> {
  const folder = join(values.models, model.name, model.version);
  const bytes = ['model.onnx', 'tokenizer.json'].reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  const prompt = 'please compare these two answers and tell me which one you would send to the customer '.repeat(4);
  for (let i = 0; i < 500; i++) await embedder.embed([prompt]);
  const began = performance.now();
  for (let i = 0; i < 2_000; i++) await embedder.embed([prompt]);
  const micros = ((performance.now() - began) / 2_000) * 1_000;
  const none = { majority: '–', lexical: '–' };
  return [
    { figure: 'Model and tokenizer, MB', ...none, reached: (bytes / 1e6).toFixed(1), target: '≤ 12' },
    { figure: 'Embedding of 64 tokens, µs', ...none, reached: micros.toFixed(0), target: '≤ 100' },
    ...worth(bytes / 1e6, micros),
  ];
}

function table(rows: readonly Line[], title: string): string {
  const head = `| ${title} | majority | lexical centroid | reached | target |\n| --- | --- | --- | --- | --- |`;
  const body = rows.map(
    (row) => `| ${row.figure} | ${row.majority} | ${row.lexical} | ${row.reached} | ${row.target} |`,
  );
  return [head, ...body].join('\n');
}
