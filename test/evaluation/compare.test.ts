import { describe, expect, it } from 'vitest';
import { compareReports, mcNemar } from '../../src/evaluation/compare.ts';
import { comparisonText } from '../../src/render/comparison-text.ts';
import { reportOfSketches, sketches } from './reports.ts';

describe('McNemar', () => {
  it('agrees with scipy.stats.binomtest on the flips', () => {
    // binomtest(min(f, b), f + b, .5).pvalue
    expect(mcNemar(10, 2)).toBeCloseTo(0.03857421875, 12);
    expect(mcNemar(0, 0)).toBe(1);
    expect(mcNemar(7, 7)).toBe(1);
  });
});

describe('a comparison', () => {
  const before = reportOfSketches(sketches(200, (row) => row >= 30));
  const after = reportOfSketches(sketches(200, (row) => row >= 10 && row !== 100));
  const found = compareReports(before, after);

  it('says what was fixed and what was broken, with the prompts', () => {
    expect(found).toMatchObject({ paired: 200, moved: 0, accuracy_a: 0.85 });
    expect(found.fixed).toHaveLength(20);
    expect(found.broken).toEqual([{ text: 'prompt 100', truth: 'a', from: 'a', to: 'b' }]);
    expect(found.per_route).toEqual([{ route: 'a', rows: 200, fixed: 20, broken: 1 }]);
  });

  it('gives the difference an interval that holds it', () => {
    expect(found.difference).toBeCloseTo(0.095, 12);
    expect(found.difference_interval?.[0]).toBeLessThan(0.095);
    expect(found.difference_interval?.[1]).toBeGreaterThan(0.095);
    expect(comparisonText(found, { colour: false, all: false })).toMatch(/B is better than A: 85\.0% → 94\.5%/);
  });

  it('pairs by text and label, whatever the order, and leaves the rest out', () => {
    const shuffled = { ...after, decisions: [...after.decisions].reverse().slice(0, 150) };
    expect(compareReports(before, shuffled)).toMatchObject({ paired: 150, only_in_a: 50, only_in_b: 0 });
  });

  it('pairs repeated rows one to one', () => {
    const twice = reportOfSketches([...sketches(2, () => true), ...sketches(2, () => true)]);
    expect(compareReports(twice, twice).paired).toBe(4);
  });
});
