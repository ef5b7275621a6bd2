/**
 * The vectors of the semantic cache, found again by similarity within any set of slots. Exact while the set is small; in
 * stages when it is large:
 *
 *   code     one bit a dimension: is it above the mean of the first vectors?   distances over all, the nearest go on
 *   vector   two bytes a dimension                                             inner products over those, best k stay
 *
 * One store for all partitions, a partition is a list of slots: thousands of small partitions cost nothing extra. Bounded
 * by the number of slots given at the start; a slot that is freed is used again. One byte a dimension would do for the
 * cosine (.001 off) but mistakes the order of near neighbours too often: recall@10 was .98 against the exact scan.
 */
import type { UnitVector } from '../base/vector.ts';
import { createScan, type Scan } from './scan-kernel.ts';

export interface Neighbour {
  readonly slot: number;
  readonly similarity: number;
}

/** Sets up to this size are scanned exactly. */
const small = 4_096;
/** How many the codes let through, about: it is estimated. Recall@4, which is what a look needs, is .99 and more with it. */
const shortlist = 1_500;
/** Every eighth result tells how all are spread. */
const sampled = 8;
/** What 1 is in the numbers kept: squares of it stay within 32 bits, rounding within 3e-5. */
const scale = 16_384;

export class SemanticIndex {
  readonly dimensions: number;
  readonly #vectors: Scan;
  readonly #codes: Scan;
  readonly #free: number[] = [];
  #slots = 0;
  #mean: Float64Array | null = null;
  /** Reused: a new list for every look would cost more than filling it. */
  #chosen = new Int32Array(0);

  constructor(dimensions: number, mostSlots: number) {
    this.dimensions = dimensions;
    this.#vectors = createScan('products', padded(dimensions * 2), mostSlots);
    this.#codes = createScan('distances', padded(Math.ceil(dimensions / 8)), mostSlots);
  }

  /** Bytes that one entry takes here: vector, code, and its places in the lists of both scans and of its partition. */
  static bytesPerSlot(dimensions: number): number {
    return padded(dimensions * 2) + padded(Math.ceil(dimensions / 8)) + 16 + 4;
  }

  /** The slot of the vector; the caller keeps count of how many there may be. */
  add(vector: UnitVector): number {
    return this.addKept(Int16Array.from(vector, (value) => Math.round(value * scale)));
  }

  /** Adds what `kept` gave. */
  addKept(numbers: Int16Array): number {
    const slot = this.#free.pop() ?? this.#slots++;
    shorts(this.#vectors.record(slot)).set(numbers);
    if (this.#mean !== null) encode(numbers, this.#mean, this.#codes.record(slot));
    return slot;
  }

  free(slot: number): void {
    this.#free.push(slot);
  }

  /** The vector of a slot as it is kept; valid until the next call of anything here. */
  kept(slot: number): Int16Array {
    return shorts(this.#vectors.record(slot)).subarray(0, this.dimensions);
  }

  /** The `k` most similar of `slots`, best first. */
  nearest(vector: UnitVector, slots: Int32Array, k: number): Neighbour[] {
    const query = shorts(this.#vectors.query);
    for (let i = 0; i < vector.length; i++) query[i] = Math.round(vector[i] * scale);
    const chosen = slots.length <= small ? slots : this.#shortlist(query, slots);
    return best(chosen, this.#vectors.run(chosen), k);
  }

  #shortlist(query: Int16Array, slots: Int32Array): Int32Array {
    encode(query, this.#mean ?? this.#makeCodes(), this.#codes.query);
    const distances = this.#codes.run(slots);
    const limit = this.#limit(distances);
    if (this.#chosen.length < slots.length) this.#chosen = new Int32Array(slots.length * 2);
    const chosen = this.#chosen;
    let found = 0;
    for (let i = 0; i < distances.length; i++) {
      // Without a branch: which way it goes cannot be foretold.
      chosen[found] = slots[i];
      found += distances[i] <= limit ? 1 : 0;
    }
    return chosen.subarray(0, found);
  }

  /** The distance within which about `shortlist` of the slots lie. */
  #limit(distances: Int32Array): number {
    const counts = new Int32Array(this.#codes.recordBytes * 8 + 1);
    for (let i = 0; i < distances.length; i += sampled) counts[distances[i]]++;
    let limit = 0;
    for (let sum = counts[0]; sum < shortlist / sampled && limit < counts.length - 1; ) sum += counts[++limit];
    return limit;
  }

  /** Once, when a set first becomes large: its mean serves ever after, since codes need only be cut near the middle. */
  #makeCodes(): Float64Array {
    const mean = new Float64Array(this.dimensions);
    for (let slot = 0; slot < this.#slots; slot++) {
      const numbers = this.kept(slot);
      for (let i = 0; i < numbers.length; i++) mean[i] += numbers[i] / this.#slots;
    }
    for (let slot = 0; slot < this.#slots; slot++) encode(this.kept(slot), mean, this.#codes.record(slot));
    this.#mean = mean;
    return mean;
  }
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

function shorts(bytes: Int8Array): Int16Array {
  return new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
}

function encode(numbers: Int16Array, mean: Float64Array, code: Int8Array): void {
  for (let at = 0; at * 8 < mean.length; at++) {
    let bits = 0;
    for (let i = at * 8; i < at * 8 + 8 && i < mean.length; i++) if (numbers[i] > mean[i]) bits |= 1 << (i & 7);
    code[at] = bits;
  }
}

function best(slots: Int32Array, products: Int32Array, k: number): Neighbour[] {
  const found: { readonly at: number; readonly product: number }[] = [];
  let least = -Infinity;
  for (let i = 0; i < slots.length; i++) {
    const product = products[i];
    if (product <= least) continue;
    let at = found.length;
    while (at > 0 && found[at - 1].product < product) at--;
    found.splice(at, 0, { at: i, product });
    if (found.length > k) found.pop();
    if (found.length === k) least = found[k - 1].product;
  }
  return found.map(({ at, product }) => ({ slot: slots[at], similarity: product / (scale * scale) }));
}
