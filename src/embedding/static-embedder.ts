/**
 * The embedder of static models: tokenise, sum, normalise, on the calling thread, in microseconds. Indexing thousands of
 * texts yields to the event loop every few milliseconds, so that requests are not kept waiting.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Embedder, Embedding, EmbeddingIdentity, EmbeddingRole } from './contract.ts';
import { embedIds, type StaticTable } from './static-table.ts';
import type { Tokenizer } from './tokenizer.ts';

/** About two milliseconds of short texts. */
const textsPerTurn = 64;

export interface StaticModel {
  readonly identity: EmbeddingIdentity;
  readonly prefixes: { readonly query: string; readonly document: string };
  readonly tokenizer: Tokenizer;
  readonly table: StaticTable;
}

export function staticEmbedder(model: StaticModel): Embedder {
  const { identity, prefixes, tokenizer, table } = model;

  function embedInline(text: string, role: EmbeddingRole = 'query'): Embedding {
    const prefix = prefixes[role];
    const { ids, truncated } = tokenizer.encode(prefix ? prefix + text : text, identity.maxTokens);
    return { vector: embedIds(table, ids), tokens: ids.length, truncated };
  }

  return {
    identity,
    embedInline,
    async embed(texts, options = {}) {
      const embeddings: Embedding[] = [];
      for (const [i, text] of texts.entries()) {
        if (i > 0 && i % textsPerTurn === 0) await nextTurn();
        options.signal?.throwIfAborted();
        embeddings.push(embedInline(text, options.role));
      }
      return embeddings;
    },
    close: async () => {},
  };
}
