/**
 * Fits the weights of the semantic cache's score (`src/cache/semantic-score.ts`) to labelled pairs: a logistic regression by
 * Newton's method. No feature may speak against its kind: more cosine never lowers the score.
 */
import { solve } from '../src/base/solve.ts';
import { type ScoreWeights, score } from '../src/cache/semantic-score.ts';

/** The sign that each weight may have, in the order of `features`. */
const signs = [0, 1, 1, -1, -1] as const;
/** What the fit is drawn towards: set by hand before any pair was looked at. */
const guess: ScoreWeights = [0, 4, 4, -2, -1];

export interface ScoredPair {
  readonly features: readonly number[];
  readonly right: boolean;
}

const ridge = 0.5;
const mostSteps = 40;

/** Penalised maximum likelihood, drawn towards `prior`; a weight of the wrong sign is left out and the rest fitted again. */
export function fitWeights(pairs: readonly ScoredPair[], prior: ScoreWeights = guess): number[] {
  const left = new Set<number>();
  for (;;) {
    const weights = fitWithout(pairs, prior, left);
    const wrong = weights.findIndex((weight, i) => !left.has(i) && weight * signs[i] < 0);
    if (wrong < 0) return weights;
    left.add(wrong);
  }
}

/** Newton's method; a step that does not lower the loss is halved. */
function fitWithout(pairs: readonly ScoredPair[], prior: ScoreWeights, left: ReadonlySet<number>): number[] {
  let weights = prior.map((weight, i) => (left.has(i) ? 0 : weight));
  let loss = lossOf(pairs, weights, prior);
  for (let step = 0; step < mostSteps; step++) {
    const move = newtonStep(pairs, weights, { prior, left });
    const before = loss;
    for (let part = 1; part > 1e-3; part /= 2) {
      const tried = weights.map((weight, i) => weight - part * move[i]);
      const found = lossOf(pairs, tried, prior);
      if (found >= loss) continue;
      weights = tried;
      loss = found;
      break;
    }
    if (before - loss < 1e-9 * before) break;
  }
  return weights;
}

function newtonStep(
  pairs: readonly ScoredPair[],
  weights: ScoreWeights,
  { prior, left }: { readonly prior: ScoreWeights; readonly left: ReadonlySet<number> },
): Float64Array {
  const size = weights.length;
  const gradient = Float64Array.from(weights, (weight, i) => ridge * (weight - prior[i]));
  const hessian = weights.map((_, i) => new Float64Array(size).fill(ridge, i, i + 1));
  for (const { features: own, right } of pairs) {
    const p = score(weights, own);
    for (let i = 0; i < size; i++) {
      gradient[i] += (p - (right ? 1 : 0)) * own[i];
      for (let j = 0; j < size; j++) hessian[i][j] += p * (1 - p) * own[i] * own[j];
    }
  }
  for (const i of left) {
    gradient[i] = 0;
    for (let j = 0; j < size; j++) hessian[i][j] = hessian[j][i] = i === j ? 1 : 0;
  }
  return solve(hessian, gradient);
}

function lossOf(pairs: readonly ScoredPair[], weights: ScoreWeights, prior: ScoreWeights): number {
  let loss = 0;
  for (const { features: own, right } of pairs) {
    const p = score(weights, own);
    loss -= Math.log(Math.max(1e-12, right ? p : 1 - p));
  }
  weights.forEach((weight, i) => {
    loss += (ridge / 2) * (weight - prior[i]) ** 2;
  });
  return loss;
}
