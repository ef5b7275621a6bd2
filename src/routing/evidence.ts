/**
 * Does the prompt belong to any route at all? A logistic regression on what the best route's evidence looks like: how
 * large its refined logit is and how near its nearest example, how near its words are, and how clear it is of the
 * counter-examples. How clear it is of the other routes is not asked here: P(route) says that already, and near misses
 * would teach it to excess (on development rows of far out-of-scope prompts, .01 of AUROC).
 *
 * The logit and the nearest example have an equal say, as one signal. Left to themselves, near misses put all weight on the
 * logit, which they are made to fail; a prompt from far away can have a fair logit and still resemble no example. On the
 * calibration rows of the shipped routes the sum and `farShare` together took AUROC from .961 to .974.
 *
 * It is fitted on examples that were left out of the head they are judged by. In scope: those examples. Out of scope:
 * the same examples with their own route taken away (near misses, which every index has), counter-examples, and
 * background prompts when there are any (far ones). A prior keeps an index with a handful of examples sane.
 */
import { solve } from '../base/solve.ts';

export interface Signals {
  /** The best refined logit, divided by the head's scale, plus the cosine with the nearest of the route's examples. */
  nearness: number;
  /** Lexical cosine with the best route. */
  lexical: number;
  /** Best route's logit minus the none class's, divided by the scale; 1 without a none class. */
  overNone: number;
}

export type EvidenceWeights = Float64Array;

export const signalCount = 4;

/** A starting point, set by hand: what an index with a handful of examples serves with, and is pulled towards. */
export const priorWeights: readonly number[] = [-6, 5, 2, 2];

function featuresOf(signals: Signals, into: Float64Array): void {
  into[0] = 1;
  into[1] = signals.nearness;
  into[2] = signals.lexical;
  into[3] = Math.max(-1, Math.min(1, signals.overNone));
}

/** In (0, 1). */
export function inScopeProbability(weights: EvidenceWeights, signals: Signals): number {
  const features = new Float64Array(signalCount);
  featuresOf(signals, features);
  return 1 / (1 + Math.exp(-logitOf(weights, features)));
}

export interface Judged {
  readonly signals: Signals;
  readonly inScope: boolean;
  readonly weight: number;
}

/**
 * Penalised maximum likelihood; `judged` may be empty: the prior. No signal may speak against its own kind: more cosine
 * never lowers the probability. (Near misses taken from the examples themselves would teach just that, and cost .01 of
 * AUROC on real out-of-scope prompts.) A signal that would turn negative is left out and the rest is fitted again.
 */
export function fitEvidence(judged: readonly Judged[]): EvidenceWeights {
  const left = new Set<number>();
  for (;;) {
    const weights = fitWithout(judged, left);
    let worst = -1;
    for (let j = 1; j < signalCount; j++) if (weights[j] < (worst < 0 ? 0 : weights[worst])) worst = j;
    if (worst < 0) return weights;
    left.add(worst);
  }
}

/** Damped Newton steps; the weights of the signals in `left` stay 0. */
function fitWithout(judged: readonly Judged[], left: ReadonlySet<number>): EvidenceWeights {
  let weights: EvidenceWeights = Float64Array.from(priorWeights, (weight, j) => (left.has(j) ? 0 : weight));
  const rows = judged.map(({ signals, inScope, weight }): Row => {
    const features = new Float64Array(signalCount);
    featuresOf(signals, features);
    for (const j of left) features[j] = 0;
    return { features, inScope, weight };
  });
  let loss = lossOf(rows, weights);
  for (let step = 0; step < mostSteps && rows.length > 0; step++) {
    const move = newtonStep(rows, weights).map((by, j) => (left.has(j) ? 0 : by));
    const from = weights;
    const before = loss;
    for (let part = 1; part > 1e-3; part /= 2) {
      const tried = from.map((weight, j) => weight - part * move[j]);
      const found = lossOf(rows, tried);
      if (found >= loss) continue;
      weights = tried;
      loss = found;
      break;
    }
    if (before - loss < 1e-9 * before) break;
  }
  return weights;
}

interface Row {
  readonly features: Float64Array;
  readonly inScope: boolean;
  readonly weight: number;
}

const mostSteps = 50;
/** Signals differ by about a tenth between in and out of scope: weights of ten must be cheap. */
const ridge = 0.1;

function logitOf(weights: EvidenceWeights, features: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < signalCount; j++) sum += weights[j] * features[j];
  return sum;
}

function lossOf(rows: readonly Row[], weights: EvidenceWeights): number {
  let loss = 0;
  for (const { features, inScope, weight } of rows) {
    const logit = inScope ? logitOf(weights, features) : -logitOf(weights, features);
    loss += weight * (logit > 0 ? Math.log1p(Math.exp(-logit)) : Math.log1p(Math.exp(logit)) - logit);
  }
  for (let j = 0; j < signalCount; j++) loss += (ridge / 2) * (weights[j] - priorWeights[j]) ** 2;
  return loss;
}

function newtonStep(rows: readonly Row[], weights: EvidenceWeights): Float64Array {
  const gradient = weights.map((weight, j) => ridge * (weight - priorWeights[j]));
  const hessian = Array.from({ length: signalCount }, (_, j) => new Float64Array(signalCount).fill(ridge, j, j + 1));
  for (const { features, inScope, weight } of rows) {
    const p = 1 / (1 + Math.exp(-logitOf(weights, features)));
    const error = weight * (p - (inScope ? 1 : 0));
    const curve = weight * p * (1 - p);
    for (let j = 0; j < signalCount; j++) {
      gradient[j] += error * features[j];
      for (let k = 0; k < signalCount; k++) hessian[j][k] += curve * features[j] * features[k];
    }
  }
  return solve(hessian, gradient);
}
