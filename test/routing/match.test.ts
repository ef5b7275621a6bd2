import { describe, expect, it } from 'vitest';
import { buildRouteIndex } from '../../src/routing/build-index.ts';
import { type MatchOptions, match } from '../../src/routing/match.ts';
import type { Route } from '../../src/routing/route.ts';
import type { PolicyDefaults, RouteIndex } from '../../src/routing/route-index.ts';
import { route, smallTalk, summarization, threeRoutes, translation } from './cards.ts';
import { hashedEmbedder, hashedVector } from './hashed-embedder.ts';

const build = (routes: readonly Route[], defaults: PolicyDefaults = {}): Promise<RouteIndex> =>
  buildRouteIndex({ routes, embedder: hashedEmbedder(), defaults, calibration: null });

const ask = (index: RouteIndex, text: string, options?: MatchOptions) =>
  match(index, { text, vector: hashedVector(text) }, options);

describe('match', () => {
  it('puts a prompt on the route whose examples it resembles, and shows the parts', async () => {
    const index = await build(threeRoutes, { threshold: 0.3 });
    const result = ask(index, 'Translate to Spanish: the kitchen is great', { explain: true });
    expect(result).toMatchObject({ route: 'translation', reason: 'matched' });
    expect(result.candidates[0]).toMatchObject({
      route: 'translation',
      passes: true,
      threshold: 0.3,
      thresholdOn: 'score',
    });
    expect(result.candidates[0]?.parts?.lexical).toBeGreaterThan(0);
    expect(result.nearest[0]?.route).toBe('translation');
    expect(result.score).toBe(result.candidates[0]?.score);
  });

  it('finds an example itself as its own nearest example', async () => {
    const index = await build(threeRoutes);
    const [nearest] = ask(index, 'tell me a joke', { explain: true }).nearest;
    expect(nearest).toMatchObject({ route: 'small-talk', text: 'tell me a joke' });
    expect(nearest?.similarity).toBeCloseTo(1, 2);
  });

  it('says which of the reasons for falling back applies', async () => {
    expect(ask(await build([]), 'hello').reason).toBe('no-routes');
    const index = await build(threeRoutes, { threshold: 1 });
    expect(ask(index, ' \n ').reason).toBe('empty-text');
    expect(ask(index, 'Translate to French: good morning').reason).toBe('below-threshold');
    expect(ask(index, 'qzxv wvut 0x7f').reason).toBe('out-of-scope');
    const strict = await build(threeRoutes, { threshold: 0, margin: 1 });
    expect(ask(strict, 'Translate to French: good morning').reason).toBe('margin-too-small');
  });

  it('treats a threshold of zero as a threshold, not as unset', async () => {
    const index = await build([{ ...translation, threshold: 0 }, summarization], { threshold: 1 });
    expect(ask(index, 'Translate to French: good morning').route).toBe('translation');
    expect(ask(index, 'Summarise this article in three sentences').route).toBe('translation');
  });

  it('lets a second route pass when the best one fails its own threshold', async () => {
    const index = await build([
      { ...translation, threshold: 1 },
      { ...smallTalk, threshold: 0 },
      { ...summarization, threshold: 1 },
    ]);
    const result = ask(index, 'Translate to French: good morning');
    expect(result.candidates[0]?.route).toBe('translation');
    expect(result).toMatchObject({ route: 'small-talk', reason: 'matched' });
  });

  it('does not let a failing better route count as a rival in the margin', async () => {
    const index = await build([
      { ...translation, threshold: 1 },
      { ...smallTalk, threshold: 0, margin: 0 },
    ]);
    const result = ask(index, 'Translate to French: good morning');
    expect(result.route).toBe('small-talk');
    expect(result.margin).toBeGreaterThanOrEqual(0);
  });

  it('compares a cosine threshold with the dense part alone', async () => {
    const index = await build([
      { ...translation, threshold: { cosine: 0.2 } },
      { ...summarization, threshold: { cosine: 0.99 } },
    ]);
    const result = ask(index, 'Translate to French: good morning');
    expect(result.route).toBe('translation');
    expect(result.candidates[0]).toMatchObject({ threshold: 0.2, thresholdOn: 'cosine' });
    expect(ask(index, 'Summarise this article').route).not.toBe('summarization');
  });

  it('keeps the default threshold, and says how many rows are missing, for a precision without calibration', async () => {
    const index = await build([{ ...translation, threshold: { precision: 0.97 } }]);
    const result = ask(index, 'Translate to French: good morning');
    expect(result.promise).toEqual({ scope: 'none', precision: 0.97, missingRows: 99 });
    expect(result.candidates[0]?.threshold).toBe(index.manifest.defaultThreshold);
  });

  it('keeps a prompt that is an example of its own, however many examples stand before it', async () => {
    const many = Array.from({ length: 300 }, (_, i) => `Translate noun${i} verb${i} adverb${i} into Polish`);
    const prompt = many[150];
    const index = await build([
      {
        ...translation,
        examples: many,
        counterExamples: [`${prompt} please`],
        threshold: 0,
      },
      summarization,
    ]);
    expect(ask(index, prompt)).toMatchObject({ route: 'translation', reason: 'matched' });
  });

  it('gives way to a counter-example that is nearer than every example', async () => {
    const counter = 'Explain the history of translation theory in the twentieth century';
    const index = await build([
      { ...translation, counterExamples: [counter], threshold: 0 },
      { ...summarization, threshold: 1 },
    ]);
    expect(ask(index, counter)).toMatchObject({ route: null, reason: 'counter-example' });
    expect(ask(index, 'Translate to French: good morning').route).toBe('translation');
  });

  it('falls back under reject_below even when the threshold is passed', async () => {
    const index = await build([{ ...translation, threshold: 0, rejectBelow: 1 }]);
    expect(ask(index, 'Translate to French: good morning')).toMatchObject({ route: null, reason: 'out-of-scope' });
  });

  it('returns as many candidates as asked for, the accepted one always among them', async () => {
    const index = await build([
      { ...translation, threshold: 1 },
      { ...smallTalk, threshold: 0 },
      { ...summarization, threshold: 1 },
    ]);
    const result = ask(index, 'Translate to French: good morning', { limit: 1 });
    expect(result.candidates.map((candidate) => candidate.route)).toEqual(['small-talk']);
    expect(ask(index, 'hello', { limit: 3 }).candidates).toHaveLength(3);
  });

  it('works with one route and one example', async () => {
    const index = await build([route('only', ['reset my password'])]);
    const near = ask(index, 'reset my password');
    const far = ask(index, 'prove that the square root of two is irrational');
    expect(near.score).toBeGreaterThan(far.score);
    expect(far.route).toBeNull();
  });

  it('breaks a tie by name', async () => {
    const index = await build([
      { ...summarization, threshold: 0 },
      { ...smallTalk, threshold: 0 },
    ]);
    // Nothing of this text is known: every route scores alike.
    const result = ask(index, '🙂');
    expect(result.route).toBe('small-talk');
    expect(result.margin).toBe(0);
  });

  it('refuses a vector of other dimensions than the index', async () => {
    const index = await build(threeRoutes);
    const vector = hashedVector('hello').subarray(0, 8);
    expect(() => match(index, { text: 'hello', vector: vector as ReturnType<typeof hashedVector> })).toThrow(
      /8 dimensions/,
    );
  });

  it('reads a text of a million characters without harm', async () => {
    const index = await build(threeRoutes);
    expect(ask(index, `Summarise this: ${'lorem ipsum '.repeat(90_000)}`).score).toBeLessThanOrEqual(1);
  });
});
