import { describe, expect, it } from 'vitest';
import type { NanoUsd } from '../../src/base/money.ts';
import type { Report, ReportRow } from '../../src/ledger/report-form.ts';
import { reportCsv, reportJson } from '../../src/render/report-export.ts';
import { reportTable } from '../../src/render/report-table.ts';

const usd = (nano: bigint) => nano as NanoUsd;

const row: ReportRow = {
  name: 'translation',
  requests: 1_234,
  share: 0.617,
  fallbackRate: 0.05,
  errors: 0,
  cacheHits: 0,
  inputTokens: 1_000_000,
  cachedInputTokens: 0,
  outputTokens: 50_000,
  reasoningTokens: 0,
  estimated: 0,
  cost: usd(123_456_789n),
  unpriced: 0,
  fallbackOnlyCost: usd(1_123_456_789n),
  saving: usd(1_000_000_000n),
  savingRate: 0.8901,
  addedP50Ms: 0.25,
  addedP99Ms: 12.5,
  firstByteP50Ms: null,
  embeddingCost: usd(0n),
  means: { embedMs: 0.5, matchMs: 0.125, addedMs: 0.75, firstByteMs: null, totalMs: 100 },
  reasks: 0,
  outcomes: {
    answers: 1_200,
    accepted: 90,
    rejected: 10,
    failedChecks: 20,
    unknown: 1_080,
    labelledShare: 0.0833,
    sources: { feedback: 95, thumbs: 5, check: 20 },
    cost: usd(123_456_789n),
    acceptedEstimate: { value: 1_062, low: 980, high: 1_120 },
    perAccepted: { value: usd(116_249n), low: usd(110_229n), high: usd(125_976n) },
    reweighted: { value: usd(120_000n), low: usd(112_000n), high: usd(130_000n) },
    perConfirmed: usd(1_371_742n),
    fallbackPerAccepted: { value: usd(1_057_869n), low: usd(1_003_086n), high: usd(1_146_384n) },
    fallbackAtBest: usd(936_213n),
    savingPerAccepted: usd(941_620n),
    bias: [],
  },
};

const report: Report = {
  sinceMs: Date.UTC(2026, 0, 1),
  untilMs: Date.UTC(2026, 0, 8),
  by: 'route',
  rows: [row, { ...row, name: 'fallback', fallbackRate: null, cost: null, saving: usd(-1n), savingRate: -0.5 }],
  total: { ...row, name: 'total' },
  notes: ['One note.'],
};

describe('reportTable', () => {
  it('rounds for the eye, shows what is unknown as unknown and leaves out columns without news', () => {
    expect(reportTable(report, false)).toBe(
      [
        '2026-01-01 00:00 to 2026-01-08 00:00 UTC, by route',
        '┌─────────────┬──────────┬───────┬──────────┬───────────┬────────┬─────────┬───────────────┬──────────┬────────┬──────────────┬──────┬────────────────┐',
        '│ route       │ requests │ share │ fallback │ tokens in │    out │    cost │ fallback only │   saving │      % │ added p50 ms │  p99 │ first byte p50 │',
        '├─────────────┼──────────┼───────┼──────────┼───────────┼────────┼─────────┼───────────────┼──────────┼────────┼──────────────┼──────┼────────────────┤',
        '│ translation │    1,234 │ 61.7% │     5.0% │ 1,000,000 │ 50,000 │ $0.1235 │       $1.1235 │  $1.0000 │  89.0% │        0.250 │ 12.5 │              – │',
        '│ fallback    │    1,234 │ 61.7% │        – │ 1,000,000 │ 50,000 │       – │       $1.1235 │ -$0.0000 │ -50.0% │        0.250 │ 12.5 │              – │',
        '├─────────────┼──────────┼───────┼──────────┼───────────┼────────┼─────────┼───────────────┼──────────┼────────┼──────────────┼──────┼────────────────┤',
        '│ total       │    1,234 │ 61.7% │     5.0% │ 1,000,000 │ 50,000 │ $0.1235 │       $1.1235 │  $1.0000 │  89.0% │        0.250 │ 12.5 │              – │',
        '└─────────────┴──────────┴───────┴──────────┴───────────┴────────┴─────────┴───────────────┴──────────┴────────┴──────────────┴──────┴────────────────┘',
        '┌─────────────┬─────────┬──────────┬───────────────┬────────────────┬──────────────┬───────────┬───────────┬─────────────┬────────────────┬───────────┐',
        '│ route       │ answers │ labelled │ failed checks │ accepted, est. │ per accepted │  95% from │        to │ re-weighted │ fallback alone │    saving │',
        '├─────────────┼─────────┼──────────┼───────────────┼────────────────┼──────────────┼───────────┼───────────┼─────────────┼────────────────┼───────────┤',
        '│ translation │   1,200 │     8.3% │            20 │          88.5% │    $0.000116 │ $0.000110 │ $0.000126 │   $0.000120 │      $0.001058 │ $0.000942 │',
        '│ fallback    │   1,200 │     8.3% │            20 │          88.5% │    $0.000116 │ $0.000110 │ $0.000126 │   $0.000120 │      $0.001058 │ $0.000942 │',
        '├─────────────┼─────────┼──────────┼───────────────┼────────────────┼──────────────┼───────────┼───────────┼─────────────┼────────────────┼───────────┤',
        '│ total       │   1,200 │     8.3% │            20 │          88.5% │    $0.000116 │ $0.000110 │ $0.000126 │   $0.000120 │      $0.001058 │ $0.000942 │',
        '└─────────────┴─────────┴──────────┴───────────────┴────────────────┴──────────────┴───────────┴───────────┴─────────────┴────────────────┴───────────┘',
        'Judged by: feedback 95, check 20, thumbs 5, of 1,200 answers.',
        'One note.',
        '',
      ].join('\n'),
    );
  });

  it('shows errors, cache hits and unpriced requests once there are some', () => {
    const text = reportTable({ ...report, rows: [{ ...row, errors: 3, cacheHits: 4, unpriced: 5 }] }, false);
    for (const title of ['errors', 'cached', 'unpriced']) expect(text).toContain(title);
  });
});

describe('reportJson', () => {
  it('carries exact dollars as decimal strings, and null for what is unknown', () => {
    const document = JSON.parse(reportJson(report));
    expect(document).toMatchObject({ since: '2026-01-01T00:00:00.000Z', by: 'route', notes: ['One note.'] });
    expect(document.rows[0]).toMatchObject({ name: 'translation', cost_usd: '0.123456789', saving_usd: '1.000000000' });
    expect(document.rows[1]).toMatchObject({ cost_usd: null, saving_usd: '-0.000000001', fallback_rate: null });
    expect(document.total.requests).toBe(1_234);
  });
});

describe('reportCsv', () => {
  const lines = (name: string) => reportCsv({ ...report, rows: [{ ...row, name }] }).split('\r\n');

  it('has the same figures as the JSON, a header and the total as its last line', () => {
    const [header, first, total, end] = lines('translation');
    const document = JSON.parse(reportJson(report));
    expect(header.split(',')).toEqual(['route', ...Object.keys(document.total).slice(1)]);
    expect(first.split(',')).toEqual(
      Object.values({ ...document.rows[0], feedback_sources: 'feedback 95; thumbs 5; check 20' }).map((value) =>
        value === null ? '' : String(value),
      ),
    );
    expect(total).toMatch(/^total,/);
    expect(end).toBe('');
  });

  it('quotes what needs quotes, and lets no name become a formula', () => {
    expect(lines('a,"b"')[1]).toMatch(/^"a,""b""",1234/);
    expect(lines('=HYPERLINK(1)')[1]).toMatch(/^'=HYPERLINK\(1\),1234/);
  });
});
