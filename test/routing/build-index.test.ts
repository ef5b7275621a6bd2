import { describe, expect, it } from 'vitest';
import { type BuildProgress, buildRouteIndex, sourceDigest } from '../../src/routing/build-index.ts';
import { match } from '../../src/routing/match.ts';
import { route, threeRoutes, translation } from './cards.ts';
import { hashedEmbedder, hashedVector } from './hashed-embedder.ts';

const options = { defaults: {}, calibration: null, clock: { now: () => 7, monotonic: () => 0 } };

describe('buildRouteIndex', () => {
  it('writes down what it was built with and from', async () => {
    const { manifest, names } = await buildRouteIndex({ ...options, routes: threeRoutes, embedder: hashedEmbedder() });
    expect(names).toEqual(['small-talk', 'summarization', 'translation']);
    expect(manifest).toMatchObject({
      fingerprint: 'sha256:hashed-1',
      dimensions: 64,
      routes: 3,
      items: 24,
      created: 7,
      sourceDigest: sourceDigest(threeRoutes),
    });
    expect(manifest.quality.leaveOneOutAccuracy).toBeGreaterThan(0.3);
    expect(manifest.quality.crossFitAccuracy).toBeGreaterThan(0.3);
  });

  it('embeds every distinct text once, on the bulk lane', async () => {
    const embedder = hashedEmbedder();
    const routes = [route('many', [...Array.from({ length: 150 }, (_, i) => `example ${i}`), 'example 1'])];
    await buildRouteIndex({ ...options, routes, embedder, background: [] });
    expect(embedder.calls.reduce((sum, call) => sum + call.texts, 0)).toBe(150);
    expect(new Set(embedder.calls.map((call) => call.lane))).toEqual(new Set(['bulk']));
  });

  it('learns from background prompts what belongs nowhere', async () => {
    const prompt = 'Prove the central limit theorem';
    const score = async (background: readonly string[]) => {
      const index = await buildRouteIndex({ ...options, routes: threeRoutes, embedder: hashedEmbedder(), background });
      return match(index, { text: prompt, vector: hashedVector(prompt) }).score;
    };
    const proofs = [
      'Prove the intermediate value theorem',
      'Prove the prime number theorem',
      'Derive the central limit',
    ];
    expect(await score(proofs)).toBeLessThan(await score([]));
  });

  it('reports progress through its phases to the end', async () => {
    const seen: BuildProgress[] = [];
    await buildRouteIndex({
      ...options,
      routes: threeRoutes,
      embedder: hashedEmbedder(),
      onProgress: (step) => seen.push(step),
    });
    expect([...new Set(seen.map((step) => step.phase))]).toEqual(['embedding', 'judging', 'fitting']);
    expect(seen.at(-1)).toEqual({ phase: 'fitting', done: 100, total: 100 });
  });

  it('stops when aborted', async () => {
    const signal = AbortSignal.abort(new Error('reloaded again'));
    await expect(
      buildRouteIndex({ ...options, routes: threeRoutes, embedder: hashedEmbedder(), signal }),
    ).rejects.toThrow('reloaded again');
  });

  it('names other sources by another digest, and the same ones in another order by the same', () => {
    const reversed = { ...translation, examples: [...translation.examples].reverse() };
    expect(sourceDigest([reversed])).toBe(sourceDigest([translation]));
    expect(sourceDigest([{ ...translation, counterExamples: ['x'] }])).not.toBe(sourceDigest([translation]));
    expect(sourceDigest([translation], ['background'])).not.toBe(sourceDigest([translation]));
    expect(sourceDigest([{ ...translation, threshold: 0.3 }])).toBe(sourceDigest([translation]));
  });
});
