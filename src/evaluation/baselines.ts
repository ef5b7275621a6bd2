/**
 * The same figures for routers that need no model, in the same table. Those with a confidence of their own (lexical,
 * prompt length) accept as many rows as the router under test does, the most confident first: equal coverage, so that the
 * precisions compare.
 */
import { type CostTerms, costOf } from './cost.ts';
import type { EvaluatedRow, RankedRoute } from './evaluated-row.ts';
import { figuresOf, share } from './score.ts';

export const baselineNames = [
  'always_fallback',
  'always_cheap',
  'majority',
  'random',
  'prompt_length',
  'lexical',
  'oracle',
] as const;
export type BaselineName = (typeof baselineNames)[number];

export interface BaselineFigures {
  /** null where the baseline names no route. */
  readonly accuracy: number | null;
  readonly accuracy_in_scope: number | null;
  readonly coverage: number;
  readonly precision_accepted: number | null;
  readonly precision_target: number | null;
  readonly usd_per_1000: number | null;
}

export type Baselines = Readonly<Record<BaselineName, BaselineFigures>>;

export interface BaselineTerms extends CostTerms {
  readonly routes: readonly string[];
  /** The target of most routes' accepted prompts: where "always cheap" sends everything. */
  readonly cheapTarget: string;
}

export function baselinesOf(rows: readonly EvaluatedRow[], terms: BaselineTerms): Baselines {
  const accepted = rows.filter((row) => row.accepted !== null).length;
  return {
    always_fallback: constant(rows, terms, null),
    always_cheap: cheap(rows, terms),
    majority: constant(rows, terms, majorityRoute(rows) ?? terms.routes[0] ?? null),
    random: random(rows, terms),
    prompt_length: mostConfident(rows, terms, { accepted, judge: (row) => row.trivial?.length ?? null }),
    lexical: mostConfident(rows, terms, { accepted, judge: (row) => row.trivial?.lexical ?? null }),
    oracle: judged(rows, terms, (row) => row.truth),
  };
}

function judged(
  rows: readonly EvaluatedRow[],
  terms: BaselineTerms,
  routeOf: (row: EvaluatedRow) => string | null,
  bestOf: (row: EvaluatedRow) => string | null = routeOf,
): BaselineFigures {
  const decided = rows.map((row): EvaluatedRow => {
    const best = bestOf(row);
    return { ...row, accepted: routeOf(row), candidates: best === null ? [] : [{ route: best, score: 1 }] };
  });
  const figures = figuresOf(decided, terms.targetOf);
  return {
    accuracy: figures.accuracy,
    accuracy_in_scope: figures.accuracy_in_scope,
    coverage: figures.coverage ?? 0,
    precision_accepted: figures.precision_accepted,
    precision_target: figures.precision_target,
    usd_per_1000: costOf(decided, terms, (row) => row.accepted).usd_per_1000,
  };
}

function constant(rows: readonly EvaluatedRow[], terms: BaselineTerms, route: string | null): BaselineFigures {
  return judged(rows, terms, () => route);
}

/** Sends all to one model and names no route; a row is right when its own target is that model. */
function cheap(rows: readonly EvaluatedRow[], terms: BaselineTerms): BaselineFigures {
  const targetOf = () => terms.cheapTarget;
  return {
    accuracy: null,
    accuracy_in_scope: null,
    coverage: 1,
    precision_accepted: null,
    precision_target: share(rows.filter((row) => terms.targetOf(row.truth) === terms.cheapTarget).length, rows.length),
    usd_per_1000: costOf(rows, { ...terms, targetOf }, (row) => row.truth).usd_per_1000,
  };
}

/** In expectation: every route equally likely, everything accepted. */
function random(rows: readonly EvaluatedRow[], terms: BaselineTerms): BaselineFigures {
  const strangers = rows.filter((row) => row.truth === null).length;
  const chance = share(1, terms.routes.length);
  const targets = terms.routes.map(terms.targetOf);
  const sameTarget = (row: EvaluatedRow) => targets.filter((target) => target === terms.targetOf(row.truth)).length;
  const hits = rows.reduce((sum, row) => sum + sameTarget(row) / Math.max(1, targets.length), 0);
  const right = chance === null ? null : share(chance * (rows.length - strangers), rows.length);
  return {
    accuracy: right,
    accuracy_in_scope: strangers === rows.length ? null : chance,
    coverage: 1,
    precision_accepted: right,
    precision_target: share(hits, rows.length),
    usd_per_1000: null,
  };
}

function mostConfident(
  rows: readonly EvaluatedRow[],
  terms: BaselineTerms,
  { accepted, judge }: { readonly accepted: number; readonly judge: (row: EvaluatedRow) => RankedRoute | null },
): BaselineFigures {
  const order = rows
    .map((row) => ({ row, judged: judge(row) }))
    .sort((a, b) => (b.judged?.score ?? 0) - (a.judged?.score ?? 0));
  const chosen = new Set(order.slice(0, accepted).map(({ row }) => row));
  const bestOf = (row: EvaluatedRow) => judge(row)?.route ?? null;
  return judged(rows, terms, (row) => (chosen.has(row) ? bestOf(row) : null), bestOf);
}

function majorityRoute(rows: readonly EvaluatedRow[]): string | null {
  const counts = new Map<string, number>();
  for (const { truth } of rows) if (truth !== null) counts.set(truth, (counts.get(truth) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
}

/** The baseline that is hardest to beat among those that know nothing of the answer. */
export function bestTrivial(baselines: Baselines): { readonly name: BaselineName; readonly accuracy: number } {
  const names = baselineNames.filter((name) => name !== 'oracle');
  return names
    .map((name) => ({ name, accuracy: baselines[name].accuracy ?? 0 }))
    .reduce((best, next) => (next.accuracy > best.accuracy ? next : best));
}
