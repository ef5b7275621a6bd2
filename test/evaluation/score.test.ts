import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { baselinesOf } from '../../src/evaluation/baselines.ts';
import { confusionsOf } from '../../src/evaluation/confusions.ts';
import { curvesOf } from '../../src/evaluation/curves.ts';
import { intervalsOf } from '../../src/evaluation/intervals.ts';
import { figuresOf, perRoute } from '../../src/evaluation/score.ts';
import { slicesOf } from '../../src/evaluation/slices.ts';
import { evaluatedRow, type Sketch } from './rows.ts';

const expectedFile = new URL('./expected/figures.json', import.meta.url);
const expected = JSON.parse(readFileSync(expectedFile, 'utf8')) as {
  figures: Record<string, number>;
  per_route: Record<string, { precision: number; recall: number; f1: number; rows: number }>;
  targets: Record<string, string>;
};
const decisions = readFileSync(new URL('./expected/decisions.jsonl', import.meta.url), 'utf8');
const rows = decisions
  .trim()
  .split('\n')
  .map((line, at) => evaluatedRow(JSON.parse(line) as Sketch, at + 1));
const targetOf = (route: string | null) => expected.targets[route ?? ''];

describe('the figures agree with scikit-learn', () => {
  const found = { ...figuresOf(rows, targetOf), ...curvesOf(rows) };
  it.each(Object.entries(expected.figures))('%s', (name, value) => {
    expect(found[name as keyof typeof found]).toBeCloseTo(value, 12);
  });

  it.each(Object.entries(expected.per_route))('precision, recall and F1 of %s', (route, figures) => {
    const own = perRoute(rows).get(route);
    expect(own?.rows ?? 0).toBe(figures.rows);
    // scikit-learn writes 0 where there is nothing to divide by; we write null.
    expect(own?.precision ?? 0).toBeCloseTo(figures.precision, 12);
    expect(own?.recall ?? 0).toBeCloseTo(figures.recall, 12);
    expect(own?.f1 ?? 0).toBeCloseTo(figures.f1, 12);
  });

  it('does not depend on the order of the rows', () => {
    expect(curvesOf([...rows].reverse())).toEqual(curvesOf(rows));
  });
});

describe('figures without a denominator', () => {
  it('are null: no out-of-scope rows, nothing accepted, no rows at all', () => {
    const inside = [evaluatedRow({ truth: 'a', best: 'a', score: 0.4, accepted: null })];
    expect(figuresOf(inside, targetOf)).toMatchObject({ oos_recall: null, precision_accepted: null, coverage: 0 });
    expect(figuresOf([], targetOf).accuracy).toBeNull();
    expect(curvesOf([])).toMatchObject({ aurc: null, roc_auc: null, pr_auc: null, ece: null });
    expect(intervalsOf([]).accuracy).toBeNull();
  });
});

describe('an accepted out-of-scope row', () => {
  it('is wrong, whatever route it went to', () => {
    const row = evaluatedRow({ truth: null, best: 'a', score: 0.9, accepted: 'a' });
    const figures = figuresOf([row], (route) => (route === null ? 'large' : 'small'));
    expect(figures).toMatchObject({ accuracy: 0, precision_accepted: 0, precision_target: 0, oos_recall: 0 });
  });
});

describe('intervals', () => {
  it('hold the figure itself, and are the same each time', () => {
    const intervals = intervalsOf(rows);
    const { accuracy } = figuresOf(rows, targetOf);
    expect(intervals.accuracy?.[0]).toBeLessThan(accuracy ?? 0);
    expect(intervals.accuracy?.[1]).toBeGreaterThan(accuracy ?? 1);
    expect(intervalsOf(rows)).toEqual(intervals);
  });
});

describe('confusions', () => {
  it('come largest first, with the most confident prompts first', () => {
    const confusions = confusionsOf(rows);
    expect(confusions.map((group) => group.rows)).toEqual(confusions.map((group) => group.rows).sort((a, b) => b - a));
    const scores = confusions[0].prompts.map((prompt) => prompt.score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(confusions.reduce((sum, group) => sum + group.rows, 0)).toBe(
      rows.filter((row) => row.accepted !== row.truth).length,
    );
  });
});

describe('slices', () => {
  const sliced = rows.map((row, at) => ({ ...row, extra: { lang: at % 3 === 0 ? 'de' : 'en', number: String(at) } }));
  it('are the fields with a few values, the worst first', () => {
    const slices = slicesOf(sliced, null, targetOf);
    expect(slices.map((slice) => slice.field)).toEqual(['lang', 'lang']);
    expect(slices[0].accuracy ?? 0).toBeLessThanOrEqual(slices[1].accuracy ?? 0);
  });
  it('are any field that was asked for', () => {
    expect(slicesOf(sliced, ['number'], targetOf).length).toBe(20);
  });
});

describe('baselines', () => {
  const terms = {
    models: {},
    targetOf,
    assumedOutputTokens: 100,
    at: 0,
    routes: ['billing', 'refund'],
    cheapTarget: 'small',
  };
  it('frame the router: the oracle is always right, the fallback right on what belongs nowhere', () => {
    const baselines = baselinesOf(rows, terms);
    const strangers = rows.filter((row) => row.truth === null).length;
    expect(baselines.oracle.accuracy).toBe(1);
    expect(baselines.always_fallback).toMatchObject({ accuracy: strangers / rows.length, coverage: 0 });
    expect(baselines.random.accuracy_in_scope).toBe(0.5);
  });
});
