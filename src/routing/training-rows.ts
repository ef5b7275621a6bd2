/**
 * The examples of all classes as numbers: dense rows, sparse lexical rows and labels. Classes are the routes in order of
 * name, and after them, when there are texts for it, one class for "none of them".
 */
import type { SparseRows } from './lexical.ts';

export interface TrainingRows {
  readonly size: number;
  readonly classes: number;
  readonly dimensions: number;
  /** size × dimensions, unit rows. */
  readonly dense: Float32Array;
  readonly lexical: SparseRows;
  readonly features: number;
  readonly labels: Int32Array;
}

export function classCounts(rows: TrainingRows): Int32Array {
  const counts = new Int32Array(rows.classes);
  for (let row = 0; row < rows.size; row++) counts[rows.labels[row]]++;
  return counts;
}

/** Those rows whose number is in `chosen`; the classes stay. */
export function selectRows(rows: TrainingRows, chosen: readonly number[]): TrainingRows {
  const { dimensions, lexical } = rows;
  const dense = new Float32Array(chosen.length * dimensions);
  const labels = new Int32Array(chosen.length);
  const start = new Int32Array(chosen.length + 1);
  chosen.forEach((row, at) => {
    dense.set(rows.dense.subarray(row * dimensions, (row + 1) * dimensions), at * dimensions);
    labels[at] = rows.labels[row];
    start[at + 1] = start[at] + lexical.start[row + 1] - lexical.start[row];
  });
  const ids = new Int32Array(start[chosen.length]);
  const weights = new Float32Array(start[chosen.length]);
  chosen.forEach((row, at) => {
    ids.set(lexical.ids.subarray(lexical.start[row], lexical.start[row + 1]), start[at]);
    weights.set(lexical.weights.subarray(lexical.start[row], lexical.start[row + 1]), start[at]);
  });
  return { ...rows, size: chosen.length, dense, labels, lexical: { start, ids, weights } };
}
