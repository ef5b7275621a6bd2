import { describe, expect, it } from 'vitest';
import { binomialCdf, shareLowerBound, shareUpperBound } from '../../src/base/binomial.ts';
import { findThreshold, looksFor, type ScoredRow } from '../../src/routing/calibrate.ts';
import { provesPromise } from '../../src/routing/promise-test.ts';
import { seeded } from '../../src/routing/seeded.ts';

const anyRoute = () => true;

/** Scores uniform in [0, 1]; an in-scope row is right with chance 1 − 0.5·(1−s)². */
function draw(random: () => number, inScope: number, oos: number): ScoredRow[] {
  const rows: ScoredRow[] = [];
  for (let i = 0; i < inScope; i++) {
    const score = random();
    rows.push({ route: 'a', score, truth: random() < 0.5 * (1 - score) ** 2 ? 'b' : 'a' });
  }
  for (let i = 0; i < oos; i++) rows.push({ route: 'a', score: 0.6 * random(), truth: null });
  return rows;
}

/** Precision at threshold t, in closed form, for a share of out-of-scope prompts. */
function truePrecision(t: number, share: number): number {
  const accepted = 1 - t;
  const wrong = (0.5 * (1 - t) ** 3) / 3;
  const strangers = Math.max(0, 1 - t / 0.6);
  return ((1 - share) * (accepted - wrong)) / ((1 - share) * accepted + share * strangers);
}

describe('binomial bounds', () => {
  it('agree with figures of scipy.stats', () => {
    // binom.cdf(3, 50, .1), binom.cdf(0, 29, .1), binom.cdf(120, 3000, .05)
    expect(binomialCdf(3, 50, 0.1)).toBeCloseTo(0.250293905953, 9);
    expect(binomialCdf(0, 29, 0.1)).toBeCloseTo(0.9 ** 29, 12);
    expect(binomialCdf(120, 3000, 0.05)).toBeCloseTo(0.005509948138, 9);
    // beta.ppf(.95, 4, 47), beta.ppf(.05, 95, 6)
    expect(shareUpperBound(3, 50, 0.05)).toBeCloseTo(0.14783717636, 8);
    expect(shareLowerBound(95, 100, 0.05)).toBeCloseTo(0.89774662236, 8);
  });

  it('say nothing without rows', () => {
    expect(shareUpperBound(0, 0, 0.05)).toBe(1);
    expect(shareLowerBound(0, 10, 0.05)).toBe(0);
  });
});

describe('a promise', () => {
  it.each([
    [0.9, 29],
    [0.95, 59],
    [0.97, 99],
    [0.99, 299],
  ])('of %f needs %i accepted rows without an error, and not one fewer', (precision, needed) => {
    const clean = (n: number) =>
      Array.from({ length: n }, (_, i): ScoredRow => ({ route: 'a', score: 0.5 + i / 10_000, truth: 'a' }));
    const terms = { precision, oosShare: null };
    expect(findThreshold(clean(needed), anyRoute, terms).threshold).toBe(0.5);
    const short = findThreshold(clean(needed - 1), anyRoute, terms);
    expect(short.threshold).toBeNull();
    expect(short.missingRows).toBeGreaterThan(0);
  });

  it('is not made when a share of out-of-scope traffic is declared and no such row was labelled', () => {
    const rows = draw(seeded(1), 2_000, 0);
    expect(findThreshold(rows, anyRoute, { precision: 0.9, oosShare: 0.2 }).threshold).toBeNull();
    expect(findThreshold(rows, anyRoute, { precision: 0.9, oosShare: 0 }).threshold).not.toBeNull();
  });

  it('takes the worst split between wrong routes and accepted strangers', () => {
    const counts = { accepted: 2_400, errors: 0, inScopeRows: 3_000, oosAccepted: 0, oosRows: 100 };
    expect(provesPromise(counts, { precision: 0.97, oosShare: 1 / 5.5 }, 0.05)).toBe(true);
    // 100 strangers, none accepted, leave room for 3.6% accepted, which alone breaks 0.995.
    expect(provesPromise(counts, { precision: 0.995, oosShare: 1 / 5.5 }, 0.05)).toBe(false);
  });

  it('counts only the routes it is about', () => {
    const good = draw(seeded(2), 400, 0).map((row): ScoredRow => ({ ...row, truth: 'a' }));
    const bad = draw(seeded(3), 400, 0).map((row): ScoredRow => ({ route: 'b', score: row.score, truth: 'a' }));
    const terms = { precision: 0.95, oosShare: null };
    expect(findThreshold([...good, ...bad], (route) => route === 'a', terms).threshold).not.toBeNull();
    expect(findThreshold([...good, ...bad], (route) => route === 'b', terms).threshold).toBeNull();
    expect(findThreshold([...good, ...bad], anyRoute, terms).threshold).toBeNull();
  });

  it('never accepts rows that share the score of a row left out', () => {
    const rows = Array.from(
      { length: 200 },
      (_, i): ScoredRow => ({ route: 'a', score: 0.9, truth: i < 150 ? 'a' : 'b' }),
    );
    expect(findThreshold(rows, anyRoute, { precision: 0.9, oosShare: null }).threshold).toBeNull();
  });
});

describe('looks', () => {
  it('are few when rows are few, rise, and end with all rows', () => {
    const canPass = (rows: number, level: number) => 0.9 ** rows <= level;
    expect(looksFor(28, canPass)).toEqual([]);
    expect(looksFor(29, canPass)).toEqual([29]);
    const many = looksFor(3_000, canPass);
    expect(many.at(-1)).toBe(3_000);
    expect(many).toEqual([...many].sort((a, b) => a - b));
  });
});

describe('over many draws of labelled rows', () => {
  it.each([
    { precision: 0.9, oosShare: null, inScope: 400, oos: 100, share: 0.2 },
    { precision: 0.95, oosShare: null, inScope: 800, oos: 200, share: 0.2 },
    { precision: 0.9, oosShare: 0.3, inScope: 900, oos: 300, share: 0.3 },
    { precision: 0.95, oosShare: 0.1, inScope: 1_000, oos: 200, share: 0.1 },
  ])('precision on fresh prompts is at least as promised in 95% of them: $precision, $oosShare', (setting) => {
    const random = seeded(7);
    const draws = 200;
    let broken = 0;
    let made = 0;
    for (let i = 0; i < draws; i++) {
      // As a sample of the traffic the number of strangers varies from draw to draw.
      const total = setting.inScope + setting.oos;
      const oos =
        setting.oosShare === null
          ? Array.from({ length: total }, random).filter((u) => u < setting.share).length
          : setting.oos;
      const rows = draw(random, setting.oosShare === null ? total - oos : setting.inScope, oos);
      const { threshold } = findThreshold(rows, anyRoute, setting);
      if (threshold === null) continue;
      made++;
      if (truePrecision(threshold, setting.share) < setting.precision) broken++;
    }
    expect(broken / draws).toBeLessThanOrEqual(0.05);
    expect(made / draws).toBeGreaterThan(0.5);
  });
});
