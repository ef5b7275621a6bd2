import { describe, expect, it } from 'vitest';
import { normalise } from '../../src/base/vector.ts';
import { cachedEmbedder } from '../../src/embedding/cached-embedder.ts';
import type { Embedder, Embedding, EmbeddingRole } from '../../src/embedding/contract.ts';
import { createEmbedder } from '../../src/embedding/create-embedder.ts';
import { readModelDirectory } from '../../src/embedding/model-directory.ts';
import { testEmbedder } from './embedder-contract.ts';
import { dimensions, ownFiles, writeFolder } from './tiny-models.ts';

testEmbedder('a static model behind the cache', async () => {
  const { spec } = await readModelDirectory(writeFolder(ownFiles()));
  return createEmbedder(
    { name: 'tiny', version: '1', fingerprint: 'sha256:0', dimensions, spec },
    { alias: 'default', cacheMb: 1 },
  );
});

/** An embedder that records its calls: one dimension for each letter of the text's length and role. */
function recording(inline: boolean) {
  const calls: string[][] = [];
  const one = (text: string, role: EmbeddingRole = 'query'): Embedding => ({
    vector: normalise(Float32Array.of(text.length, role === 'query' ? 1 : 2)),
    tokens: text.length,
    truncated: false,
  });
  const embedder: Embedder = {
    identity: { alias: 'a', name: 'n', version: '1', fingerprint: 'sha256:0', dimensions: 2, maxTokens: 10 },
    embedInline: inline
      ? (text, role) => {
          calls.push([text]);
          return one(text, role);
        }
      : null,
    embed: async (texts, options = {}) => {
      calls.push([...texts]);
      return texts.map((text) => one(text, options.role));
    },
    close: async () => {
      calls.push(['closed']);
    },
  };
  return { embedder, calls };
}

describe('the embedding cache', () => {
  it('embeds a text once, and of a batch the unknown texts only', async () => {
    const { embedder, calls } = recording(false);
    const cached = cachedEmbedder(embedder, 100_000);
    await cached.embed(['a', 'bb']);
    const again = await cached.embed(['bb', 'ccc', 'a', 'ccc']);
    expect(calls).toEqual([['a', 'bb'], ['ccc']]);
    expect(again.map((embedding) => embedding.tokens)).toEqual([2, 3, 1, 3]);
  });

  it('tells queries from documents', async () => {
    const { embedder, calls } = recording(false);
    const cached = cachedEmbedder(embedder, 100_000);
    const [query] = await cached.embed(['a'], { role: 'query' });
    const [document] = await cached.embed(['a'], { role: 'document' });
    expect(calls).toHaveLength(2);
    expect([...query.vector]).not.toEqual([...document.vector]);
  });

  it('serves inline and waiting callers from one memory', async () => {
    const { embedder, calls } = recording(true);
    const cached = cachedEmbedder(embedder, 100_000);
    cached.embedInline?.('a');
    cached.embedInline?.('a');
    await cached.embed(['a']);
    cached.embedInline?.('a');
    expect(calls).toEqual([['a'], ['a']]);
  });

  it('keeps an inline text only when it comes again: most never do, and keeping costs what embedding costs', () => {
    const { embedder, calls } = recording(true);
    const cached = cachedEmbedder(embedder, 100_000);
    for (let i = 0; i < 1_000; i++) cached.embedInline?.(`once ${i}`);
    for (let i = 0; i < 5; i++) cached.embedInline?.('again and again');
    expect(calls).toHaveLength(1_002);
  });

  it('stays within its bytes, forgetting the oldest', async () => {
    const { embedder, calls } = recording(false);
    const cached = cachedEmbedder(embedder, 2_000);
    for (let i = 0; i < 100; i++) await cached.embed([`text ${i}`]);
    await cached.embed(['text 99']);
    await cached.embed(['text 0']);
    expect(calls).toHaveLength(101);
  });

  it('does not keep very long texts', async () => {
    const { embedder, calls } = recording(false);
    const cached = cachedEmbedder(embedder, 1_000_000);
    await cached.embed(['x'.repeat(10_000)]);
    await cached.embed(['x'.repeat(10_000)]);
    expect(calls).toHaveLength(2);
  });

  it('takes any text for a key, half a surrogate pair too', async () => {
    const { embedder, calls } = recording(false);
    const cached = cachedEmbedder(embedder, 100_000);
    for (const text of ['\ud83d', 'é', 'e\u0301', '__proto__', '']) await cached.embed([text]);
    await cached.embed(['\ud83d', 'é', 'e\u0301', '__proto__', '']);
    expect(calls).toHaveLength(5);
  });

  it('closes what it wraps', async () => {
    const { embedder, calls } = recording(true);
    await cachedEmbedder(embedder, 1_000).close();
    expect(calls).toEqual([['closed']]);
  });
});
