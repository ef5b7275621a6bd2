/**
 * The exact cache: whole answers in memory by key, bounded by bytes, least recently used first out. It knows nothing of
 * requests: what may go in and out is `policy.ts`, the key is `exact-key.ts`, the form of a replay is `answer-form.ts`.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.ts';
import type { TokenUsage } from '../ledger/record.ts';

export interface CacheEntry {
  readonly route: string;
  /** Config name of the model that answered. */
  readonly model: string;
  readonly contentType: string;
  readonly form: 'json' | 'sse';
  /** As it went to the client. */
  readonly body: Buffer;
  readonly usage: TokenUsage | null;
  /** Milliseconds since the epoch. */
  readonly storedAt: number;
}

interface CacheStats {
  readonly entries: number;
  readonly bytes: number;
  readonly maxBytes: number;
}

export interface ExactCache {
  get(key: string): CacheEntry | null;
  /** An answer larger than an eighth of the cache is not kept. */
  set(key: string, entry: CacheEntry, ttlMs: number): void;
  stats(): CacheStats;
}

/** Key, links and the entry's own fields. */
const entryOverhead = 600;

/** `maxBytes` of 0 keeps nothing. */
export function createExactCache(options: { readonly maxBytes: number; readonly clock: Clock }): ExactCache {
  const { maxBytes, clock } = options;
  const entries = new LRUCache<string, CacheEntry>({
    maxSize: Math.max(1, maxBytes),
    maxEntrySize: Math.max(1, Math.floor(maxBytes / 8)),
    sizeCalculation: (entry) => entry.body.length + entryOverhead,
    perf: { now: () => clock.monotonic() },
    ttlResolution: 0,
  });
  return {
    get: (key) => entries.get(key) ?? null,
    set(key, entry, ttlMs) {
      if (ttlMs <= 0) return;
      entries.set(key, { ...entry, body: ownCopy(entry.body) }, { ttl: ttlMs });
    },
    stats: () => ({ entries: entries.size, bytes: entries.calculatedSize, maxBytes }),
  };
}

/** A chunk is a window into a larger buffer of the socket, which a kept window would keep alive. */
function ownCopy(body: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(body.length);
  body.copy(copy);
  return copy;
}
