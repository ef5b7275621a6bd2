/**
 * Remembers the embeddings of recent texts, within a bound of bytes. Applications send the same prompts again and again,
 * and an index rebuild asks for the same examples. A batch with some texts known runs the others only.
 *
 * Vectors are shared with the callers, who must not write to them.
 */
import { LRUCache } from 'lru-cache';
import type { Embedder, Embedding, EmbeddingRole, EmbedOptions } from './contract.ts';

/** Longer texts hardly repeat, and hashing them as keys costs more than it saves. */
const longestKey = 8_192;
/**
 * An inline model takes no longer for a text than keeping it does, with the garbage that this makes: of its texts only
 * those are kept that come a second time, within about so many others. A power of two.
 */
const recentTexts = 8_192;
const hashedCharacters = 512;
/** Map slot, list links and object headers of one entry. */
const entryOverhead = 200;

export function cachedEmbedder(inner: Embedder, maxBytes: number): Embedder {
  const caches = { query: cacheOf(maxBytes / 2), document: cacheOf(maxBytes / 2) };
  const { embedInline } = inner;

  function remember(text: string, role: EmbeddingRole, embedding: Embedding): void {
    if (text.length > longestKey) return;
    // A slice of a request body would keep the whole body alive; the copy does not.
    caches[role].set(Buffer.from(text, 'utf16le').toString('utf16le'), embedding);
  }

  function recall(text: string, role: EmbeddingRole): Embedding | undefined {
    return text.length > longestKey ? undefined : caches[role].get(text);
  }

  async function embed(texts: readonly string[], options: EmbedOptions = {}): Promise<readonly Embedding[]> {
    options.signal?.throwIfAborted();
    const role = options.role ?? 'query';
    const known = texts.map((text) => recall(text, role));
    const missing = [...new Set(texts.filter((_, i) => known[i] === undefined))];
    if (missing.length === 0) return known.filter((embedding) => embedding !== undefined);
    const found = new Map<string, Embedding>();
    for (const [i, embedding] of (await inner.embed(missing, options)).entries()) {
      found.set(missing[i], embedding);
      remember(missing[i], role, embedding);
    }
    return texts.flatMap((text, i) => known[i] ?? found.get(text) ?? []);
  }

  const seen = new Int32Array(recentTexts);

  /** Cheap to be wrong: a text is remembered too early, or once more too late. */
  function seenBefore(text: string): boolean {
    const hash = hashOf(text);
    const slot = hash & (recentTexts - 1);
    if (seen[slot] === hash) return true;
    seen[slot] = hash;
    return false;
  }

  return {
    identity: inner.identity,
    embedInline: embedInline
      ? (text, role = 'query') => {
          const known = recall(text, role);
          if (known) return known;
          const embedding = embedInline(text, role);
          if (seenBefore(text)) remember(text, role, embedding);
          return embedding;
        }
      : null,
    embed,
    close: () => inner.close(),
  };
}

/** FNV-1a over the beginning and the length; never 0, which an unused slot holds. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5 ^ text.length;
  const end = Math.min(text.length, hashedCharacters);
  for (let i = 0; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 1;
}

function cacheOf(maxBytes: number): LRUCache<string, Embedding> {
  return new LRUCache<string, Embedding>({
    maxSize: Math.max(1, Math.floor(maxBytes)),
    sizeCalculation: (embedding, text) => embedding.vector.byteLength + text.length * 2 + entryOverhead,
  });
}
