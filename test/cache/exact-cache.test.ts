import { describe, expect, it } from 'vitest';
import { type CacheEntry, createExactCache } from '../../src/cache/exact-cache.ts';

function entryOf(body: string | Buffer): CacheEntry {
  return {
    route: 'translation',
    model: 'small',
    contentType: 'application/json',
    form: 'json',
    body: Buffer.from(body),
    usage: null,
    tenant: 'app-a',
    person: null,
    tags: [],
    storedAt: 0,
  };
}

function steppingClock() {
  let time = 1_000;
  return { now: () => time, monotonic: () => time, advance: (ms: number) => (time += ms) };
}

describe('the exact cache', () => {
  it('gives back what was put in, and null for the rest', () => {
    const cache = createExactCache({ maxBytes: 1 << 20, clock: steppingClock() });
    expect(cache.get('a')).toBeNull();
    cache.set('a', entryOf('answer'), 60_000);
    expect(cache.get('a')?.body.toString()).toBe('answer');
    expect(cache.get('a')?.model).toBe('small');
  });

  it('forgets an entry when its time is over', () => {
    const clock = steppingClock();
    const cache = createExactCache({ maxBytes: 1 << 20, clock });
    cache.set('a', entryOf('answer'), 50);
    clock.advance(49);
    expect(cache.get('a')).not.toBeNull();
    clock.advance(2);
    expect(cache.get('a')).toBeNull();
    cache.set('b', entryOf('answer'), 0);
    expect(cache.get('b')).toBeNull();
  });

  it('stays within its bytes and drops what was not used for longest', () => {
    const cache = createExactCache({ maxBytes: 100_000, clock: steppingClock() });
    for (let i = 0; i < 100; i++) {
      cache.set(`key ${i}`, entryOf('x'.repeat(5_000)), 60_000);
      cache.get('key 0');
    }
    const { bytes, entries, maxBytes } = cache.stats();
    expect(bytes).toBeLessThanOrEqual(maxBytes);
    expect(entries).toBeGreaterThan(10);
    expect(cache.get('key 0')).not.toBeNull();
    expect(cache.get('key 1')).toBeNull();
    expect(cache.get('key 99')).not.toBeNull();
  });

  it('leaves out an answer that would push out most of the others', () => {
    const cache = createExactCache({ maxBytes: 100_000, clock: steppingClock() });
    cache.set('small', entryOf('x'), 60_000);
    cache.set('large', entryOf('x'.repeat(50_000)), 60_000);
    expect(cache.get('large')).toBeNull();
    expect(cache.get('small')).not.toBeNull();
  });

  it('keeps nothing when it has no room', () => {
    const cache = createExactCache({ maxBytes: 0, clock: steppingClock() });
    cache.set('a', entryOf('answer'), 60_000);
    expect(cache.get('a')).toBeNull();
    expect(cache.stats().bytes).toBe(0);
  });

  it('does not share memory with the buffer that it was given', () => {
    const cache = createExactCache({ maxBytes: 1 << 20, clock: steppingClock() });
    const chunk = Buffer.from('[answer]');
    cache.set('a', { ...entryOf(''), body: chunk.subarray(1, 7) }, 60_000);
    chunk.fill('x');
    expect(cache.get('a')?.body.toString()).toBe('answer');
  });
});
