/**
 * Inner products of stretches of packed rows: no view per row, and four sums, so that the additions overlap. Building an
 * index is little else.
 */
export function product(a: Float32Array, atA: number, b: Float32Array, atB: number, length: number): number {
  let one = 0;
  let two = 0;
  let three = 0;
  let four = 0;
  let i = 0;
  for (const end = length - 3; i < end; i += 4) {
    one += a[atA + i] * b[atB + i];
    two += a[atA + i + 1] * b[atB + i + 1];
    three += a[atA + i + 2] * b[atB + i + 2];
    four += a[atA + i + 3] * b[atB + i + 3];
  }
  for (; i < length; i++) one += a[atA + i] * b[atB + i];
  return one + two + three + four;
}

/** Adds `by` times a stretch of `from` to one of `to`. */
export function addScaled(
  to: Float32Array,
  atTo: number,
  from: Float32Array,
  { at, length, by }: { readonly at: number; readonly length: number; readonly by: number },
): void {
  let i = 0;
  for (const end = length - 3; i < end; i += 4) {
    to[atTo + i] += by * from[at + i];
    to[atTo + i + 1] += by * from[at + i + 1];
    to[atTo + i + 2] += by * from[at + i + 2];
    to[atTo + i + 3] += by * from[at + i + 3];
  }
  for (; i < length; i++) to[atTo + i] += by * from[at + i];
}
