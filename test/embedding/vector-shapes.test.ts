import { describe, expect, it } from 'vitest';
import { normalise } from '../../src/base/vector.ts';
import { shorten } from '../../src/embedding/dimensions.ts';
import { widenHalves } from '../../src/embedding/half.ts';

describe('shortening a vector', () => {
  it('keeps the first dimensions and the length 1', () => {
    const vector = normalise(Float32Array.of(3, 4, 12));
    expect([...shorten(vector, 2)]).toEqual([expect.closeTo(0.6), expect.closeTo(0.8)]);
    expect(vector).toHaveLength(3);
  });

  it('gives the vector itself when nothing is cut', () => {
    const vector = normalise(Float32Array.of(3, 4));
    expect(shorten(vector, 2)).toBe(vector);
    expect(shorten(vector, 9)).toBe(vector);
  });
});

describe('half precision', () => {
  it('widens normal, subnormal and special values exactly', () => {
    const halves = Uint16Array.of(0x0000, 0x3c00, 0xc000, 0x3555, 0x7bff, 0x0001, 0x83ff, 0x7c00, 0xfc00, 0x7e00);
    expect([...widenHalves(halves)]).toEqual([
      0,
      1,
      -2,
      0.333251953125,
      65_504,
      2 ** -24,
      -1_023 * 2 ** -24,
      Infinity,
      -Infinity,
      NaN,
    ]);
  });
});
