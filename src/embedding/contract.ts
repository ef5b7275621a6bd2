/**
 * What the rest of the program knows of an embedding model: who it is, and text → unit vector.
 * Implementations: a static model that runs inline (microseconds), a transformer in a worker thread, and later a remote
 * server. All of them run `test/embedding/embedder-contract.ts`.
 */
import type { UnitVector } from '../base/vector.ts';

/** Who made a vector. Two vectors may be compared only when their fingerprints are equal. */
export interface EmbeddingIdentity {
  readonly alias: string;
  readonly name: string;
  readonly version: string;
  /** `sha256:…` over all that changes a vector: weights, tokenizer, pooling, prefixes, dimensions, truncation, dtype. */
  readonly fingerprint: string;
  readonly dimensions: number;
  readonly maxTokens: number;
}

export interface Embedding {
  readonly vector: UnitVector;
  /** Tokens that were embedded, special tokens included. */
  readonly tokens: number;
  /** The text had more tokens than the model takes; the rest was cut. Never silent. */
  readonly truncated: boolean;
}

/** Asymmetric models put another prefix before a query than before a document. */
export type EmbeddingRole = 'query' | 'document';

export interface EmbedOptions {
  readonly role?: EmbeddingRole;
  readonly signal?: AbortSignal;
  /** `bulk` work (indexing) never delays `interactive` work (requests). Default `interactive`. */
  readonly lane?: 'interactive' | 'bulk';
}

export interface Embedder {
  readonly identity: EmbeddingIdentity;
  /**
   * Embeds at once, on the calling thread. Present only on models that take microseconds a text; null on all others.
   * Throws `embedder_failed`.
   */
  readonly embedInline: ((text: string, role?: EmbeddingRole) => Embedding) | null;
  /** One embedding a text, in order. Rejects with `embedder_failed`, with `overloaded` when too much waits already, or with the signal's reason. */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<readonly Embedding[]>;
  close(): Promise<void>;
}
