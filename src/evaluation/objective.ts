/**
 * Thresholds for another aim than a promise: the best F1, or a cost per 1,000 prompts. They are chosen on the rows as they
 * are; what they are worth on other rows is estimated by choosing on four fifths and scoring the last, in turn.
 */
import { createHash } from 'node:crypto';
import type { ScoredRow } from '../routing/calibrate.ts';
import type { TuneRow } from './scored-rows.ts';

export interface ChosenThresholds {
  readonly objective: 'f1' | 'cost';
  /** For routes with too few rows of their own. */
  readonly threshold: number;
  readonly routes: Readonly<Record<string, number>>;
}

export interface F1Choice extends ChosenThresholds {
  /** Macro F1 on held-out fifths; null with fewer than five rows. */
  readonly heldOut: number | null;
}

/** Fewer in-scope rows than this, and a route takes the common threshold. */
const fewestRows = 20;
const folds = 5;

export function chooseForF1(rows: readonly TuneRow[], routes: readonly string[]): F1Choice {
  return { ...bestF1(rows, routes), heldOut: heldOutF1(rows, routes) };
}

function bestF1(rows: readonly ScoredRow[], routes: readonly string[]): ChosenThresholds {
  const threshold = thresholdForF1(rows, () => true);
  const own: Record<string, number> = {};
  for (const route of routes) {
    if (rows.filter((row) => row.truth === route).length >= fewestRows)
      own[route] = thresholdForF1(rows, (name) => name === route);
  }
  return { objective: 'f1', threshold, routes: own };
}

/** Largest 2·right ÷ (rows + accepted); midway between two scores, to six decimals. */
function thresholdForF1(rows: readonly ScoredRow[], scope: (route: string) => boolean): number {
  const wanted = rows.filter((row) => row.truth !== null && scope(row.truth)).length;
  const taken = rows.filter((row) => row.route !== null && scope(row.route)).sort((a, b) => b.score - a.score);
  let right = 0;
  let best = { f1: 0, threshold: 1 };
  for (const [at, row] of taken.entries()) {
    if (row.route === row.truth) right++;
    const next = taken[at + 1]?.score ?? 0;
    if (next === row.score) continue;
    const f1 = (2 * right) / (wanted + at + 1);
    if (f1 > best.f1) best = { f1, threshold: Number(((row.score + next) / 2).toFixed(6)) };
  }
  return best.threshold;
}

function heldOutF1(rows: readonly TuneRow[], routes: readonly string[]): number | null {
  if (rows.length < folds) return null;
  const fold = rows.map((row) => createHash('sha1').update(row.text).digest()[0] % folds);
  const counts = new Map<string, { rows: number; accepted: number; right: number }>();
  const of = (route: string) => {
    const own = counts.get(route) ?? { rows: 0, accepted: 0, right: 0 };
    counts.set(route, own);
    return own;
  };
  for (let held = 0; held < folds; held++) {
    const chosen = bestF1(
      rows.filter((_, at) => fold[at] !== held),
      routes,
    );
    for (const row of rows.filter((_, at) => fold[at] === held)) {
      if (row.truth !== null) of(row.truth).rows++;
      if (row.route === null || row.score < thresholdOf(chosen, row.route)) continue;
      of(row.route).accepted++;
      if (row.route === row.truth) of(row.route).right++;
    }
  }
  const scores = [...counts.values()]
    .filter((own) => own.rows > 0)
    .map((own) => (2 * own.right) / (own.rows + own.accepted));
  return scores.length === 0 ? null : scores.reduce((sum, f1) => sum + f1, 0) / scores.length;
}

export function thresholdOf(chosen: ChosenThresholds, route: string): number {
  return chosen.routes[route] ?? chosen.threshold;
}

export interface CostChoice extends ChosenThresholds {
  readonly usdPer1000: number;
  readonly reached: boolean;
}

/**
 * The highest common threshold (the fewest mistakes) at which the rows cost no more than `target` dollars per 1,000.
 * `usdOf` is the price of one row on a route's target, or on the fallback (null). Accepting everything when even that is
 * dearer.
 */
export function chooseForCost(
  rows: readonly TuneRow[],
  target: number,
  usdOf: (row: TuneRow, route: string | null) => number,
): CostChoice {
  const taken = rows.filter((row) => row.route !== null).sort((a, b) => b.score - a.score);
  const per1000 = (sum: number) => (1_000 * sum) / Math.max(1, rows.length);
  let sum = rows.reduce((total, row) => total + usdOf(row, null), 0);
  let threshold = 1;
  for (const row of taken) {
    // Rows with one score are accepted together or not at all.
    if (per1000(sum) <= target && row.score < threshold) break;
    sum += usdOf(row, row.route) - usdOf(row, null);
    threshold = Math.floor(row.score * 1e6) / 1e6;
  }
  return { objective: 'cost', threshold, routes: {}, usdPer1000: per1000(sum), reached: per1000(sum) <= target };
}
