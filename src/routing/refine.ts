/**
 * Refined prototypes: a linear head over dense and lexical evidence that starts at the centroids and is pulled back to
 * them, so that one example per route gives plain centroids and many examples give a trained classifier.
 *
 *   minimise  mean over rows of  weight · cross-entropy( scale · ⟨x, P⟩ )  +  λ/2 · ‖P − P₀‖²,   x = (√a·dense, √b·lexical)
 *
 * with a = 1/(1+β), b = β/(1+β) and unit centroids P₀. Stochastic gradient descent over the primal weights with a step
 * that falls to zero. A lexical weight exists only where a class has an example with that feature. Per row, only classes
 * near enough to matter take part in the dense product (`pruneBelow` in logits under the row's best).
 * Seeded, and independent of the order in which routes or examples were written down.
 */
import type { Centroids, Postings } from './centroids.ts';
import { seeded, shuffle } from './seeded.ts';
import type { TrainingRows } from './training-rows.ts';

export interface RefineSettings {
  /** β */
  readonly lexicalWeight: number;
  readonly scale: number;
  readonly lambda: number;
  readonly epochs: number;
  readonly seed: number;
}

/** Weights such that `⟨dense, d⟩ + ⟨lexical, l⟩` is the logit; scale and β are folded in. */
export interface LinearHead {
  /** classes × dimensions */
  readonly dense: Float32Array;
  readonly postings: Postings;
  /** Beside `postings.class`. */
  readonly lexical: Float32Array;
}

const pruneBelow = 6;
const mostNear = 32;
const firstStep = 1.5;

/** The head at the centroids themselves. */
export function centroidHead(rows: TrainingRows, centroids: Centroids, settings: RefineSettings): LinearHead {
  const { lexicalWeight: beta, scale } = settings;
  const a = 1 / (1 + beta);
  const dense = new Float32Array(centroids.dense.length);
  const lexical = new Float32Array(centroids.lexical.length);
  const unit = new Float64Array(rows.classes);
  for (let c = 0; c < rows.classes; c++) {
    const square = a * centroids.denseSquares[c] + a * beta * centroids.lexicalSquares[c];
    unit[c] = square > 0 ? (scale * a) / Math.sqrt(square) : 0;
    for (let i = c * rows.dimensions; i < (c + 1) * rows.dimensions; i++) dense[i] = unit[c] * centroids.dense[i];
  }
  for (let p = 0; p < lexical.length; p++) {
    lexical[p] = unit[centroids.postings.class[p]] * beta * centroids.lexical[p];
  }
  return { dense, postings: centroids.postings, lexical };
}

/** Logits of row `row` by `head`, into `into` (length = classes). */
export function headLogits(rows: TrainingRows, head: LinearHead, row: number, into: Float64Array): void {
  const { dimensions } = rows;
  for (let c = 0; c < rows.classes; c++)
    into[c] = product(rows.dense, row * dimensions, head.dense, c * dimensions, dimensions);
  addLexical(rows, head, row, into);
}

function addLexical(rows: TrainingRows, head: LinearHead, row: number, into: Float64Array): void {
  const { postings, lexical } = head;
  for (let p = rows.lexical.start[row]; p < rows.lexical.start[row + 1]; p++) {
    const f = rows.lexical.ids[p];
    const weight = rows.lexical.weights[p];
    for (let q = postings.start[f]; q < postings.start[f + 1]; q++) into[postings.class[q]] += weight * lexical[q];
  }
}

/** Inner product of two stretches; two sums, so that the additions of neighbours overlap. */
function product(a: Float32Array, atA: number, b: Float32Array, atB: number, length: number): number {
  let even = 0;
  let odd = 0;
  let i = 0;
  for (; i + 1 < length; i += 2) {
    even += a[atA + i] * b[atB + i];
    odd += a[atA + i + 1] * b[atB + i + 1];
  }
  return i < length ? even + odd + a[atA + i] * b[atB + i] : even + odd;
}

/** Trains in steps of one epoch, so that the caller can report progress, stop, and let others run. */
export function* refine(
  rows: TrainingRows,
  centroids: Centroids,
  settings: RefineSettings,
): Generator<number, LinearHead> {
  const start = centroidHead(rows, centroids, settings);
  const candidates = nearClasses(rows, start);
  const trainer = newTrainer(rows, centroids, start, settings);
  const order = Int32Array.from({ length: rows.size }, (_, row) => row);
  const random = seeded(settings.seed);
  const steps = settings.epochs * rows.size;
  let step = 0;
  for (let epoch = 0; epoch < settings.epochs; epoch++) {
    shuffle(order, random);
    for (const row of order) trainer.learn(row, candidates[row], 1 - step++ / steps);
    yield (epoch + 1) / settings.epochs;
  }
  return trainer.head();
}

/** Per row: its own class and those whose centroid logit is within `pruneBelow` of the best. */
function nearClasses(rows: TrainingRows, head: LinearHead): Int32Array[] {
  const logits = new Float64Array(rows.classes);
  const near: Int32Array[] = [];
  for (let row = 0; row < rows.size; row++) {
    headLogits(rows, head, row, logits);
    let most = -Infinity;
    for (let c = 0; c < rows.classes; c++) if (logits[c] > most) most = logits[c];
    const kept: number[] = [];
    for (let c = 0; c < rows.classes; c++) if (logits[c] > most - pruneBelow && c !== rows.labels[row]) kept.push(c);
    kept.sort((one, other) => logits[other] - logits[one]);
    near.push(Int32Array.from([rows.labels[row], ...kept.slice(0, mostNear)]));
  }
  return near;
}

function newTrainer(rows: TrainingRows, centroids: Centroids, start: LinearHead, settings: RefineSettings) {
  const { dimensions, classes, labels, lexical } = rows;
  const { lexicalWeight: beta, scale, lambda } = settings;
  const a = 1 / (1 + beta);
  const b = beta / (1 + beta);
  const { postings } = start;
  // Learned change of the weights, in logit units: dense' = start.dense + shrink · denseDelta, likewise lexical.
  const denseDelta = new Float32Array(start.dense.length);
  const lexicalDelta = new Float32Array(start.lexical.length);
  let shrink = 1;
  const baseLogits = new Float64Array(classes);
  const gradient = new Float64Array(classes);
  const rowWeights = classWeights(centroids.counts, rows.size);

  const learn = (row: number, near: Int32Array, decay: number): void => {
    const from = row * dimensions;
    for (let k = 0; k < near.length; k++) {
      const at = near[k] * dimensions;
      baseLogits[near[k]] =
        product(rows.dense, from, start.dense, at, dimensions) +
        shrink * product(rows.dense, from, denseDelta, at, dimensions);
      gradient[near[k]] = 0;
    }
    for (let p = lexical.start[row]; p < lexical.start[row + 1]; p++) {
      const f = lexical.ids[p];
      const weight = lexical.weights[p];
      for (let q = postings.start[f]; q < postings.start[f + 1]; q++) {
        baseLogits[postings.class[q]] += weight * (start.lexical[q] + shrink * lexicalDelta[q]);
      }
    }
    // One step moves a row's own logit by at most about `firstStep`, whatever the scale.
    const rate = (firstStep * decay) / (scale * scale);
    softmaxGradient(baseLogits, near, labels[row], gradient);
    shrink *= 1 - rate * lambda;
    const move = (rate * Math.min(4, rowWeights[labels[row]]) * scale * scale) / shrink;
    let moved = false;
    for (let k = 0; k < near.length; k++) {
      const c = near[k];
      const g = gradient[c];
      if (Math.abs(g) < 1e-3) {
        gradient[c] = 0;
        continue;
      }
      moved = true;
      const stepSize = move * a * g;
      const at = c * dimensions;
      for (let i = 0; i < dimensions; i++) denseDelta[at + i] -= stepSize * rows.dense[from + i];
    }
    if (moved) {
      for (let p = lexical.start[row]; p < lexical.start[row + 1]; p++) {
        const f = lexical.ids[p];
        const stepSize = move * b * lexical.weights[p];
        for (let q = postings.start[f]; q < postings.start[f + 1]; q++) {
          const g = gradient[postings.class[q]];
          if (g !== 0) lexicalDelta[q] -= stepSize * g;
        }
      }
    }
    for (let k = 0; k < near.length; k++) gradient[near[k]] = 0;
  };

  const head = (): LinearHead => ({
    dense: start.dense.map((value, i) => value + shrink * denseDelta[i]),
    lexical: start.lexical.map((value, i) => value + shrink * lexicalDelta[i]),
    postings,
  });
  return { learn, head };
}

function classWeights(counts: Int32Array, total: number): Float64Array {
  const used = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  return Float64Array.from(counts, (count) => (count > 0 ? total / used / count : 0));
}

/** p − y over the `near` classes, into `gradient`; other classes keep 0. */
function softmaxGradient(logits: Float64Array, near: Int32Array, own: number, gradient: Float64Array): void {
  let most = -Infinity;
  for (let k = 0; k < near.length; k++) if (logits[near[k]] > most) most = logits[near[k]];
  let sum = 0;
  for (let k = 0; k < near.length; k++) sum += gradient[near[k]] = Math.exp(logits[near[k]] - most);
  for (let k = 0; k < near.length; k++) gradient[near[k]] /= sum;
  gradient[own] -= 1;
}
