/**
 * A map from a 32-bit hash to a small integer, as two Int32Arrays with open addressing: a look-up allocates nothing and
 * touches one cache line in the usual case. Hashes that collide in all 32 bits share an entry; with 100,000 features
 * that is about one pair, which costs nothing that could be measured.
 *
 *   keys:   [ 0 | h | 0 | h | … ]   0 = empty (a hash of 0 is stored as 1)
 *   values: [   | v |   | v | … ]   at the same place
 */
export interface FeatureTable {
  readonly keys: Int32Array;
  readonly values: Int32Array;
}

/** `capacity` entries fit without the table getting more than half full. */
export function featureTable(capacity: number): FeatureTable {
  let size = 16;
  while (size < capacity * 2) size *= 2;
  return { keys: new Int32Array(size), values: new Int32Array(size) };
}

/** The value of `hash`, or -1. */
export function lookUp(table: FeatureTable, hash: number): number {
  const { keys, values } = table;
  const mask = keys.length - 1;
  const key = hash === 0 ? 1 : hash;
  for (let at = hash & mask; ; at = (at + 1) & mask) {
    const found = keys[at];
    if (found === key) return values[at];
    if (found === 0) return -1;
  }
}

/** The caller keeps the table at most half full. */
export function put(table: FeatureTable, hash: number, value: number): void {
  const { keys, values } = table;
  const mask = keys.length - 1;
  const key = hash === 0 ? 1 : hash;
  let at = hash & mask;
  while (keys[at] !== 0 && keys[at] !== key) at = (at + 1) & mask;
  keys[at] = key;
  values[at] = value;
}
