/**
 * Worlds in which it is known which answers are good: routes of known quality, prompts that are long or short, easy or
 * hard, of several keys, and feedback on a part of the answers, fair or not. One draw gives what the ledger would add
 * up, and beside it the truth: what an accepted answer really cost.
 */
import { type NanoUsd, zeroUsd } from '../src/base/money.ts';
import type { OutcomeSums } from '../src/ledger/outcome.ts';
import type { Random } from '../src/routing/seeded.ts';

export interface Answer {
  readonly route: string;
  readonly key: string;
  readonly score: number;
  readonly tokens: number;
  readonly accepted: boolean;
}

export interface World {
  readonly name: string;
  readonly routes: readonly { readonly name: string; readonly answers: number; readonly quality: number }[];
  /** Chance that somebody says what became of this answer. */
  readonly feedback: (answer: Answer) => number;
  /** Share of answers that fail a check. */
  readonly failing?: number;
}

export interface Drawn {
  /** By route, as the ledger adds up. */
  readonly sums: ReadonlyMap<string, readonly OutcomeSums[]>;
  /** Cost ÷ accepted answers of this very draw, in nano-dollars; infinite when none was accepted. */
  readonly truth: ReadonlyMap<string, number>;
}

/** All routes together. */
export const everything = 'total';

const keys = ['app-a', 'app-a', 'app-a', 'app-b', 'app-b', 'app-c'] as const;
const nanoPerToken = 400;

export function draw(world: World, random: Random): Drawn {
  const sums = new Map<string, Map<string, Adding>>();
  const tallies = new Map(
    [everything, ...world.routes.map(({ name }) => name)].map((name) => [name, { cost: 0, accepted: 0 }]),
  );
  for (const route of world.routes) {
    const cells = new Map<string, Adding>();
    sums.set(route.name, cells);
    for (let i = 0; i < route.answers; i++) {
      const failed = random() < (world.failing ?? 0);
      const answer = drawAnswer(route, { random, failed });
      const labelled = random() < world.feedback(answer);
      const cost = answer.tokens * nanoPerToken;
      for (const name of [route.name, everything]) {
        const tally = tallies.get(name);
        if (tally === undefined) continue;
        tally.cost += cost;
        if (answer.accepted) tally.accepted++;
      }
      add(cells, { answer, failed, outcome: labelled ? (answer.accepted ? 'accepted' : 'rejected') : 'unknown' });
    }
  }
  return {
    sums: new Map([...sums].map(([name, cells]) => [name, [...cells.values()].map(sumsOf)])),
    truth: new Map([...tallies].map(([name, { cost, accepted }]) => [name, cost / accepted])),
  };
}

/** Hard prompts score low, long ones cost more, and both are answered worse: cost and outcome hang together. */
function drawAnswer(
  { name, quality }: World['routes'][number],
  { random, failed }: { random: Random; failed: boolean },
): Answer {
  const score = 0.5 + 0.5 * random();
  const key = keys[Math.floor(random() * keys.length)];
  const tokens = Math.ceil(20 * 2 ** (6 * random()));
  const odds = (quality / (1 - quality)) * Math.exp(2 * (score - 0.75) - 0.3 * (Math.log2(tokens / 20) - 3));
  const shift = key === 'app-c' ? 0.5 : 1;
  const chance = (odds * shift) / (1 + odds * shift);
  return { route: name, key, score, tokens, accepted: !failed && random() < chance };
}

interface Adding {
  readonly row: Pick<OutcomeSums, 'stratum' | 'outcome' | 'check'>;
  requests: number;
  cost: number;
}

function add(
  cells: Map<string, Adding>,
  { answer, failed, outcome }: { answer: Answer; failed: boolean; outcome: OutcomeSums['outcome'] },
): void {
  const score = (Math.floor(answer.score * 10) / 10).toFixed(1);
  const length = String(4 ** Math.floor(Math.log2(answer.tokens) / 2));
  const name = `${answer.key} ${score} ${length} ${outcome} ${failed}`;
  let cell = cells.get(name);
  if (cell === undefined) {
    const stratum = [answer.route, answer.key, score, length];
    cell = { row: { stratum, outcome, check: failed ? 'empty' : 'passed' }, requests: 0, cost: 0 };
    cells.set(name, cell);
  }
  cell.requests++;
  cell.cost += answer.tokens * nanoPerToken;
}

function sumsOf({ row, requests, cost }: Adding): OutcomeSums {
  const amount = BigInt(cost) as NanoUsd;
  return {
    ...row,
    group: row.stratum[0],
    source: row.outcome === 'unknown' ? null : 'feedback',
    requests,
    unpriced: 0,
    answers: requests,
    cost: amount,
    comparable: requests,
    fallbackCost: zeroUsd,
  };
}

const even = () => 0.05;

/** Feedback is 5% of the answers, drawn at random. */
export const fairWorlds: readonly World[] = [
  ...[0.99, 0.9, 0.7, 0.3, 0.05].map((quality) => ({
    name: `one route, 2,000 answers, quality ${quality}`,
    routes: [{ name: 'faq', answers: 2_000, quality }],
    feedback: even,
  })),
  ...[0.99, 0.9, 0.5].map((quality) => ({
    name: `a small route, 400 answers, quality ${quality}`,
    routes: [{ name: 'faq', answers: 400, quality }],
    feedback: even,
  })),
  {
    name: 'three routes, 3,600 answers, quality .95, .8, .5',
    routes: [
      { name: 'faq', answers: 2_000, quality: 0.95 },
      { name: 'summary', answers: 1_200, quality: 0.8 },
      { name: 'code', answers: 400, quality: 0.5 },
    ],
    feedback: even,
  },
  {
    name: 'one route, a tenth fails a check',
    routes: [{ name: 'faq', answers: 2_000, quality: 0.9 }],
    feedback: even,
    failing: 0.1,
  },
];

const twoRoutes = [
  { name: 'faq', answers: 4_000, quality: 0.95 },
  { name: 'code', answers: 4_000, quality: 0.6 },
];

/** One side gives three times as much feedback as the other; 5% or so altogether. */
export const biasedWorlds: readonly (World & { readonly stratum: string | null })[] = [
  { name: 'by route', stratum: 'route', feedback: ({ route }: Answer) => (route === 'faq' ? 0.075 : 0.025) },
  { name: 'by key', stratum: 'key', feedback: ({ key }: Answer) => (key === 'app-a' ? 0.075 : 0.025) },
  { name: 'by score', stratum: 'score', feedback: ({ score }: Answer) => (score > 0.75 ? 0.075 : 0.025) },
  { name: 'by length', stratum: 'length', feedback: ({ tokens }: Answer) => (tokens < 160 ? 0.075 : 0.025) },
  { name: 'by the outcome itself', stratum: null, feedback: ({ accepted }: Answer) => (accepted ? 0.025 : 0.075) },
].map((world) => ({ ...world, routes: twoRoutes }));
