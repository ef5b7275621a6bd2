/**
 * Is the feedback a fair sample of the answers? People complain where it hurts, one team sends feedback and another does
 * not: then the plain share of accepted labels says little about all answers. Two questions are answered here, from the
 * counts per stratum (key, route, band of score or length):
 *
 *   leanings    does the labelled share differ between the strata of a dimension by more than chance would? (χ² test)
 *   reweight     what share of all answers is accepted, when the labels of each stratum stand for that stratum's answers?
 *               (raking: weights that give every dimension its true margins; Deming & Stephan, 1940)
 *
 * Neither can see feedback that hangs on the outcome itself within a stratum: no weighting of labels can.
 */
import { chiSquareTail } from '../base/chi-square.ts';

/** Answers that only feedback can judge, of one combination of strata. */
export interface FeedbackCell {
  /** One value for each dimension. */
  readonly stratum: readonly string[];
  readonly answers: number;
  readonly labelled: number;
  readonly accepted: number;
}

export interface Leaning {
  /** Which of the dimensions. */
  readonly dimension: number;
  /** How often labels drawn at random would lean as far or farther. */
  readonly chance: number;
  /** By what part of itself the labelled share varies between strata, weighted by answers: 0.5 is half as much again. */
  readonly spread: number;
  /** The stratum that stands out most. */
  readonly most: { readonly name: string; readonly answers: number; readonly labelled: number };
}

export interface Reweighted {
  /** Of the answers, in [0, 1]. */
  readonly acceptedShare: number;
  /** Labels that would say as much were they drawn at random: Kish's effective sample size. */
  readonly effectiveLabels: number;
}

/** Strata with fewer labels (expected ones for the test, actual ones for the weights) are taken together. */
const fewestInStratum = 5;

/** A dimension along which there is nothing to compare has no leaning. */
export function leaningsOf(cells: readonly FeedbackCell[], dimensions: number): readonly Leaning[] {
  const share = sum(cells, labelledOf) / sum(cells, answersOf);
  if (!(share > 0 && share < 1)) return [];
  return Array.from({ length: dimensions }, (_, dimension) => {
    const strata = marginOf(cells, dimension);
    const pools = pooled(strata, ({ answers }) => answers * share);
    return pools.length < 2 ? [] : [leaning({ dimension, pools, share })];
  }).flat();
}

function leaning(of: { dimension: number; pools: readonly Margin[]; share: number }): Leaning {
  const { dimension, pools, share } = of;
  const answers = sum(pools, answersOf);
  const distance = (pool: Margin) => (pool.labelled - pool.answers * share) ** 2 / (pool.answers * share * (1 - share));
  const variance = sum(pools, (pool) => (pool.answers / answers) * (pool.labelled / pool.answers / share - 1) ** 2);
  const most = pools.reduce((top, pool) => (distance(pool) > distance(top) ? pool : top));
  return {
    dimension,
    chance: chiSquareTail(sum(pools, distance), pools.length - 1),
    spread: Math.sqrt(variance),
    most: { name: listed(most.names), answers: most.answers, labelled: most.labelled },
  };
}

const mostNames = 3;

/** Small strata were taken together, and there may be thousands of them. */
function listed(names: readonly string[]): string {
  const some = names.slice(0, mostNames).join(', ');
  return names.length > mostNames ? `${some} and ${names.length - mostNames} more` : some;
}

const mostRounds = 200;

/** null without labels. */
export function reweight(cells: readonly FeedbackCell[], dimensions: number): Reweighted | null {
  const answers = sum(cells, answersOf);
  const labelled = cells.filter((cell) => cell.labelled > 0);
  if (labelled.length === 0) return null;
  const weights = new Float64Array(labelled.length).fill(answers / sum(labelled, labelledOf));
  const margins = Array.from({ length: dimensions }, (_, dimension) => targetsOf({ cells, labelled, dimension }));
  for (let round = 0; round < mostRounds; round++) {
    const change = Math.max(0, ...margins.map((targets) => rake(weights, labelled, targets)));
    if (change < 1e-10) break;
  }
  const weighted = (of: (cell: FeedbackCell) => number) =>
    labelled.reduce((total, cell, i) => total + weights[i] * of(cell), 0);
  const squares = labelled.reduce((total, cell, i) => total + weights[i] ** 2 * cell.labelled, 0);
  const total = weighted(labelledOf);
  return { acceptedShare: weighted((cell) => cell.accepted) / total, effectiveLabels: total ** 2 / squares };
}

/** For one dimension: the pool of each labelled cell, and how many answers that pool stands for. */
interface Targets {
  readonly poolOf: readonly number[];
  readonly answers: readonly number[];
}

function targetsOf(of: {
  cells: readonly FeedbackCell[];
  labelled: readonly FeedbackCell[];
  dimension: number;
}): Targets {
  const pools = pooled(marginOf(of.cells, of.dimension), labelledOf);
  const poolByName = new Map(pools.flatMap(({ names }, pool) => names.map((name) => [name, pool] as const)));
  return {
    poolOf: of.labelled.map(({ stratum }) => poolByName.get(stratum[of.dimension]) ?? 0),
    answers: pools.map(answersOf),
  };
}

/** Scales the weights so that this dimension's pools come out right; the largest relative change of a weight. */
function rake(weights: Float64Array, labelled: readonly FeedbackCell[], { poolOf, answers }: Targets): number {
  const now = new Float64Array(answers.length);
  labelled.forEach((cell, i) => {
    now[poolOf[i]] += weights[i] * cell.labelled;
  });
  let change = 0;
  poolOf.forEach((pool, i) => {
    const factor = answers[pool] / now[pool];
    weights[i] *= factor;
    change = Math.max(change, Math.abs(factor - 1));
  });
  return change;
}

interface Margin {
  readonly names: readonly string[];
  readonly answers: number;
  readonly labelled: number;
}

function marginOf(cells: readonly FeedbackCell[], dimension: number): readonly Margin[] {
  const margins = new Map<string, Margin>();
  for (const { stratum, answers, labelled } of cells) {
    const name = stratum[dimension];
    const known = margins.get(name) ?? { names: [name], answers: 0, labelled: 0 };
    margins.set(name, { names: [name], answers: known.answers + answers, labelled: known.labelled + labelled });
  }
  return [...margins.values()].filter(({ answers }) => answers > 0);
}

/** The small strata taken together, with the next larger ones until they are not small any more. */
function pooled(strata: readonly Margin[], sizeOf: (margin: Margin) => number): readonly Margin[] {
  const ascending = [...strata].sort((a, b) => sizeOf(a) - sizeOf(b));
  const pools: Margin[] = [];
  let pool: Margin | null = null;
  for (const margin of ascending) {
    if (pool === null && sizeOf(margin) >= fewestInStratum) {
      pools.push(margin);
      continue;
    }
    pool = pool === null ? margin : together(pool, margin);
    if (sizeOf(pool) < fewestInStratum) continue;
    pools.push(pool);
    pool = null;
  }
  if (pool === null) return pools;
  const last = pools.pop();
  return [...pools, last === undefined ? pool : together(last, pool)];
}

function together(a: Margin, b: Margin): Margin {
  return { names: [...a.names, ...b.names], answers: a.answers + b.answers, labelled: a.labelled + b.labelled };
}

function answersOf(of: { readonly answers: number }): number {
  return of.answers;
}

function labelledOf(of: { readonly labelled: number }): number {
  return of.labelled;
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
