/**
 * Does the prompt belong to any route at all? A logistic regression on what the best route's evidence looks like:
 * how near its prototypes and its words are, how large its refined logit is, and how clear of the other routes and of
 * the counter-examples. (The nearest example adds nothing to these that could be measured, and costs the most.)
 *
 * It is fitted on examples that were left out of the head they are judged by. In scope: those examples. Out of scope:
 * the same examples with their own route taken away (near misses, which every index has), counter-examples, and
 * background prompts when there are any. A prior keeps an index with a handful of examples sane.
 */
export interface Signals {
  /** Cosine with the best route's nearest dense prototype. */
  dense: number;
  /** Lexical cosine with the best route. */
  lexical: number;
  /** The best refined logit, divided by the head's scale. */
  logit: number;
  /** Best logit minus the next route's, divided by the scale; 1 with a single route. */
  gap: number;
  /** Best route's logit minus the none class's, divided by the scale; 1 without a none class. */
  overNone: number;
}

export type EvidenceWeights = Float64Array;

export const signalCount = 6;

/** A starting point found on development sets of other domains; good to about .05 on the probability. */
export const priorWeights: readonly number[] = [-6, 2, 2, 8, 3, 2];

function featuresOf(signals: Signals, into: Float64Array): void {
  into[0] = 1;
  into[1] = signals.dense;
  into[2] = signals.lexical;
  into[3] = signals.logit;
  into[4] = Math.min(1, signals.gap);
  into[5] = Math.max(-1, Math.min(1, signals.overNone));
}

/** In (0, 1). */
export function inScopeProbability(weights: EvidenceWeights, signals: Signals): number {
  const features = new Float64Array(signalCount);
  featuresOf(signals, features);
  let sum = 0;
  for (let j = 0; j < signalCount; j++) sum += weights[j] * features[j];
  return 1 / (1 + Math.exp(-sum));
}

export interface Judged {
  readonly signals: Signals;
  readonly inScope: boolean;
  readonly weight: number;
}

/** How many rows the prior counts for. */
const priorStrength = 10;

/** Penalised maximum likelihood by Newton steps; `judged` may be empty: the prior. */
export function fitEvidence(judged: readonly Judged[]): EvidenceWeights {
  const weights = Float64Array.from(priorWeights);
  if (judged.length === 0) return weights;
  const rows = judged.map(({ signals }) => {
    const features = new Float64Array(signalCount);
    featuresOf(signals, features);
    return features;
  });
  // Features differ by about a tenth of their range between in and out of scope: a weight of 1/0.1 must be cheap.
  const ridge = priorStrength * 0.01;
  for (let step = 0; step < 25; step++) {
    const gradient = new Float64Array(signalCount);
    const hessian = Array.from({ length: signalCount }, () => new Float64Array(signalCount));
    judged.forEach(({ inScope, weight }, at) => {
      const x = rows[at];
      let sum = 0;
      for (let j = 0; j < signalCount; j++) sum += weights[j] * x[j];
      const p = 1 / (1 + Math.exp(-sum));
      const error = weight * (p - (inScope ? 1 : 0));
      const curve = weight * Math.max(p * (1 - p), 1e-6);
      for (let j = 0; j < signalCount; j++) {
        gradient[j] += error * x[j];
        for (let k = 0; k <= j; k++) hessian[j][k] += curve * x[j] * x[k];
      }
    });
    for (let j = 0; j < signalCount; j++) {
      gradient[j] += ridge * (weights[j] - priorWeights[j]);
      hessian[j][j] += ridge;
      for (let k = 0; k < j; k++) hessian[k][j] = hessian[j][k];
    }
    const move = solve(hessian, gradient);
    let most = 0;
    for (let j = 0; j < signalCount; j++) {
      weights[j] -= Math.max(-4, Math.min(4, move[j]));
      most = Math.max(most, Math.abs(move[j]));
    }
    if (most < 1e-6) break;
  }
  return weights;
}

/** Solves a small positive definite system by Gaussian elimination; overwrites its arguments. */
function solve(matrix: Float64Array[], right: Float64Array): Float64Array {
  const size = right.length;
  for (let pivot = 0; pivot < size; pivot++) {
    for (let row = pivot + 1; row < size; row++) {
      const factor = matrix[row][pivot] / matrix[pivot][pivot];
      for (let column = pivot; column < size; column++) matrix[row][column] -= factor * matrix[pivot][column];
      right[row] -= factor * right[pivot];
    }
  }
  for (let row = size - 1; row >= 0; row--) {
    for (let column = row + 1; column < size; column++) right[row] -= matrix[row][column] * right[column];
    right[row] /= matrix[row][row];
  }
  return right;
}
