import { describe, expect, it } from 'vitest';
import { choose } from '../../src/backend/choose.ts';
import { pseudoRandom } from '../../src/backend/simulation/pseudo-random.ts';

function shares(weights: readonly number[], rounds: number, held: number): number[] {
  const random = pseudoRandom(7);
  const endpoints = weights.map((weight, at) => ({ at, weight, inFlight: 0, taken: 0 }));
  const open: (typeof endpoints)[number][] = [];
  for (let i = 0; i < rounds; i++) {
    const one = choose(endpoints, random);
    one.taken++;
    one.inFlight++;
    open.push(one);
    const done = open.length > held ? open.shift() : undefined;
    if (done) done.inFlight--;
  }
  return endpoints.map(({ taken }) => taken / rounds);
}

describe('choose', () => {
  it('uses a quiet backend’s endpoints by their weights', () => {
    const [heavy, light] = shares([3, 1], 8_000, 0);
    expect(heavy).toBeGreaterThan(0.72);
    expect(heavy + light).toBeCloseTo(1, 9);
    expect(light).toBeGreaterThan(0.22);
  });

  it('keeps load in proportion to the weights', () => {
    const [heavy, middle, light] = shares([3, 2, 1], 8_000, 60);
    expect(heavy).toBeCloseTo(1 / 2, 1);
    expect(middle).toBeCloseTo(1 / 3, 1);
    expect(light).toBeCloseTo(1 / 6, 1);
  });

  it('takes the less loaded of two', () => {
    const busy = { weight: 1, inFlight: 9 };
    const idle = { weight: 1, inFlight: 0 };
    for (const draw of [0, 0.3, 0.7, 0.999]) expect(choose([busy, idle], () => draw)).toBe(idle);
  });

  it('takes the only one there is', () => {
    const one = { weight: 0.1, inFlight: 100 };
    expect(choose([one], () => 0.5)).toBe(one);
  });
});
