/**
 * The mean of each class, dense and lexical, and the closed-form leave-one-out test that chooses how much lexical
 * evidence counts (β): K = (dense + β·lexical) / (1 + β).
 *
 * Lexical sums are kept feature-major, since both scoring and training walk the features of one text:
 *   class[start[f] … start[f+1]] are the classes with an example that has feature f, `sum` beside them.
 */
import { product } from './inner-product.ts';
import { classCounts, type TrainingRows } from './training-rows.ts';

export interface Postings {
  readonly start: Int32Array;
  readonly class: Int32Array;
}

export interface Centroids {
  readonly counts: Int32Array;
  /** classes × dimensions: sums of the dense rows. */
  readonly dense: Float32Array;
  readonly postings: Postings;
  /** Beside `postings.class`: sums of lexical weights. */
  readonly lexical: Float32Array;
  /** Squared lengths of the sums, per class. */
  readonly denseSquares: Float64Array;
  readonly lexicalSquares: Float64Array;
}

export function centroidsOf(rows: TrainingRows): Centroids {
  const { classes, dimensions, size, labels } = rows;
  const dense = new Float32Array(classes * dimensions);
  for (let row = 0; row < size; row++) {
    const to = labels[row] * dimensions;
    const from = row * dimensions;
    for (let i = 0; i < dimensions; i++) dense[to + i] += rows.dense[from + i];
  }
  const { postings, sums } = lexicalSums(rows);
  const denseSquares = new Float64Array(classes);
  const lexicalSquares = new Float64Array(classes);
  for (let c = 0; c < classes; c++) {
    for (let i = 0; i < dimensions; i++) denseSquares[c] += dense[c * dimensions + i] ** 2;
  }
  for (let p = 0; p < sums.length; p++) lexicalSquares[postings.class[p]] += sums[p] ** 2;
  return { counts: classCounts(rows), dense, postings, lexical: sums, denseSquares, lexicalSquares };
}

function lexicalSums(rows: TrainingRows): { postings: Postings; sums: Float32Array } {
  const { classes, lexical, labels, features } = rows;
  const byClass = rowsByClass(rows);
  const start = new Int32Array(features + 1);
  const lastClass = new Int32Array(features).fill(-1);
  for (let c = 0; c < classes; c++) eachFeature(byClass[c], (f) => mark(f, c));
  function mark(f: number, c: number): void {
    if (lastClass[f] === c) return;
    lastClass[f] = c;
    start[f + 1]++;
  }
  for (let f = 0; f < features; f++) start[f + 1] += start[f];
  const owner = new Int32Array(start[features]);
  const sums = new Float32Array(start[features]);
  const next = start.slice();
  lastClass.fill(-1);
  for (let c = 0; c < classes; c++) {
    eachFeature(byClass[c], (f, weight) => {
      if (lastClass[f] !== c) {
        lastClass[f] = c;
        owner[next[f]++] = c;
      }
      sums[next[f] - 1] += weight;
    });
  }
  return { postings: { start, class: owner }, sums };

  function eachFeature(own: readonly number[], visit: (feature: number, weight: number) => void): void {
    for (const row of own) {
      for (let p = lexical.start[row]; p < lexical.start[row + 1]; p++) visit(lexical.ids[p], lexical.weights[p]);
    }
  }

  function rowsByClass({ size }: TrainingRows): number[][] {
    const lists = Array.from({ length: classes }, (): number[] => []);
    for (let row = 0; row < size; row++) lists[labels[row]].push(row);
    return lists;
  }
}

/** Inner products of one row with every class sum, into `dense` and `lexical` (length = classes). */
export function productsWithSums(
  rows: TrainingRows,
  centroids: Centroids,
  row: number,
  into: { dense: Float64Array; lexical: Float64Array },
): void {
  const { dimensions } = rows;
  const from = row * dimensions;
  for (let c = 0; c < rows.classes; c++) {
    const at = c * dimensions;
    into.dense[c] = product(rows.dense, from, centroids.dense, at, dimensions);
  }
  into.lexical.fill(0);
  const { postings, lexical } = centroids;
  for (let p = rows.lexical.start[row]; p < rows.lexical.start[row + 1]; p++) {
    const f = rows.lexical.ids[p];
    const weight = rows.lexical.weights[p];
    for (let q = postings.start[f]; q < postings.start[f + 1]; q++) {
      into.lexical[postings.class[q]] += weight * lexical[q];
    }
  }
}

export const lexicalWeights = [0, 0.5, 1, 2, 4, 8] as const;
export const defaultLexicalWeight = 2;

export interface LeaveOneOut {
  readonly lexicalWeight: number;
  /** Share of examples nearest to their own class's centroid when they are left out of it; null without two in a class. */
  readonly accuracy: number | null;
}

/** Fewer right answers than this between two β are noise. */
const hitsOfNoise = 3;

/**
 * The β nearest to the default among those with (but for noise) the best leave-one-out accuracy. `chosen` rows are
 * tested.
 */
export function chooseLexicalWeight(rows: TrainingRows, centroids: Centroids, chosen: readonly number[]): LeaveOneOut {
  const hits = new Float64Array(lexicalWeights.length);
  const products = { dense: new Float64Array(rows.classes), lexical: new Float64Array(rows.classes) };
  let tested = 0;
  for (const row of chosen) {
    const own = rows.labels[row];
    if (centroids.counts[own] < 2) continue;
    tested++;
    productsWithSums(rows, centroids, row, products);
    lexicalWeights.forEach((beta, at) => {
      if (nearestLeavingOut(centroids, products, own, beta) === own) hits[at]++;
    });
  }
  if (tested === 0) return { lexicalWeight: defaultLexicalWeight, accuracy: null };
  const usual = lexicalWeights.indexOf(defaultLexicalWeight);
  const enough = Math.max(...hits) - hitsOfNoise;
  let best = usual;
  for (let away = 0; hits[best] < enough; away++) {
    const [lower, upper] = [Math.max(0, usual - away), Math.min(hits.length - 1, usual + away)];
    best = hits[upper] > hits[lower] ? upper : lower;
  }
  return { lexicalWeight: lexicalWeights[best], accuracy: hits[best] / tested };
}

function nearestLeavingOut(
  centroids: Centroids,
  products: { dense: Float64Array; lexical: Float64Array },
  own: number,
  beta: number,
): number {
  let best = -1;
  let most = -Infinity;
  for (let c = 0; c < centroids.counts.length; c++) {
    if (centroids.counts[c] === 0) continue;
    const product = products.dense[c] + beta * products.lexical[c];
    const square = centroids.denseSquares[c] + beta * centroids.lexicalSquares[c];
    // K(x,x) = 1 + β for a row with lexical features; taking it out of its own sum changes both product and length.
    const self = c === own ? 1 + beta : 0;
    const length = Math.sqrt(Math.max(1e-9, square - 2 * (c === own ? product : 0) + self));
    const score = (product - self) / length;
    if (score > most) {
      most = score;
      best = c;
    }
  }
  return best;
}
