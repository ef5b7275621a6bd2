/**
 * The exact cache in two levels: memory, asked before anything is embedded, and the ledger's database, asked once the
 * route is known to cache and memory has nothing.
 *
 *   get(key)   memory only, at once
 *   find(key)  the database, for at most `waitMs`; what is found moves up into memory
 *   set(…)     memory at once; the database soon, in batches, off the caller's path
 *
 * The database may fail or be slow: then there are fewer hits, and nothing else. What waits to be written is bounded.
 */
import type { Clock } from '../base/clock.ts';
import type { AnswerStore, StoredAnswer } from '../ledger/answer-store.ts';
import { type CacheEntry, type ExactCache, fallbackName, type Purge } from './exact-cache.ts';

export interface AnswerLevels {
  get(key: string): CacheEntry | null;
  /** null at once when there is no database. Never rejects. */
  find(key: string): Promise<CacheEntry | null> | null;
  set(key: string, entry: CacheEntry, ttlMs: number): void;
  /** The keys of those that went, from memory or the database. */
  purge(which: Purge): Promise<ReadonlySet<string>>;
  stats(): Promise<LevelStats>;
  /** Opens the database, which takes longer than a request would wait for it. Never rejects. */
  ready(): Promise<void>;
  /** Writes what waits. */
  flush(): Promise<void>;
}

export interface LevelStats {
  readonly memory: { readonly entries: number; readonly bytes: number; readonly max_bytes: number };
  /** null: there is none, or it cannot be read now. */
  readonly store: { readonly entries: number; readonly bytes: number; readonly max_bytes: number } | null;
}

export interface LevelOptions {
  readonly memory: ExactCache;
  readonly store: AnswerStore | null;
  readonly storeBytes: number;
  readonly waitMs: number;
  /** Answers are kept no longer than the ledger keeps decisions. */
  readonly keepMs: number;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

const flushMs = 50;
/** Of answers that wait to be written; what comes on top of it stays in memory only. */
const mostWaiting = 16 << 20;

export function createAnswerLevels(options: LevelOptions): AnswerLevels {
  const { memory, clock, waitMs } = options;
  const store = options.storeBytes > 0 ? options.store : null;
  let waiting: StoredAnswer[] = [];
  let waitingBytes = 0;
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();

  async function findIn(from: AnswerStore, key: string): Promise<CacheEntry | null> {
    const now = clock.now();
    const found = await within(waitMs, from.get(key, now), options.onError);
    if (found === null) return null;
    const entry: CacheEntry = { ...found, body: Buffer.from(found.body) };
    memory.set(key, entry, found.expiresAt - now);
    return entry;
  }

  function writeSoon(answer: StoredAnswer): void {
    if (waitingBytes + answer.body.length > mostWaiting) return;
    waiting.push(answer);
    waitingBytes += answer.body.length;
    timer ??= setTimeout(write, flushMs);
    timer.unref();
  }

  function write(): void {
    if (timer) clearTimeout(timer);
    timer = null;
    const batch = waiting;
    waiting = [];
    waitingBytes = 0;
    if (store === null || batch.length === 0) return;
    const limits = { now: clock.now(), maxBytes: options.storeBytes };
    // One batch at a time; one that fails is a few answers fewer.
    writing = writing.then(() => store.put(batch, limits)).catch(options.onError);
  }

  async function flush(): Promise<void> {
    write();
    await writing;
  }

  return {
    get: (key) => memory.get(key),
    find: (key) => (store === null ? null : findIn(store, key)),
    set(key, entry, ttlMs) {
      const kept = Math.min(ttlMs, options.keepMs);
      memory.set(key, entry, kept);
      if (store === null || kept <= 0) return;
      // A copy of its own: a clone of a window into the socket's buffer would take all of that along.
      writeSoon({ ...entry, body: new Uint8Array(entry.body), key, expiresAt: entry.storedAt + kept });
    },
    async purge(which) {
      await flush();
      const fromMemory = memory.purge(which);
      if (store === null) return new Set(fromMemory);
      const { route, ...rest } = which;
      const fromStore = await store.purge(route === fallbackName ? { ...rest, route: null } : { ...which });
      return new Set([...fromMemory, ...fromStore]);
    },
    async stats() {
      const { entries, bytes, maxBytes } = memory.stats();
      const stored = await store?.stats(clock.now()).catch((error: unknown) => {
        options.onError(error);
        return null;
      });
      return {
        memory: { entries, bytes, max_bytes: maxBytes },
        store: stored ? { ...stored, max_bytes: options.storeBytes } : null,
      };
    },
    async ready() {
      await store?.stats(clock.now()).catch(options.onError);
    },
    flush,
  };
}

/** null when it takes longer, or fails. */
async function within<T>(ms: number, work: Promise<T>, onError: (error: unknown) => void): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  const tolerant = work.catch((error: unknown) => {
    onError(error);
    return null;
  });
  try {
    return await Promise.race([tolerant, late]);
  } finally {
    clearTimeout(timer);
  }
}
