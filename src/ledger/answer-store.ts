/**
 * Cached answers in the ledger's database: the second level of the exact cache. They outlive a restart, and replicas that
 * share the database share them. A table of its own, which no decision refers to: it may be emptied at any time.
 *
 * Keys are digests and no prompt is in it, whatever `ledger.prompts` says; the answers themselves are kept as they are.
 */

import type { TokenUsage } from './record.ts';

export interface StoredAnswer {
  readonly key: string;
  readonly tenant: string;
  /** Whom the request was made for, hashed as in the ledger. */
  readonly person: string | null;
  /** null: the fallback model answered what no route took. */
  readonly route: string | null;
  /** Config name. */
  readonly model: string;
  readonly tags: readonly string[];
  readonly form: 'json' | 'sse';
  readonly contentType: string;
  readonly body: Uint8Array;
  readonly usage: TokenUsage | null;
  /** Milliseconds since the epoch. */
  readonly storedAt: number;
  readonly expiresAt: number;
}

/** Which answers go; what is absent matches all. `route` null: those of the fallback model. */
export interface AnswerFilter {
  readonly route?: string | null;
  readonly tag?: string;
  readonly tenant?: string;
  readonly person?: string;
  readonly storedBefore?: number;
}

export interface AnswerStoreStats {
  readonly entries: number;
  readonly bytes: number;
}

/** Errors are `ledger_failed`; callers fail open. */
export interface AnswerStore {
  /** null as well for an answer that has expired. */
  get(key: string, now: number): Promise<StoredAnswer | null>;
  /** Replaces answers of the same keys; then lets go of what has expired, and of the oldest above `maxBytes`. */
  put(answers: readonly StoredAnswer[], limits: { readonly now: number; readonly maxBytes: number }): Promise<void>;
  /** Resolves with the keys of those that went. */
  purge(filter: AnswerFilter): Promise<readonly string[]>;
  stats(now: number): Promise<AnswerStoreStats>;
  close(): Promise<void>;
}
