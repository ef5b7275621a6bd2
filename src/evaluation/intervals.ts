/**
 * 95% intervals of the main figures by the bootstrap: the same number of rows drawn again and again from the rows, with
 * replacement, seeded, percentiles taken. They say how much the figures would move with other rows of the same kind; they
 * know nothing of prompts of another kind.
 */
import { seeded } from '../routing/seeded.ts';
import type { EvaluatedRow } from './evaluated-row.ts';

export type Interval = readonly [low: number, high: number];

export interface Intervals {
  readonly accuracy: Interval | null;
  readonly accuracy_in_scope: Interval | null;
  readonly macro_f1: Interval | null;
  readonly coverage: Interval | null;
  readonly coverage_in_scope: Interval | null;
  readonly precision_accepted: Interval | null;
  readonly oos_recall: Interval | null;
}

const draws = 1_000;
const fewestDraws = 100;
/** Rows looked at altogether: large data sets take fewer draws, and need fewer. */
const mostWork = 20_000_000;

export function intervalsOf(rows: readonly EvaluatedRow[], seed = 1): Intervals {
  const coded = codeRows(rows);
  const random = seeded(seed);
  const times = Math.max(fewestDraws, Math.min(draws, Math.ceil(mostWork / Math.max(1, rows.length))));
  const samples: Sample[] = [];
  for (let i = 0; i < times; i++) samples.push(drawOnce(coded, random));
  const of = (pick: (sample: Sample) => number) => intervalOf(samples.map(pick));
  return {
    accuracy: of((sample) => sample.accuracy),
    accuracy_in_scope: of((sample) => sample.bestRight),
    macro_f1: of((sample) => sample.macroF1),
    coverage: of((sample) => sample.coverage),
    coverage_in_scope: of((sample) => sample.coverageInScope),
    precision_accepted: of((sample) => sample.precision),
    oos_recall: of((sample) => sample.oosRecall),
  };
}

/** 2.5 and 97.5 percentiles of the finite values; null when there are none. */
export function intervalOf(values: readonly number[]): Interval | null {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return [at(0.025), at(0.975)];
}

interface CodedRows {
  readonly size: number;
  readonly routes: number;
  /** Route number; −1: none. */
  readonly truth: Int32Array;
  readonly best: Int32Array;
  readonly accepted: Int32Array;
}

function codeRows(rows: readonly EvaluatedRow[]): CodedRows {
  const numbers = new Map<string, number>();
  const code = (route: string | null | undefined): number => {
    if (route === null || route === undefined) return -1;
    const known = numbers.get(route);
    if (known !== undefined) return known;
    numbers.set(route, numbers.size);
    return numbers.size - 1;
  };
  const truth = Int32Array.from(rows, (row) => code(row.truth));
  const best = Int32Array.from(rows, (row) => code(row.candidates[0]?.route));
  const accepted = Int32Array.from(rows, (row) => code(row.accepted));
  return { size: rows.length, routes: numbers.size, truth, best, accepted };
}

/** 0 ÷ 0 is NaN here, and left out of the percentiles. */
interface Sample {
  readonly accuracy: number;
  readonly bestRight: number;
  readonly macroF1: number;
  readonly coverage: number;
  readonly coverageInScope: number;
  readonly precision: number;
  readonly oosRecall: number;
}

function drawOnce({ size, routes, truth, best, accepted }: CodedRows, random: () => number): Sample {
  const rowsOf = new Int32Array(routes);
  const acceptedOf = new Int32Array(routes);
  const rightOf = new Int32Array(routes);
  let strangers = 0;
  let strangersKept = 0;
  let bestRight = 0;
  let taken = 0;
  let takenInScope = 0;
  let right = 0;
  for (let i = 0; i < size; i++) {
    const row = Math.floor(random() * size);
    const t = truth[row];
    const a = accepted[row];
    if (t < 0) {
      strangers++;
      if (a < 0) strangersKept++;
    } else {
      rowsOf[t]++;
      if (best[row] === t) bestRight++;
    }
    if (a < 0) continue;
    taken++;
    acceptedOf[a]++;
    if (t >= 0) takenInScope++;
    if (t !== a) continue;
    right++;
    rightOf[a]++;
  }
  let f1 = 0;
  let present = 0;
  for (let route = 0; route < routes; route++) {
    if (rowsOf[route] === 0) continue;
    present++;
    f1 += (2 * rightOf[route]) / (rowsOf[route] + acceptedOf[route]);
  }
  const inScope = size - strangers;
  return {
    accuracy: (right + strangersKept) / size,
    bestRight: bestRight / inScope,
    macroF1: f1 / present,
    coverage: taken / size,
    coverageInScope: takenInScope / inScope,
    precision: right / taken,
    oosRecall: strangersKept / strangers,
  };
}
