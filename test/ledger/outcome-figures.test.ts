import { describe, expect, it } from 'vitest';
import type { OutcomeSums } from '../../src/ledger/outcome.ts';
import { outcomeFigures } from '../../src/ledger/outcome-figures.ts';
import { usd } from './sample-records.ts';

function sums(changes: Partial<OutcomeSums>): OutcomeSums {
  const requests = changes.requests ?? 100;
  return {
    group: 'faq',
    stratum: ['faq', 'app-a', '0.9', '64'],
    outcome: 'unknown',
    source: null,
    check: null,
    requests,
    unpriced: 0,
    answers: requests,
    cost: usd(BigInt(requests) * 10n),
    comparable: requests,
    fallbackCost: usd(BigInt(requests) * 50n),
    ...changes,
  };
}

function figures(rows: readonly OutcomeSums[], embeddingCost = usd(0n)) {
  return outcomeFigures([{ sums: rows, embeddingCost }])[0];
}

const judged = [
  sums({ outcome: 'unknown', requests: 900 }),
  sums({ outcome: 'accepted', source: 'thumbs', requests: 60 }),
  sums({ outcome: 'rejected', source: 'qa', requests: 40 }),
];

describe('outcomeFigures', () => {
  it('divides the whole cost, embedding too, by the accepted answers', () => {
    const found = figures(judged, usd(2_000n));
    expect(found).toMatchObject({ answers: 1_000, accepted: 60, rejected: 40, unknown: 900, cost: 12_000n });
    expect(found.acceptedEstimate?.value).toBeCloseTo(600, 9);
    expect(found.perAccepted?.value).toBe(20n);
    expect(found.perConfirmed).toBe(200n);
  });

  it('says who judged, checks apart from feedback, which may overrule them', () => {
    const found = figures([
      ...judged,
      sums({ check: 'refused', requests: 30 }),
      sums({ check: 'cut', outcome: 'accepted', source: 'qa', requests: 5 }),
      sums({ check: 'passed', requests: 65 }),
    ]);
    expect(found.sources).toEqual({ thumbs: 60, qa: 45, check: 30 });
    expect(found).toMatchObject({ answers: 1_100, accepted: 65, failedChecks: 30, unknown: 965 });
    expect(found.acceptedEstimate?.value).toBeCloseTo(5 + 1_065 * 0.6, 9);
  });

  it('holds the fallback against the same accepted outcomes, and shows a loss as one', () => {
    expect(figures(judged)).toMatchObject({ savingPerAccepted: 66n, fallbackAtBest: 50n });
    const dear = judged.map((row) => ({ ...row, fallbackCost: usd(1n) }));
    expect(figures(dear).savingPerAccepted).toBeLessThan(0n);
  });

  it('holds nothing against it when a request has no price for the fallback', () => {
    const found = figures([...judged, sums({ comparable: 99 })]);
    expect(found).toMatchObject({ fallbackPerAccepted: null, savingPerAccepted: null });
    expect(found.perAccepted).not.toBeNull();
  });

  it('counts no answer that has no price, and none that is no answer, but all that was paid', () => {
    const found = figures([
      ...judged,
      sums({ requests: 7, unpriced: 7, answers: 0, cost: usd(0n), comparable: 0 }),
      sums({ requests: 5, answers: 0 }),
    ]);
    expect(found).toMatchObject({ answers: 1_000, cost: 10_050n });
  });

  it('charges both, where a rejected cheap answer was asked again of the strong model: one is accepted', () => {
    const cheap = sums({ outcome: 'rejected', source: 'feedback', requests: 20, cost: usd(200n) });
    const strong = sums({ outcome: 'accepted', source: 'feedback', requests: 20, cost: usd(1_000n) });
    expect(figures([cheap, strong]).perAccepted).toEqual({ value: 60n, low: 60n, high: 60n });
  });

  it('knows nothing without feedback', () => {
    expect(figures([sums({})])).toMatchObject({
      acceptedEstimate: null,
      perAccepted: null,
      perConfirmed: null,
      sources: {},
      bias: [],
    });
    expect(figures([])).toMatchObject({ answers: 0, labelledShare: null, perAccepted: null });
  });

  it('names the stratum along which feedback leans, the one that stands out, and how far', () => {
    const stratum = (key: string) => ['faq', key, '0.9', '64'];
    const [found] = outcomeFigures([
      {
        sums: [
          sums({ stratum: stratum('app-a'), requests: 4_800 }),
          sums({ stratum: stratum('app-a'), outcome: 'accepted', requests: 200 }),
          sums({ stratum: stratum('app-b'), requests: 4_960 }),
          sums({ stratum: stratum('app-b'), outcome: 'rejected', requests: 40 }),
        ],
        embeddingCost: usd(0n),
      },
    ]);
    expect(found.bias.map(({ stratum: by }) => by)).toEqual(['key']);
    expect(found.bias[0].most.labelled).toBeGreaterThan(0);
    expect(found.bias[0].chance).toBeLessThan(1e-6);
    expect(Number(found.reweighted?.value)).toBeGreaterThan(Number(found.perAccepted?.value) * 1.3);
  });
});
