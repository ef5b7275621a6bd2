/**
 * How likely is it that one answer serves two prompts that agree? A logistic regression on what a plain cosine does not
 * see: which words the prompts share, and whether each has words of its own. Two prompts with a word of their own each
 * have usually exchanged it, and that is what a small embedding model cannot tell from a paraphrase.
 *
 * No feature may speak against its kind: more cosine never lowers the score.
 */
import { solve } from '../base/solve.ts';
import type { ContentWord, Reading } from './agreement-reading.ts';

export type ScoreWeights = readonly number[];

/** Order of `features`; the sign that each weight may have. */
const signs = [0, 1, 1, -1, -1] as const;

/** Of `npm run bench:cache-pairs -- --fit`: from the part of the project's own pairs that is for fitting. */
export const shippedWeights: ScoreWeights = [-0.63, 3.07, 2.64, -3.42, -0.19];

export function features(asked: Reading, stored: Reading, cosine: number): number[] {
  const lost = massOf(asked.content, stored);
  const added = massOf(stored.content, asked);
  const shared = sharedMass(asked, stored);
  const all = shared + lost.all + added.all;
  return [
    1,
    cosine,
    all === 0 ? 0 : shared / all,
    Math.min(3, Math.min(lost.telling, added.telling)),
    Math.min(3, Math.abs(lost.telling - added.telling)),
  ];
}

export function score(weights: ScoreWeights, values: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i] * values[i];
  return 1 / (1 + Math.exp(-sum));
}

interface Mass {
  readonly all: number;
  /** How many words that tell what is asked. */
  readonly telling: number;
}

/** Words of `content` that the other prompt has not. */
function massOf(content: readonly ContentWord[], other: Reading): Mass {
  let all = 0;
  let telling = 0;
  for (const { key, weight } of content) {
    if (other.keys.has(key)) continue;
    all += weight;
    if (weight === 1) telling++;
  }
  return { all, telling };
}

function sharedMass(asked: Reading, stored: Reading): number {
  let sum = 0;
  for (const { key, weight } of asked.content) if (stored.keys.has(key)) sum += weight;
  return sum;
}

export interface ScoredPair {
  readonly features: readonly number[];
  readonly right: boolean;
}

const ridge = 0.5;
const mostSteps = 40;

/** Penalised maximum likelihood, drawn towards `prior`; a weight of the wrong sign is left out and the rest fitted again. */
export function fitWeights(pairs: readonly ScoredPair[], prior: ScoreWeights = shippedWeights): number[] {
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
