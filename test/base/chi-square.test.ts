import { describe, expect, it } from 'vitest';
import { chiSquareTail } from '../../src/base/chi-square.ts';

describe('chiSquareTail', () => {
  // The critical values that every statistics book prints.
  it.each([
    [3.841459, 1, 0.05],
    [6.634897, 1, 0.01],
    [9.487729, 4, 0.05],
    [23.209251, 10, 0.01],
    [124.342113, 100, 0.05],
  ])('of %f with %i degrees of freedom is %f', (value, freedom, tail) => {
    expect(chiSquareTail(value, freedom)).toBeCloseTo(tail, 7);
  });

  it('is e^(−x/2) with two degrees of freedom, near and far', () => {
    for (const x of [0.01, 1, 4, 30, 400]) expect(chiSquareTail(x, 2) / Math.exp(-x / 2)).toBeCloseTo(1, 10);
    expect(chiSquareTail(0, 3)).toBe(1);
  });
});
