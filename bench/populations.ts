/** Populations of labelled rows whose precision at every threshold is known in closed form; some are made to break a promise. */
import type { ScoredRow } from '../src/routing/calibrate.ts';

interface Population {
  readonly name: string;
  /** Chance that an in-scope row with this score is wrong; scores are uniform in [0, 1]. */
  readonly wrongAt: (score: number) => number;
  /** Its integral from t to 1. */
  readonly wrongAbove: (threshold: number) => number;
  readonly inScope: number;
  readonly strangers: number;
  /** Out-of-scope scores are uniform in [0, top]. */
  readonly top: number;
  readonly declared: boolean;
}

export function populations(precision: number): Population[] {
  const smooth = { wrongAt: (s: number) => 0.6 * (1 - s) ** 2, wrongAbove: (t: number) => 0.2 * (1 - t) ** 3 };
  // A hair below the promise at every threshold: whatever is promised is broken.
  const level = (1 - precision) * 1.000001;
  const flat = { wrongAt: () => level, wrongAbove: (t: number) => level * (1 - t) };
  // Good above one half, bad below.
  const cliff = {
    wrongAt: (s: number) => (s < 0.5 ? 0.5 : level * 0.3),
    wrongAbove: (t: number) => (t < 0.5 ? 0.5 * (0.5 - t) + level * 0.15 : level * 0.3 * (1 - t)),
  };
  return [
    { name: 'smooth, 2,000 rows', ...smooth, inScope: 2_000, strangers: 0, top: 0, declared: false },
    { name: 'smooth, 300 rows', ...smooth, inScope: 300, strangers: 0, top: 0, declared: false },
    {
      name: 'always just below the promise, 2,000 rows',
      ...flat,
      inScope: 2_000,
      strangers: 0,
      top: 0,
      declared: false,
    },
    { name: 'always just below the promise, 400 rows', ...flat, inScope: 400, strangers: 0, top: 0, declared: false },
    { name: 'cliff at 0.5, 1,000 rows', ...cliff, inScope: 1_000, strangers: 0, top: 0, declared: false },
    {
      name: 'strangers up to 0.7, share declared 1/5.5',
      ...smooth,
      inScope: 2_000,
      strangers: 300,
      top: 0.7,
      declared: true,
    },
    {
      name: 'strangers everywhere, share declared 1/5.5',
      ...smooth,
      inScope: 2_000,
      strangers: 200,
      top: 1,
      declared: true,
    },
  ];
}

export const declaredShare = 1 / 5.5;

export function draw(population: Population, random: () => number): ScoredRow[] {
  const rows: ScoredRow[] = [];
  for (let i = 0; i < population.inScope; i++) {
    const score = random();
    rows.push({ route: 'a', score, truth: random() < population.wrongAt(score) ? 'b' : 'a' });
  }
  for (let i = 0; i < population.strangers; i++)
    rows.push({ route: 'a', score: population.top * random(), truth: null });
  return rows;
}

export function truePrecision({ wrongAbove, top, declared }: Population, threshold: number): number {
  const share = declared ? declaredShare : 0;
  const accepted = 1 - threshold;
  const strangers = top === 0 ? 0 : Math.max(0, 1 - threshold / top);
  return ((1 - share) * (accepted - wrongAbove(threshold))) / ((1 - share) * accepted + share * strangers);
}
