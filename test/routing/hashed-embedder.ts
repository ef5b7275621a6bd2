/**
 * A deterministic embedder for tests: words and their trigrams hashed to 64 signed sums. Not a model that anyone should
 * serve; close texts come out close, which is all that the matcher's tests need. Records what it was asked for.
 */
import { normalise, type UnitVector } from '../../src/base/vector.ts';
import type { Embedder, Embedding, EmbedOptions } from '../../src/embedding/contract.ts';

const dimensions = 64;

export interface HashedEmbedder extends Embedder {
  readonly calls: { readonly texts: number; readonly lane: string }[];
}

export function hashedEmbedder(fingerprint = 'sha256:hashed-1'): HashedEmbedder {
  const calls: { texts: number; lane: string }[] = [];
  const one = (text: string): Embedding => ({ vector: hashedVector(text), tokens: text.length, truncated: false });
  return {
    identity: { alias: 'default', name: 'hashed', version: '1', fingerprint, dimensions, maxTokens: 512 },
    calls,
    embedInline: one,
    async embed(texts: readonly string[], options: EmbedOptions = {}) {
      options.signal?.throwIfAborted();
      calls.push({ texts: texts.length, lane: options.lane ?? 'interactive' });
      return texts.map(one);
    },
    async close() {},
  };
}

export function hashedVector(text: string): UnitVector {
  const sums = new Float32Array(dimensions);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    add(sums, word, 1);
    for (let i = 0; i + 3 <= word.length; i++) add(sums, `#${word.slice(i, i + 3)}`, 0.3);
  }
  return normalise(sums);
}

function add(sums: Float32Array, feature: string, weight: number): void {
  for (let round = 0; round < 4; round++) {
    let hash = 0x811c9dc5 + round;
    for (let i = 0; i < feature.length; i++) hash = Math.imul(hash ^ feature.charCodeAt(i), 0x01000193);
    hash ^= hash >>> 15;
    sums[(hash >>> 1) % dimensions] += hash & 1 ? weight : -weight;
  }
}
