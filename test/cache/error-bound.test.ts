import { describe, expect, it } from 'vitest';
import { ErrorEvidence, thresholds } from '../../src/cache/error-bound.ts';
import { seeded } from '../../src/routing/seeded.ts';

/** Chance of a wrong answer at a score; scores are spread evenly over [0.5, 1]. */
type Population = (score: number) => number;

/** Share wrong among all finds from a threshold on. */
function trueShare(population: Population, threshold: number): number {
  const scores = Array.from({ length: 4_000 }, (_, i) => 0.5 + i / 8_000).filter((score) => score >= threshold);
  return scores.reduce((sum, score) => sum + population(score), 0) / scores.length;
}

/** Was a threshold ever served from at which more than `maxError` is wrong, looking after every verdict? */
function everBroken(population: Population, maxError: number, seed: number): { broken: boolean; served: boolean } {
  const random = seeded(seed);
  const evidence = new ErrorEvidence();
  const shares = new Map(thresholds.map((threshold) => [threshold, trueShare(population, threshold)]));
  let broken = false;
  let served = false;
  for (let i = 0; i < 800; i++) {
    const score = 0.5 + 0.5 * random();
    evidence.add(score, random() >= population(score), null);
    const threshold = evidence.threshold(maxError);
    if (threshold === null) continue;
    served = true;
    broken ||= (shares.get(threshold) ?? 0) > maxError;
  }
  return { broken, served };
}

describe('ErrorEvidence', () => {
  it('serves nothing without verdicts, and nothing after a handful of good ones', () => {
    const evidence = new ErrorEvidence();
    expect(evidence.threshold(0.05)).toBeNull();
    for (let i = 0; i < 20; i++) evidence.add(0.99, true, null);
    expect(evidence.threshold(0.05)).toBeNull();
  });

  it('serves once enough clean verdicts are in, sooner for a looser promise', () => {
    const evidence = new ErrorEvidence();
    for (let i = 0; i < 150; i++) evidence.add(0.96, true, null);
    expect(evidence.threshold(0.01)).toBeNull();
    expect(evidence.threshold(0.05)).not.toBeNull();
  });

  it.each<[string, Population]>([
    ['wrong a hair too often everywhere', () => 0.0505],
    ['right above .9 and wrong below', (score) => (score > 0.9 ? 0 : 0.12)],
    ['wrong the more the lower the score', (score) => 0.8 * (1 - score) ** 2],
  ])('keeps its promise in 95 of 100 histories looked at after every verdict: %s', (_, population) => {
    const runs = Array.from({ length: 120 }, (_, seed) => everBroken(population, 0.05, seed + 1));
    expect(runs.filter(({ broken }) => broken).length).toBeLessThanOrEqual(6);
  });

  it('finds the threshold where good scores end', () => {
    const runs = Array.from({ length: 20 }, (_, seed) =>
      everBroken((score) => (score > 0.7 ? 0 : 0.5), 0.05, seed + 1),
    );
    expect(runs.every(({ served }) => served)).toBe(true);
  });

  it('drops all evidence when served hits turn out wrong far more often than promised', () => {
    const evidence = new ErrorEvidence();
    for (let i = 0; i < 500; i++) evidence.add(0.96, true, null);
    expect(evidence.threshold(0.05)).not.toBeNull();
    for (let i = 0; i < 40; i++) evidence.add(0.96, i % 2 === 0, 0.05);
    expect(evidence.figures().restarts).toBe(1);
    expect(evidence.threshold(0.05)).toBeNull();
  });

  it('is the same after it was stored', () => {
    const evidence = new ErrorEvidence();
    for (let i = 0; i < 200; i++) evidence.add(0.6 + (i % 40) / 100, i % 50 !== 0, null);
    const again = ErrorEvidence.from(JSON.parse(JSON.stringify(evidence.state())));
    expect(again.figures()).toEqual(evidence.figures());
    expect(again.threshold(0.1)).toBe(evidence.threshold(0.1));
  });
});
