import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildRouteIndex } from '../../src/routing/build-index.ts';
import { match } from '../../src/routing/match.ts';
import type { Route } from '../../src/routing/route.ts';
import { route, threeRoutes } from './cards.ts';
import { hashedEmbedder, hashedVector } from './hashed-embedder.ts';

const build = (routes: readonly Route[]) =>
  buildRouteIndex({ routes, embedder: hashedEmbedder(), defaults: {}, calibration: null, clock: stopped });
const stopped = { now: () => 0, monotonic: () => 0 };

const word = fc.constantFrom(
  'translate',
  'summary',
  'please',
  'the',
  'French',
  'joke',
  'refund',
  'order',
  'x1',
  'é',
  '日本',
  '🙂',
);
const text = fc.array(word, { minLength: 1, maxLength: 8 }).map((words) => words.join(' '));
const threshold = fc.option(
  fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.record({ cosine: fc.double({ min: -1, max: 1, noNaN: true }) }),
  ),
  { nil: null },
);
const routes = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    examples: fc.array(text, { minLength: 1, maxLength: 5 }),
    counterExamples: fc.array(text, { maxLength: 2 }),
    threshold,
  }),
  { selector: ({ name }) => name, minLength: 1, maxLength: 5 },
);
const cards = routes.map((list) => list.map(({ name, examples, ...rest }) => route(name, examples, rest)));

describe('match, for any routes and any prompt', () => {
  it('gives scores in [0, 1] that fall from candidate to candidate and sum to at most 1', async () => {
    await fc.assert(
      fc.asyncProperty(cards, fc.oneof(text, fc.string()), async (list, prompt) => {
        const { candidates, score, margin, inScope } = match(
          await build(list),
          { text: prompt, vector: hashedVector(prompt) },
          { limit: 5 },
        );
        const scores = candidates.map((candidate) => candidate.score);
        expect(scores.every((value) => value >= 0 && value <= 1)).toBe(true);
        expect([...scores].sort((a, b) => b - a)).toEqual(scores);
        expect(scores.reduce((sum, value) => sum + value, 0)).toBeLessThan(1 + 1e-9);
        for (const value of [score, margin, inScope]) expect(value >= 0 && value <= 1).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('accepts exactly the best-scoring route among those that pass', async () => {
    await fc.assert(
      fc.asyncProperty(cards, text, async (list, prompt) => {
        const result = match(await build(list), { text: prompt, vector: hashedVector(prompt) }, { limit: 5 });
        const passing = result.candidates.filter((candidate) => candidate.passes).map((candidate) => candidate.route);
        if (result.reason === 'matched') expect(passing).toContain(result.route);
        if (result.reason === 'below-threshold' || result.reason === 'out-of-scope') expect(passing).toEqual([]);
        if (result.reason === 'matched' && list.every((card) => card.counterExamples.length === 0))
          expect(result.route).toBe(passing[0]);
      }),
      { numRuns: 60 },
    );
  });

  it('does not depend on the order of routes, of examples, or on repeated examples', async () => {
    await fc.assert(
      fc.asyncProperty(cards, text, async (list, prompt) => {
        const shuffled = [...list]
          .reverse()
          .map((card) => ({ ...card, examples: [...card.examples, ...card.examples].reverse() }));
        const one = match(await build(list), { text: prompt, vector: hashedVector(prompt) }, { explain: true });
        const other = match(await build(shuffled), { text: prompt, vector: hashedVector(prompt) }, { explain: true });
        expect(other).toEqual(one);
      }),
      { numRuns: 40 },
    );
  });

  it('gives the same answer whatever was asked before', async () => {
    const index = await build(threeRoutes);
    fc.assert(
      fc.property(text, text, (before, prompt) => {
        const first = match(index, { text: prompt, vector: hashedVector(prompt) });
        match(index, { text: before, vector: hashedVector(before) });
        expect(match(index, { text: prompt, vector: hashedVector(prompt) })).toEqual(first);
      }),
    );
  });
});
