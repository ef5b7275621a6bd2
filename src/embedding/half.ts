/** IEEE 754 half precision, as fp16 models store and return it. Node 20 has no Float16Array. */

/** Widens raw halves. Subnormals, infinities and NaN included. */
export function widenHalves(halves: Uint16Array): Float32Array {
  const wide = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) wide[i] = widen(halves[i]);
  return wide;
}

function widen(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1_024) * 2 ** (exponent - 15);
}
