/**
 * Two evaluations of the same rows, side by side: what got right (fixed), what got wrong (broken), and whether that is
 * more than chance. Rows are paired by their text; only rows in both count. McNemar's exact test looks at the flips alone:
 * rows that both decide alike say nothing about which is better.
 */
import { binomialCdf } from '../base/binomial.ts';
import { seeded } from '../routing/seeded.ts';
import { type Interval, intervalOf } from './intervals.ts';
import type { EvaluationReport, ReportDecision } from './report.ts';

export type ComparedReport = Pick<
  EvaluationReport,
  'decisions' | 'rows_scored' | 'embedding' | 'snapshot' | 'routes_folder'
>;

export interface Flip {
  readonly text: string;
  readonly truth: string | null;
  readonly from: string | null;
  readonly to: string | null;
}

export interface Comparison {
  readonly paired: number;
  readonly only_in_a: number;
  readonly only_in_b: number;
  readonly accuracy_a: number | null;
  readonly accuracy_b: number | null;
  /** b − a on the paired rows, and its 95% interval by paired bootstrap. */
  readonly difference: number | null;
  readonly difference_interval: Interval | null;
  /** McNemar, exact, two-sided. */
  readonly p_value: number;
  readonly fixed: readonly Flip[];
  readonly broken: readonly Flip[];
  /** Wrong in both, but on another route. */
  readonly moved: number;
  /** By the right route; `null` stands as "out of scope". Most flips first. */
  readonly per_route: readonly {
    readonly route: string | null;
    readonly rows: number;
    readonly fixed: number;
    readonly broken: number;
  }[];
}

export function compareReports(a: ComparedReport, b: ComparedReport): Comparison {
  const pairs = pairUp(a.decisions, b.decisions);
  const fixed = pairs.filter(([before, after]) => !before.right && after.right);
  const broken = pairs.filter(([before, after]) => before.right && !after.right);
  const rightA = pairs.filter(([before]) => before.right).length;
  const rightB = pairs.filter(([, after]) => after.right).length;
  const n = pairs.length;
  return {
    paired: n,
    only_in_a: a.decisions.length - n,
    only_in_b: b.decisions.length - n,
    accuracy_a: n === 0 ? null : rightA / n,
    accuracy_b: n === 0 ? null : rightB / n,
    difference: n === 0 ? null : (rightB - rightA) / n,
    difference_interval: differenceInterval({ rows: n, fixed: fixed.length, broken: broken.length }),
    p_value: mcNemar(fixed.length, broken.length),
    fixed: fixed.map(flipOf),
    broken: broken.map(flipOf),
    moved: pairs.filter(([before, after]) => !before.right && !after.right && before.route !== after.route).length,
    per_route: perRouteFlips(pairs),
  };
}

/** Two-sided exact p-value of so uneven a split of the flips, if each were as likely to fix as to break. */
export function mcNemar(fixed: number, broken: number): number {
  return Math.min(1, 2 * binomialCdf(Math.min(fixed, broken), fixed + broken, 0.5));
}

type Pair = readonly [before: ReportDecision, after: ReportDecision];

/** Same text and same label; the second of two equal rows pairs with the second. */
function pairUp(a: readonly ReportDecision[], b: readonly ReportDecision[]): Pair[] {
  const waiting = new Map<string, ReportDecision[]>();
  for (const decision of [...b].reverse()) {
    const key = pairKey(decision);
    const list = waiting.get(key);
    if (list) list.push(decision);
    else waiting.set(key, [decision]);
  }
  return a.flatMap((before): Pair[] => {
    const after = waiting.get(pairKey(before))?.pop();
    return after ? [[before, after]] : [];
  });
}

function pairKey({ key, truth }: ReportDecision): string {
  return `${key} ${truth ?? ''}`;
}

function flipOf([before, after]: Pair): Flip {
  return { text: before.text, truth: before.truth, from: before.route, to: after.route };
}

const draws = 2_000;

/** Drawing rows with their pair is drawing from fixed, broken and unchanged. */
function differenceInterval(counts: { rows: number; fixed: number; broken: number }): Interval | null {
  const { rows, fixed, broken } = counts;
  if (rows === 0) return null;
  const random = seeded(1);
  const times = Math.max(100, Math.min(draws, Math.ceil(2e7 / rows)));
  const values = Array.from({ length: times }, () => {
    let sum = 0;
    for (let i = 0; i < rows; i++) {
      const row = random() * rows;
      if (row < fixed) sum++;
      else if (row < fixed + broken) sum--;
    }
    return sum / rows;
  });
  return intervalOf(values);
}

function perRouteFlips(pairs: readonly Pair[]): Comparison['per_route'] {
  const routes = new Map<string | null, { rows: number; fixed: number; broken: number }>();
  for (const [before, after] of pairs) {
    const own = routes.get(before.truth) ?? { rows: 0, fixed: 0, broken: 0 };
    routes.set(before.truth, own);
    own.rows++;
    if (!before.right && after.right) own.fixed++;
    if (before.right && !after.right) own.broken++;
  }
  return [...routes]
    .map(([route, counts]) => ({ route, ...counts }))
    .filter(({ fixed, broken }) => fixed + broken > 0)
    .sort((a, b) => b.fixed + b.broken - (a.fixed + a.broken) || b.rows - a.rows);
}
