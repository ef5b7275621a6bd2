/** What the benchmarks of the semantic cache share: the shipped embedder, scored pairs, and a cache that asks no clock. */
import type { UnitVector } from '../src/base/vector.ts';
import { dot } from '../src/base/vector.ts';
import { disagreement } from '../src/cache/agreement.ts';
import { readPrompt } from '../src/cache/agreement-reading.ts';
import { createSemanticCache } from '../src/cache/semantic-cache.ts';
import type { SemanticCache } from '../src/cache/semantic-contract.ts';
import { features } from '../src/cache/semantic-score.ts';
import { createEmbedder } from '../src/embedding/create-embedder.ts';
import { openRegistry } from '../src/lifecycle/registry.ts';

export interface BenchEmbedder {
  readonly fingerprint: string;
  readonly dimensions: number;
  embed(text: string): UnitVector;
}

export async function shippedEmbedder(): Promise<BenchEmbedder> {
  const registry = await openRegistry(new URL('../models', import.meta.url).pathname);
  const { embedInline, identity } = await createEmbedder(await registry.resolve('default'), {
    alias: 'default',
    cacheMb: 0,
  });
  if (embedInline === null) throw new Error('the default model does not run inline');
  const { fingerprint, dimensions } = identity;
  // A copy: the model writes each vector into the same place.
  return { fingerprint, dimensions, embed: (text) => embedInline(text).vector.slice() as UnitVector };
}

export function benchCache(embedder: BenchEmbedder, maxMb: number): SemanticCache {
  const { fingerprint, dimensions } = embedder;
  return createSemanticCache({
    fingerprint,
    dimensions,
    maxBytes: maxMb << 20,
    verifyShare: 0,
    now: () => 0,
    random: () => 0.5,
  });
}

export function entryOf(text: string, entryId: string, vector: UnitVector, partition = 'p') {
  return { entryId, partition, route: 'r', tenant: 't', tags: [], text, vector, storedAt: 0, expiresAt: 1 };
}

/** What the score is fitted on: null when a rule sets the pair apart already; but it is to know exchanged words by itself. */
export function scoredPair(
  { embed }: BenchEmbedder,
  pair: { readonly a: string; readonly b: string; readonly same: boolean },
) {
  const [stored, asked] = [readPrompt(pair.a), readPrompt(pair.b)];
  const rule = disagreement(asked, stored)?.rule ?? 'wording';
  if (rule !== 'wording' || asked.language !== 'en' || stored.language !== 'en') return null;
  return { features: features(asked, stored, dot(embed(pair.a), embed(pair.b))), right: pair.same };
}
