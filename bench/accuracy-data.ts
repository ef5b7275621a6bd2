/**
 * What the accuracy benchmark reads, and the arithmetic it shares: labelled rows, few-shot samples, cards made of rows,
 * mean and spread. Rows stay in the data folder given on the command line; nothing of them is committed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Route } from '../src/routing/route.ts';
import { seeded, shuffle } from '../src/routing/seeded.ts';
import { plainRoute } from './plain-route.ts';

export interface Row {
  readonly text: string;
  /** null: belongs to no route. */
  readonly route: string | null;
  readonly split: string;
}

interface RawRow {
  readonly text: string;
  readonly label?: string;
  readonly route?: string | null;
  readonly split?: string;
  readonly oos?: boolean | string;
}

/** Rows of `routes/NAME.jsonl.gz` in the data folder. */
export function readRows(data: string, name: string): Row[] {
  return parseRows(gunzipSync(readFileSync(join(data, 'routes', `${name}.jsonl.gz`))).toString('utf8'));
}

export function parseRows(text: string): Row[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RawRow)
    .map((raw) => ({
      text: raw.text,
      route: raw.oos === true ? null : (raw.route ?? raw.label ?? null),
      split: raw.split ?? '',
    }));
}

/** `shots` rows of each route (all when 0), drawn anew for each seed. */
export function sampleRows(rows: readonly Row[], shots: number, seed: number): Row[] {
  return [...groupByRoute(rows).entries()].flatMap(([, own], at) => {
    const order = Int32Array.from(own, (_, i) => i);
    shuffle(order, seeded(seed * 1_000 + at));
    return [...order].slice(0, shots || own.length).map((i) => own[i]);
  });
}

export function groupByRoute(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of [...rows].sort((a, b) => ((a.route ?? '') < (b.route ?? '') ? -1 : 1))) {
    if (row.route === null) continue;
    const own = groups.get(row.route);
    if (own) own.push(row);
    else groups.set(row.route, [row]);
  }
  return groups;
}

/** One card per label, its rows as examples. */
export function cardsOf(rows: readonly Row[]): Route[] {
  return [...groupByRoute(rows)].map(([name, own]) =>
    plainRoute(
      name,
      own.map((row) => row.text),
    ),
  );
}

/** `84.1 ± 0.6`, in percent; the standard deviation only where there is more than one value. */
export function percent(values: readonly number[]): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return values.length > 1 ? `${(mean * 100).toFixed(1)} ± ${(spread * 100).toFixed(1)}` : (mean * 100).toFixed(1);
}

export function rate<T>(rows: readonly T[], good: (row: T) => boolean): number {
  return rows.length === 0 ? 0 : rows.filter(good).length / rows.length;
}

/** Probability that a row of `inside` scores higher than one of `outside`; ties count half. */
export function areaUnderCurve(inside: readonly number[], outside: readonly number[]): number {
  const all = [...inside.map((score) => ({ score, own: 1 })), ...outside.map((score) => ({ score, own: 0 }))];
  all.sort((a, b) => a.score - b.score);
  let ranks = 0;
  for (let at = 0; at < all.length; ) {
    let end = at;
    while (end < all.length && all[end].score === all[at].score) end++;
    for (let i = at; i < end; i++) if (all[i].own === 1) ranks += (at + end + 1) / 2;
    at = end;
  }
  return (ranks - (inside.length * (inside.length + 1)) / 2) / (inside.length * outside.length);
}

/** Spearman's rank correlation, ties sharing their mean rank. */
export function spearman(a: readonly number[], b: readonly number[]): number {
  const x = ranksOf(a);
  const y = ranksOf(b);
  const mean = (a.length + 1) / 2;
  let product = 0;
  let squareX = 0;
  let squareY = 0;
  for (let i = 0; i < x.length; i++) {
    product += (x[i] - mean) * (y[i] - mean);
    squareX += (x[i] - mean) ** 2;
    squareY += (y[i] - mean) ** 2;
  }
  return product / Math.sqrt(squareX * squareY);
}

function ranksOf(values: readonly number[]): Float64Array {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const ranks = new Float64Array(values.length);
  for (let at = 0; at < order.length; ) {
    let end = at;
    while (end < order.length && values[order[end]] === values[order[at]]) end++;
    for (let i = at; i < end; i++) ranks[order[i]] = (at + end + 1) / 2;
    at = end;
  }
  return ranks;
}
