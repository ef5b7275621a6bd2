/**
 * The exact cache: whole answers in memory by key, bounded by bytes, least recently used first out. It knows nothing of
 * requests: what may go in and out is `policy.ts`, the key is `exact-key.ts`, the form of a replay is `answer-form.ts`.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.ts';
import type { TokenUsage } from '../ledger/record.ts';

export interface CacheEntry {
  /** null: no route took the prompt, and the fallback model answered. */
  readonly route: string | null;
  /** Config name of the model that answered. */
  readonly model: string;
  readonly contentType: string;
  readonly form: 'json' | 'sse';
  /** As it went to the client. */
  readonly body: Buffer;
  readonly usage: TokenUsage | null;
  /** Whose it is, the person (hashed) and the tags of the request that it answered: what a purge goes by. */
  readonly tenant: string;
  readonly person: string | null;
  readonly tags: readonly string[];
  /** Milliseconds since the epoch. */
  readonly storedAt: number;
}

interface CacheStats {
  readonly entries: number;
  readonly bytes: number;
  readonly maxBytes: number;
}

/** Which stored answers go; what is absent matches all. */
export interface Purge {
  readonly route?: string;
  readonly tag?: string;
  readonly tenant?: string;
  /** Hashed, as in the ledger. */
  readonly person?: string;
  /** Stored before this moment. */
  readonly storedBefore?: number;
}

export interface ExactCache {
  get(key: string): CacheEntry | null;
  /** An answer larger than an eighth of the cache is not kept. */
  set(key: string, entry: CacheEntry, ttlMs: number): void;
  /** Returns the keys of those that went. */
  purge(which: Purge): string[];
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
    purge(which) {
      const gone = [...entries.entries()].flatMap(([key, entry]) => (isMeant(which, entry) ? [key] : []));
      for (const key of gone) entries.delete(key);
      return gone;
    },
    stats: () => ({ entries: entries.size, bytes: entries.calculatedSize, maxBytes }),
  };
}

/** `fallback`, a name that no route may have, stands for answers that no route made. */
export function isMeant(
  which: Purge,
  entry: Pick<CacheEntry, 'route' | 'tags' | 'tenant' | 'person' | 'storedAt'>,
): boolean {
  return (
    (which.route === undefined || which.route === (entry.route ?? fallbackName)) &&
    (which.tag === undefined || entry.tags.includes(which.tag)) &&
    (which.tenant === undefined || which.tenant === entry.tenant) &&
    (which.person === undefined || which.person === entry.person) &&
    (which.storedBefore === undefined || entry.storedAt < which.storedBefore)
  );
}

/** How answers of the fallback model are named where a route's name would stand. */
export const fallbackName = 'fallback';

/** A chunk is a window into a larger buffer of the socket, which a kept window would keep alive. */
function ownCopy(body: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(body.length);
  body.copy(copy);
  return copy;
}
