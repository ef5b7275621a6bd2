import { describe, expect, it } from 'vitest';
import { evaluationText, verdict } from '../../src/render/evaluation-text.ts';
import { evaluationPage } from '../../src/render/html-evaluation.ts';
import { reportOfSketches, sketches } from '../evaluation/reports.ts';

const hostile = '<script>alert("x")</script>&\u0007';
const report = reportOfSketches([
  ...sketches(30, (row) => row > 3),
  { truth: null, best: hostile, score: 0.7, accepted: hostile, text: hostile, extra: { tenant: hostile } },
  { truth: null, best: 'a', score: 0.1, accepted: null, extra: { tenant: 'b' } },
]);

describe('the page', () => {
  const page = evaluationPage(report, [{ key: hostile, passed: false, words: hostile }]);

  it('escapes everything that comes from data', () => {
    expect(page).not.toContain('<script');
    expect(page).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;');
  });

  it('asks for nothing from anywhere', () => {
    expect(page).not.toMatch(/\b(?:src|href)=|url\(|@import|https?:\/\//);
  });

  it('gives every plot a description for those who do not see it', () => {
    const plots = page.match(/<svg /g) ?? [];
    expect(plots.length).toBeGreaterThan(3);
    expect(page.match(/<svg [^>]*role="img" aria-label="[^"]{10,}"/g)).toHaveLength(plots.length);
  });

  it('draws no figure that is not a number', () => {
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('is drawn for one row, and for rows without any of a kind', () => {
    const one = evaluationPage(reportOfSketches(sketches(1, () => false)), null);
    expect(one).not.toMatch(/NaN|Infinity|undefined/);
    expect(evaluationPage(reportOfSketches([]), null)).not.toMatch(/NaN|undefined/);
  });
});

describe('the terminal', () => {
  it('begins with a verdict and never lets the data drive it', () => {
    const text = evaluationText(report, { colour: false, all: false });
    expect(text.startsWith(verdict(report))).toBe(true);
    expect(verdict(report)).toMatch(/of 32 rows are decided right/);
    expect(verdict(reportOfSketches([]))).toMatch(/No row was scored/);
  });
});
