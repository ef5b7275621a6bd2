import { describe, expect, it } from 'vitest';
import { biasedWorlds, draw, everything, fairWorlds } from '../../bench/outcome-worlds.ts';
import { zeroUsd } from '../../src/base/money.ts';
import { type AnswerCounts, estimateAccepted, perAccepted } from '../../src/ledger/accepted-cost.ts';
import { outcomeFigures } from '../../src/ledger/outcome-figures.ts';
import { seeded } from '../../src/routing/seeded.ts';
import { usd } from './sample-records.ts';

function counts(answers: number, labelled: number, accepted: number, failed = 0): AnswerCounts {
  return { failed, failedAccepted: 0, cells: [{ stratum: ['a'], answers, labelled, accepted }], dimensions: 1 };
}

describe('estimateAccepted', () => {
  it('never takes an unknown answer for accepted: what labels say of the labelled is said of the others', () => {
    expect(estimateAccepted(counts(1_000, 100, 80))?.raw.value).toBeCloseTo(800, 9);
    expect(estimateAccepted(counts(1_000, 100, 0))?.raw).toMatchObject({ value: 0, low: 0 });
  });

  it('says nothing from fewer than ten labels, unless they are all there is', () => {
    expect(estimateAccepted(counts(1_000, 9, 9))).toBeNull();
    expect(estimateAccepted(counts(1_000, 10, 9))).not.toBeNull();
    expect(estimateAccepted(counts(3, 3, 2))?.raw).toEqual({ value: 2, low: 2, high: 2 });
    expect(estimateAccepted(counts(0, 0, 0))).toBeNull();
    expect(estimateAccepted(counts(0, 0, 0, 4))?.raw).toEqual({ value: 0, low: 0, high: 0 });
  });

  it('counts answers that failed a check as rejected, but for those that feedback accepted', () => {
    const failing = { ...counts(1_000, 100, 80, 500), failedAccepted: 3 };
    expect(estimateAccepted(failing)?.raw.value).toBeCloseTo(803, 9);
  });

  it('lets the labels of each stratum stand for its answers', () => {
    const cells = [
      { stratum: ['quiet'], answers: 900, labelled: 50, accepted: 25 },
      { stratum: ['loud'], answers: 100, labelled: 50, accepted: 50 },
    ];
    const found = estimateAccepted({ failed: 0, failedAccepted: 0, cells, dimensions: 1 });
    expect(found?.raw.value).toBeCloseTo(750, 9);
    expect(found?.reweighted.value).toBeCloseTo(550, 6);
  });

  it('rakes over several dimensions at once, to the margins of each', () => {
    const cell = (a: string, b: string, answers: number, labelled: number, accepted: number) => ({
      stratum: [a, b],
      answers,
      labelled,
      accepted,
    });
    // Acceptance is .9 or .5 by the first dimension alone; the labels lean along both.
    const cells = [
      cell('x', 'p', 1_000, 200, 180),
      cell('x', 'q', 1_000, 100, 90),
      cell('y', 'p', 1_000, 100, 50),
      cell('y', 'q', 1_000, 50, 25),
    ];
    const found = estimateAccepted({ failed: 0, failedAccepted: 0, cells, dimensions: 2 });
    expect(found?.reweighted.value).toBeCloseTo(2_800, 4);
    expect(found?.raw.value).toBeGreaterThan(3_000);
  });
});

describe('perAccepted', () => {
  it('has no upper end where no accepted answer is certain, and no value where none was seen', () => {
    expect(perAccepted(usd(1_000n), { value: 0, low: 0, high: 50 })).toEqual({ value: null, low: 20n, high: null });
    expect(perAccepted(usd(1_000n), { value: 4, low: 2, high: 5 })).toEqual({ value: 250n, low: 200n, high: 500n });
    expect(perAccepted(usd(1_000n), { value: 0, low: 0, high: 0 })).toBeNull();
  });
});

function groupsOf(world: (typeof fairWorlds)[number], random: () => number) {
  const { sums, truth } = draw(world, random);
  const groups = [...sums.values(), [...sums.values()].flat()].map((rows) => ({ sums: rows, embeddingCost: zeroUsd }));
  return { figures: outcomeFigures(groups), truth };
}

/** How often the interval of all answers covers what an accepted one really cost, and how often bias is cried. */
function coverageOf(world: (typeof fairWorlds)[number], random: () => number) {
  const tally = { given: 0, covered: 0, alarms: 0 };
  for (let i = 0; i < draws; i++) {
    const { figures, truth } = groupsOf(world, random);
    const real = truth.get(everything) ?? Number.NaN;
    const found = figures[figures.length - 1].perAccepted;
    if (figures.some(({ bias }) => bias.length > 0)) tally.alarms++;
    if (found === null) continue;
    tally.given++;
    // One nano-dollar is what rounding may take.
    if (real >= Number(found.low) - 1 && (found.high === null || real <= Number(found.high) + 1)) tally.covered++;
  }
  return tally;
}

const draws = 100;

// The short form of `npm run bench:outcomes`, which draws every world a thousand times.
describe('the 95% interval, at 5% feedback', () => {
  it('covers what an accepted answer really cost in 93.5% of a thousand runs, and cries bias in few', () => {
    const random = seeded(23);
    const tallies = fairWorlds.map((world) => coverageOf(world, random));
    const sum = (of: keyof (typeof tallies)[number]) => tallies.reduce((total, tally) => total + tally[of], 0);
    expect(draws * fairWorlds.length).toBeGreaterThanOrEqual(1_000);
    expect(sum('given')).toBeGreaterThan(0.97 * draws * fairWorlds.length);
    expect(sum('covered') / sum('given')).toBeGreaterThanOrEqual(0.935);
    expect(Math.min(...tallies.map(({ covered, given }) => covered / given))).toBeGreaterThan(0.88);
    expect(sum('alarms')).toBeLessThanOrEqual(0.02 * draws * fairWorlds.length);
  }, 120_000);

  it.each(biasedWorlds.filter(({ stratum }) => stratum !== null))(
    'is flagged when feedback leans $name, and set right',
    (world) => {
      const random = seeded(29);
      for (let i = 0; i < 5; i++) {
        const { figures, truth } = groupsOf(world, random);
        const total = figures[figures.length - 1];
        expect(figures.flatMap(({ bias }) => bias.map(({ stratum }) => stratum))).toContain(world.stratum);
        const real = truth.get(everything) ?? Number.NaN;
        expect(Math.abs(Number(total.reweighted?.value) / real - 1)).toBeLessThan(0.08);
      }
    },
  );
});
