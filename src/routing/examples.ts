/**
 * Single examples in an index: their texts and their vectors as int8 with one scale a row (a cosine is then right to
 * about .005), a spread-out few first. They answer "what is the nearest example?", are part of the evidence of being in
 * scope, and weigh against counter-examples.
 */
import type { UnitVector } from '../base/vector.ts';
import { spreadOrder } from './prototypes.ts';

export interface ExampleSet {
  /** Route r owns rows start[r] … start[r+1]. */
  readonly start: Int32Array;
  readonly texts: readonly string[];
  readonly vectors: Int8Array;
  readonly scales: Float32Array;
}

/** How many of a route's examples a decision compares with: enough to cover a route, few enough to take microseconds. */
export const comparedExamples = 24;

/** `routes[r]` are the row numbers of route r in `dense` (size × dimensions) and `texts`. */
export function packExamples(
  dense: Float32Array,
  dimensions: number,
  texts: readonly string[],
  routes: readonly (readonly number[])[],
): ExampleSet {
  const start = new Int32Array(routes.length + 1);
  const order: number[] = [];
  routes.forEach((rows, route) => {
    const own = new Float32Array(rows.length * dimensions);
    rows.forEach((row, at) => {
      own.set(dense.subarray(row * dimensions, (row + 1) * dimensions), at * dimensions);
    });
    const first = rows.length === 0 ? [] : spreadOrder(own, dimensions, comparedExamples);
    const chosen = new Set(first);
    order.push(...first.map((at) => rows[at]), ...rows.filter((_, at) => !chosen.has(at)));
    start[route + 1] = order.length;
  });
  const vectors = new Int8Array(order.length * dimensions);
  const scales = new Float32Array(order.length);
  order.forEach((row, at) => {
    scales[at] = quantise(dense, row * dimensions, vectors, at * dimensions, dimensions);
  });
  return { start, texts: order.map((row) => texts[row] ?? ''), vectors, scales };
}

function quantise(from: Float32Array, at: number, to: Int8Array, into: number, length: number): number {
  let most = 0;
  for (let i = 0; i < length; i++) most = Math.max(most, Math.abs(from[at + i]));
  if (most === 0) return 0;
  for (let i = 0; i < length; i++) to[into + i] = Math.round((from[at + i] / most) * 127);
  return most / 127;
}

export function exampleCosine(set: ExampleSet, row: number, vector: UnitVector): number {
  const { vectors } = set;
  const length = vector.length;
  const at = row * length;
  let even = 0;
  let odd = 0;
  for (let i = 0; i + 1 < length; i += 2) {
    even += vectors[at + i] * vector[i];
    odd += vectors[at + i + 1] * vector[i + 1];
  }
  if (length % 2) even += vectors[at + length - 1] * vector[length - 1];
  return (even + odd) * set.scales[row];
}

/** Largest cosine with the first `compared` examples of a route; 0 without any. */
export function nearestCosine(set: ExampleSet, route: number, vector: UnitVector, compared = comparedExamples): number {
  const end = Math.min(set.start[route + 1], set.start[route] + compared);
  let most = 0;
  for (let row = set.start[route]; row < end; row++) {
    const cosine = exampleCosine(set, row, vector);
    if (cosine > most) most = cosine;
  }
  return most;
}
