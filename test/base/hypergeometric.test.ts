import { describe, expect, it } from 'vitest';
import { acceptedBounds } from '../../src/base/hypergeometric.ts';

/** C(n, k) without rounding. */
function choose(n: number, k: number): bigint {
  let result = 1n;
  for (let i = 0; i < k; i++) result = (result * BigInt(n - i)) / BigInt(i + 1);
  return result;
}

/** P(X = k), counted out. */
function chance(k: number, all: { population: number; labelled: number; accepted: number }): number {
  const { population, labelled, accepted } = all;
  if (k > accepted || labelled - k > population - accepted) return 0;
  const ways = choose(accepted, k) * choose(population - accepted, labelled - k);
  return Number((ways * 10n ** 15n) / choose(population, labelled)) / 1e15;
}

describe('acceptedBounds', () => {
  it.each([
    [60, 12],
    [40, 25],
    [200, 10],
  ])(
    'of %i with %i labelled covers the true count at least as often as it says, whatever that is',
    (population, labelled) => {
      let least = 1;
      for (let truth = 0; truth <= population; truth++) {
        let covered = 0;
        for (let accepted = 0; accepted <= labelled; accepted++) {
          const [low, high] = acceptedBounds({ population, labelled, accepted }, 0.05);
          if (low <= truth && truth <= high) covered += chance(accepted, { population, labelled, accepted: truth });
        }
        least = Math.min(least, covered);
      }
      expect(least).toBeGreaterThanOrEqual(0.95 - 1e-12);
    },
  );

  it('closes on the count itself when everything was looked at', () => {
    expect(acceptedBounds({ population: 500, labelled: 500, accepted: 123 }, 0.05)).toEqual([123, 123]);
  });

  it('never leaves what the labels themselves rule out', () => {
    expect(acceptedBounds({ population: 20, labelled: 19, accepted: 18 }, 0.05)).toEqual([18, 19]);
    expect(acceptedBounds({ population: 20, labelled: 0, accepted: 0 }, 0.05)).toEqual([0, 20]);
  });

  it('stays exact where the numbers are large', () => {
    const [low, high] = acceptedBounds({ population: 1_000_000, labelled: 50_000, accepted: 45_000 }, 0.05);
    // Normal approximation with the finite population correction; they must agree to a few parts in ten thousand.
    const half = 1.959964 * 1_000_000 * Math.sqrt((0.9 * 0.1 * 0.95) / 50_000);
    expect(low).toBeGreaterThan(900_000 - half - 100);
    expect(low).toBeLessThan(900_000 - half + 100);
    expect(high).toBeGreaterThan(900_000 + half - 100);
    expect(high).toBeLessThan(900_000 + half + 100);
  });
});
