/**
 * What stands for a route in the dense space: its centroid first, then, when it has examples enough to fall into kinds,
 * k-means centres; and a spread-out order of its examples, so that the first few cover it well.
 * Everything is seeded by position in rows sorted by text: the order in which a card lists its examples changes nothing.
 */
import { normalise } from '../base/vector.ts';
import { product } from './inner-product.ts';

/** Unit rows of several routes, packed: route r owns rows start[r] … start[r+1]. */
export interface PackedVectors {
  readonly start: Int32Array;
  readonly vectors: Float32Array;
}

const rowsPerKind = 12;
const mostKinds = 4;
const rounds = 4;

/** `rows` are the unit vectors of one route, row by row. Returns its prototypes, centroid first. */
export function prototypesOf(rows: Float32Array, dimensions: number): Float32Array {
  const size = rows.length / dimensions;
  const centroid = meanOf(rows, dimensions, null, 0);
  const kinds = Math.min(mostKinds, Math.floor(size / rowsPerKind));
  if (kinds < 2) return centroid;
  const centres = kMeans(rows, dimensions, kinds);
  const all = new Float32Array((1 + kinds) * dimensions);
  all.set(centroid);
  all.set(centres, dimensions);
  return all;
}

function kMeans(rows: Float32Array, dimensions: number, kinds: number): Float32Array {
  const size = rows.length / dimensions;
  const centres = new Float32Array(kinds * dimensions);
  spreadOrder(rows, dimensions, kinds).forEach((row, kind) => {
    centres.set(rows.subarray(row * dimensions, (row + 1) * dimensions), kind * dimensions);
  });
  const owner = new Int32Array(size);
  for (let round = 0; round < rounds; round++) {
    for (let row = 0; row < size; row++) owner[row] = nearestRow(centres, dimensions, rows, row);
    for (let kind = 0; kind < kinds; kind++) {
      if (!owner.includes(kind)) continue;
      centres.set(meanOf(rows, dimensions, owner, kind), kind * dimensions);
    }
  }
  return centres;
}

/** Unit mean of all rows (`owner` null), or of those that belong to `kind`. */
function meanOf(rows: Float32Array, dimensions: number, owner: Int32Array | null, kind: number): Float32Array {
  const mean = new Float32Array(dimensions);
  for (let row = 0; row * dimensions < rows.length; row++) {
    if (owner && owner[row] !== kind) continue;
    for (let i = 0; i < dimensions; i++) mean[i] += rows[row * dimensions + i];
  }
  return normalise(mean);
}

function nearestRow(centres: Float32Array, dimensions: number, rows: Float32Array, row: number): number {
  let best = 0;
  let most = -Infinity;
  for (let kind = 0; kind * dimensions < centres.length; kind++) {
    const cosine = product(rows, row * dimensions, centres, kind * dimensions, dimensions);
    if (cosine > most) {
      most = cosine;
      best = kind;
    }
  }
  return best;
}

/**
 * Row numbers such that each is the farthest from all before it (the first is the most central), `count` at most;
 * the remaining rows are not in the answer.
 */
export function spreadOrder(rows: Float32Array, dimensions: number, count: number): number[] {
  const size = rows.length / dimensions;
  const order: number[] = [];
  const nearest = new Float64Array(size).fill(-Infinity);
  let next = nearestToMean(rows, dimensions);
  while (order.length < Math.min(count, size)) {
    order.push(next);
    nearest[next] = Infinity;
    const picked = next * dimensions;
    next = -1;
    for (let row = 0; row < size; row++) {
      if (nearest[row] === Infinity) continue;
      const cosine = product(rows, picked, rows, row * dimensions, dimensions);
      if (cosine > nearest[row]) nearest[row] = cosine;
      if (next < 0 || nearest[row] < nearest[next]) next = row;
    }
    if (next < 0) break;
  }
  return order;
}

function nearestToMean(rows: Float32Array, dimensions: number): number {
  const mean = meanOf(rows, dimensions, null, 0);
  let best = 0;
  let most = -Infinity;
  for (let row = 0; row * dimensions < rows.length; row++) {
    const cosine = product(mean, 0, rows, row * dimensions, dimensions);
    if (cosine > most) {
      most = cosine;
      best = row;
    }
  }
  return best;
}
