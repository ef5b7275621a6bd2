/**
 * Finds the lowest threshold that keeps a promise of precision, on labelled rows that built no prototype. Pure.
 *
 * Thresholds are tried at a list of ranks ("looks") that is fixed by the number of rows before any label is seen.
 *
 *   scores, best first   ●●●●●●●●●●│●●●│●●●│●●│●●×●│×●×××
 *   looks                          1   2   3  4    5        5 fails: the threshold of look 4 is the answer
 *
 * Having searched costs something. Suppose that precision falls under the promise from some look i on; then all of i, i+1, …
 * are bad. The rows contradict this when look i passes at most of the 5%, or a later one at its part of the rest: by
 * Bonferroni a false contradiction has at most 5%. Look j is proven when that is contradicted for every i ≤ j (closed
 * testing: Marcus, Peritz & Gabriel, 1976). So where rows are clear each look is tested at nearly the whole 5%, an
 * unlucky first look does not spoil the rest, and the chance of making any broken promise stays below 5%.
 *
 * What it assumes: the rows are drawn like the traffic (each stratum by itself, when an out-of-scope share is declared),
 * independently, and precision does not rise again where the threshold falls below the promised level.
 */

import { rowsForPromise } from './calibration.ts';
import { type AcceptedCounts, type PromiseTerms, provesPromise } from './promise-test.ts';

/** What the matcher makes of a labelled row when no threshold stands in the way. */
export interface ScoredRow {
  /** The route that would be accepted at threshold 0; null when a margin, a veto or the language gate keeps it out. */
  readonly route: string | null;
  readonly score: number;
  /** The right route; null: out of scope. */
  readonly truth: string | null;
}

export interface FoundPromise {
  readonly precision: number;
  /** null: these rows do not prove the promise at any threshold. */
  readonly threshold: number | null;
  /** At the threshold; at the most promising look when there is none. In the rows as they are, not reweighted. */
  readonly accepted: number;
  readonly errors: number;
  /** An estimate of the accepted rows still missing; 0 when the promise is made. */
  readonly missingRows: number;
}

const level = 0.05;

/**
 * `scope` names the routes the promise is about: one route, or all that share a pooled threshold. Rows of other routes
 * count only as in-scope or out-of-scope rows that were not accepted.
 */
export function findThreshold(
  rows: readonly ScoredRow[],
  scope: (route: string) => boolean,
  terms: PromiseTerms,
): FoundPromise {
  const ranked = rankRows(rows, scope, terms.oosShare !== null);
  const looks = looksFor(ranked.ranks.length, cleanPass(ranked, terms));
  const seen = looks.map((rank) => lookAt(ranked, rank));
  const found: Look | undefined =
    seen[lastProven(seen.length, (look, share) => provesPromise(seen[look].counts, terms, share))];
  const { precision } = terms;
  if (found) return { precision, threshold: found.threshold, ...sums(found.counts), missingRows: 0 };
  return { precision, threshold: null, ...missing(ranked, looks, terms) };
}

/** Part of the 5% that goes to the first of the looks in question; the later ones share the rest. */
const ownPart = 0.7;

/** The last look of those that are all proven from the first one on; −1 when the first is not. */
function lastProven(looks: number, passes: (look: number, share: number) => boolean): number {
  for (let first = 0; first < looks; first++) {
    const later = looks - first - 1;
    if (passes(first, later === 0 ? level : level * ownPart)) continue;
    let proven = false;
    for (let look = first + 1; look < looks && !proven; look++) proven = passes(look, (level * (1 - ownPart)) / later);
    if (!proven) return first - 1;
  }
  return looks - 1;
}

function sums(counts: AcceptedCounts): { accepted: number; errors: number } {
  return { accepted: counts.accepted + counts.oosAccepted, errors: counts.errors + counts.oosAccepted };
}

interface Look {
  readonly threshold: number;
  readonly counts: AcceptedCounts;
}

interface RankedRows {
  /** Scores at which a look may stand, best first: of the in-scope rows when the strata are apart, else of all. */
  readonly ranks: Float64Array;
  /** Scores of the rows of each kind that would be accepted at threshold 0, best first. */
  readonly right: Float64Array;
  readonly wrong: Float64Array;
  readonly strangers: Float64Array;
  readonly inScopeRows: number;
  readonly oosRows: number;
}

function rankRows(rows: readonly ScoredRow[], scope: (route: string) => boolean, strataApart: boolean): RankedRows {
  const right: number[] = [];
  const wrong: number[] = [];
  const strangers: number[] = [];
  let oosRows = 0;
  for (const { route, score, truth } of rows) {
    if (truth === null) oosRows++;
    if (route === null || !scope(route)) continue;
    (truth === null ? strangers : route === truth ? right : wrong).push(score);
  }
  const ranks = strataApart ? [...right, ...wrong] : [...right, ...wrong, ...strangers];
  return {
    ranks: falling(ranks),
    right: falling(right),
    wrong: falling(wrong),
    strangers: falling(strangers),
    inScopeRows: rows.length - oosRows,
    oosRows,
  };
}

function falling(scores: readonly number[]): Float64Array {
  return Float64Array.from(scores).sort().reverse();
}

/** The rows with a score above that of the first row left out: given that score, they are a sample of all beyond it. */
function lookAt(ranked: RankedRows, rank: number): Look {
  const { ranks } = ranked;
  const last = rank < ranks.length;
  const threshold = last ? justAbove(ranks[rank]) : Math.floor((ranks[ranks.length - 1] ?? 0) * 1e6) / 1e6;
  const errors = countFrom(ranked.wrong, threshold);
  return {
    threshold,
    counts: {
      accepted: countFrom(ranked.right, threshold) + errors,
      errors,
      inScopeRows: ranked.inScopeRows,
      oosAccepted: countFrom(ranked.strangers, threshold),
      oosRows: ranked.oosRows,
    },
  };
}

/** Six decimals, so that the file reads well. */
function justAbove(score: number): number {
  return Math.min(1, (Math.floor(score * 1e6) + 1) / 1e6);
}

function countFrom(scores: Float64Array, threshold: number): number {
  let low = 0;
  let high = scores.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (scores[middle] >= threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Steps of 5% down to a third of the rows, where a few points of coverage matter; coarser below. */
const fineLooks = 24;
const coarseLooks = 5;
const shares = Array.from({ length: fineLooks + coarseLooks }, (_, look) =>
  look < fineLooks ? 1.05 ** -look : 1.05 ** (1 - fineLooks) * 1.4 ** (fineLooks - 1 - look),
);

/**
 * Numbers of rows, rising; as many looks as leave the smallest one a chance to pass by itself with no error at all.
 * `canPass(rows, level)` must not depend on any label.
 */
export function looksFor(rows: number, canPass: (rows: number, level: number) => boolean): readonly number[] {
  for (let looks = shares.length; looks > 0; looks--) {
    const least = Math.floor(rows * shares[looks - 1]);
    if (least > 0 && canPass(least, looks === 1 ? level : level * ownPart))
      return [...new Set(shares.slice(0, looks).map((share) => Math.floor(rows * share)))].reverse();
  }
  return [];
}

function cleanPass(ranked: RankedRows, terms: PromiseTerms): (rows: number, level: number) => boolean {
  const { inScopeRows, oosRows } = ranked;
  const clean = { errors: 0, inScopeRows, oosAccepted: 0, oosRows };
  return (accepted, share) => provesPromise({ ...clean, accepted }, terms, share);
}

/** With the same error rates, how many more rows would do? The first of growing samples that would pass at some look. */
function missing(
  ranked: RankedRows,
  looks: readonly number[],
  terms: PromiseTerms,
): Omit<FoundPromise, 'threshold' | 'precision'> {
  const places = [...new Set([...somePlaces(ranked.ranks.length), ...looks])].sort((a, b) => a - b);
  const tried = places.map((rank) => lookAt(ranked, rank).counts);
  const least = rowsForPromise(terms.precision);
  const passingAt = (growth: number) =>
    tried.findLast((counts) => provesPromise(grown(counts, growth), terms, level / 2));
  if (passingAt(mostGrowth)) {
    let low = 1;
    let high = mostGrowth;
    while (high / low > 1.05) {
      const middle = Math.sqrt(low * high);
      if (passingAt(middle)) high = middle;
      else low = middle;
    }
    const now = sums(passingAt(high) ?? tried[0]);
    return { ...now, missingRows: Math.max(1, least - now.accepted, Math.ceil(now.accepted * (high - 1))) };
  }
  // More rows like these would not do: say what it would take without errors.
  return { ...sums(tried[0]), missingRows: least };
}

function somePlaces(rows: number): number[] {
  return [0.05, 0.1, 0.25, 0.5, 0.75, 1].map((part) => Math.floor(rows * part));
}

/** Data sets beyond this many times the present one are no advice. */
const mostGrowth = 100;

function grown(counts: AcceptedCounts, growth: number): AcceptedCounts {
  return {
    accepted: Math.round(counts.accepted * growth),
    errors: Math.round(counts.errors * growth),
    inScopeRows: Math.round(counts.inScopeRows * growth),
    oosAccepted: Math.round(counts.oosAccepted * growth),
    oosRows: Math.round(counts.oosRows * growth),
  };
}
