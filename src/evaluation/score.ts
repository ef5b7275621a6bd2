/**
 * The figures of an evaluation, each as DESIGN §7 defines it, from rows and their decisions. Pure. A figure that has no
 * denominator (recall of out-of-scope rows without any) is null, never 0.
 */
import { decidedRight, type EvaluatedRow } from './evaluated-row.ts';

export interface Figures {
  readonly accuracy: number | null;
  readonly accuracy_in_scope: number | null;
  readonly macro_f1: number | null;
  readonly coverage: number | null;
  readonly coverage_in_scope: number | null;
  readonly precision_accepted: number | null;
  readonly precision_target: number | null;
  readonly oos_recall: number | null;
  readonly fallback_rate: number | null;
}

export interface RouteFigures {
  /** Rows whose right route this is. */
  readonly rows: number;
  /** Rows accepted on this route. */
  readonly accepted: number;
  readonly right: number;
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
}

/** `targetOf(null)` is the model of the fallback. */
export function figuresOf(rows: readonly EvaluatedRow[], targetOf: (route: string | null) => string): Figures {
  let right = 0;
  let bestRight = 0;
  let accepted = 0;
  let acceptedInScope = 0;
  let acceptedRight = 0;
  let acceptedRightTarget = 0;
  let strangers = 0;
  let strangersKept = 0;
  for (const row of rows) {
    if (decidedRight(row)) right++;
    if (row.truth === null) {
      strangers++;
      if (row.accepted === null) strangersKept++;
    } else if (row.candidates[0]?.route === row.truth) bestRight++;
    if (row.accepted === null) continue;
    accepted++;
    if (row.truth !== null) acceptedInScope++;
    if (row.accepted === row.truth) acceptedRight++;
    if (targetOf(row.accepted) === targetOf(row.truth)) acceptedRightTarget++;
  }
  const inScope = rows.length - strangers;
  return {
    accuracy: share(right, rows.length),
    accuracy_in_scope: share(bestRight, inScope),
    macro_f1: macroF1(perRoute(rows)),
    coverage: share(accepted, rows.length),
    coverage_in_scope: share(acceptedInScope, inScope),
    precision_accepted: share(acceptedRight, accepted),
    precision_target: share(acceptedRightTarget, accepted),
    oos_recall: share(strangersKept, strangers),
    fallback_rate: share(rows.length - accepted, rows.length),
  };
}

/** Routes that occur, as truth or as decision, in order of name. */
export function perRoute(rows: readonly EvaluatedRow[]): ReadonlyMap<string, RouteFigures> {
  const counts = new Map<string, { rows: number; accepted: number; right: number }>();
  const of = (route: string) => {
    const found = counts.get(route) ?? { rows: 0, accepted: 0, right: 0 };
    counts.set(route, found);
    return found;
  };
  for (const { truth, accepted } of rows) {
    if (truth !== null) of(truth).rows++;
    if (accepted === null) continue;
    const own = of(accepted);
    own.accepted++;
    if (accepted === truth) own.right++;
  }
  const names = [...counts.keys()].sort();
  return new Map(
    names.map((name): [string, RouteFigures] => {
      const count = of(name);
      return [
        name,
        {
          ...count,
          precision: share(count.right, count.accepted),
          recall: share(count.right, count.rows),
          f1: f1Of(count),
        },
      ];
    }),
  );
}

/** Over the routes that have rows: a route that the data does not hold has no recall to average. */
export function macroF1(routes: ReadonlyMap<string, RouteFigures>): number | null {
  const scores = [...routes.values()].flatMap(({ rows, f1 }) => (rows > 0 ? [f1 ?? 0] : []));
  return share(
    scores.reduce((sum, f1) => sum + f1, 0),
    scores.length,
  );
}

/** 2·right ÷ (rows + accepted): the harmonic mean of precision and recall, with no 0 ÷ 0 on the way. */
function f1Of({ rows, accepted, right }: { rows: number; accepted: number; right: number }): number | null {
  return share(2 * right, rows + accepted);
}

export function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
