/** Vectors. A `UnitVector` has length 1 (within float32), so that a dot product is a cosine. */
declare const unit: unique symbol;

export type UnitVector = Float32Array & { readonly [unit]: true };

/**
 * Scales `values` in place to length 1.
 * A zero vector (a text without a known token) stays zero: its cosine with everything is then 0, which falls back.
 */
export function normalise(values: Float32Array): UnitVector {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i];
  if (sum > 0) {
    const scale = 1 / Math.sqrt(sum);
    for (let i = 0; i < values.length; i++) values[i] *= scale;
  }
  return values as UnitVector;
}

/** Inner product of two vectors of equal dimensions; the cosine when both are unit vectors. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
