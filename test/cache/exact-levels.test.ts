/** Memory over a database that may be slow, or fail. */
import { describe, expect, it } from 'vitest';
import { type CacheEntry, createExactCache } from '../../src/cache/exact-cache.ts';
import { createAnswerLevels } from '../../src/cache/exact-levels.ts';
import type { AnswerStore, StoredAnswer } from '../../src/ledger/answer-store.ts';

const clock = { now: () => 1_000, monotonic: () => performance.now() };

function entryOf(body: string): CacheEntry {
  const whose = {
    tenant: 'app-a',
    person: null,
    tags: ['t'],
    route: 'faq',
    model: 'small',
    usage: null,
    storedAt: 1_000,
  };
  return { ...whose, contentType: 'application/json', form: 'json', body: Buffer.from(body) };
}

/** Keeps answers in a map, and does to each call what `trouble` says. */
function fakeStore(trouble: () => Promise<void> = () => Promise.resolve()) {
  const kept = new Map<string, StoredAnswer>();
  const store: AnswerStore = {
    async get(key) {
      await trouble();
      return kept.get(key) ?? null;
    },
    async put(answers) {
      await trouble();
      for (const answer of answers) kept.set(answer.key, answer);
    },
    async purge() {
      const gone = [...kept.keys()];
      kept.clear();
      return gone;
    },
    stats: async () => ({ entries: kept.size, bytes: 0 }),
    close: async () => undefined,
  };
  return { kept, store };
}

function levels(store: AnswerStore | null, changed: { readonly waitMs?: number; readonly keepMs?: number } = {}) {
  const errors: unknown[] = [];
  const memory = createExactCache({ maxBytes: 1 << 20, clock });
  const onError = (error: unknown) => errors.push(error);
  const options = { memory, store, storeBytes: 1 << 20, waitMs: 1_000, keepMs: 1e9, clock, onError, ...changed };
  return { memory, errors, cache: createAnswerLevels(options) };
}

describe('the two levels of the exact cache', () => {
  it('find in the database what memory has lost, and take it up again', async () => {
    const { store, kept } = fakeStore();
    const first = levels(store);
    first.cache.set('a', entryOf('answer'), 60_000);
    await first.cache.flush();
    expect(kept.get('a')).toMatchObject({ key: 'a', expiresAt: 61_000, tags: ['t'] });
    const second = levels(store);
    expect(second.cache.get('a')).toBeNull();
    expect((await second.cache.find('a'))?.body.toString()).toBe('answer');
    expect(second.cache.get('a')?.body.toString()).toBe('answer');
    expect(await second.cache.find('b')).toBeNull();
  });

  it('are memory alone without a database', () => {
    const { cache } = levels(null);
    expect(cache.find('a')).toBeNull();
  });

  it('do not wait for a database that is slow', async () => {
    const { store } = fakeStore(() => new Promise(() => undefined));
    const { cache } = levels(store, { waitMs: 5 });
    expect(await cache.find('a')).toBeNull();
  });

  it('go on without a database that fails, and say so', async () => {
    const { store } = fakeStore(() => Promise.reject(new Error('disk on fire')));
    const { cache, errors } = levels(store);
    cache.set('a', entryOf('answer'), 60_000);
    await cache.flush();
    expect(await cache.find('b')).toBeNull();
    expect(errors).toHaveLength(2);
    expect(cache.get('a')).not.toBeNull();
  });

  it('keep nothing longer than the ledger keeps its decisions', async () => {
    const { store, kept } = fakeStore();
    const { cache } = levels(store, { keepMs: 10 });
    cache.set('a', entryOf('answer'), 60_000);
    await cache.flush();
    expect(kept.get('a')?.expiresAt).toBe(1_010);
  });

  it('are purged together, what waits to be written included', async () => {
    const { store, kept } = fakeStore();
    const { cache, memory } = levels(store);
    cache.set('a', entryOf('answer'), 60_000);
    expect(await cache.purge({ route: 'faq' })).toEqual(new Set(['a']));
    expect([kept.size, memory.stats().entries]).toEqual([0, 0]);
  });
});
