import { describe, expect, it } from 'vitest';
import { abortSignalOf, Cancel } from '../../src/base/cancel.ts';

describe('a cancel', () => {
  it('tells each listener once, functions and objects, with the reason in place', () => {
    const cancel = new Cancel();
    const seen: unknown[] = [];
    const listener = () => seen.push(cancel.reason);
    cancel.signal.addEventListener('abort', listener);
    cancel.signal.addEventListener('abort', listener);
    cancel.signal.addEventListener('abort', { handleEvent: () => seen.push('object') });
    cancel.abort('gone');
    cancel.abort('again');
    expect(seen).toEqual(['gone', 'object']);
    expect(cancel).toMatchObject({ aborted: true, reason: 'gone' });
  });

  it('has a reason even when none was given, as AbortSignal has', () => {
    const cancel = new Cancel();
    cancel.abort();
    expect(cancel.reason).toMatchObject({ name: 'AbortError' });
  });

  it('tells nobody who has left', () => {
    const cancel = new Cancel();
    let told = 0;
    const listener = () => told++;
    cancel.addEventListener('abort', listener);
    cancel.removeEventListener('abort', listener);
    cancel.removeEventListener('abort', listener);
    cancel.abort();
    expect(told).toBe(0);
  });

  it('tells the others when one throws, and then throws what it threw', () => {
    const cancel = new Cancel();
    let told = false;
    cancel.addEventListener('abort', () => {
      throw new Error('first');
    });
    cancel.addEventListener('abort', () => {
      told = true;
    });
    expect(() => cancel.abort()).toThrow('first');
    expect(told).toBe(true);
  });
});

describe("the platform's signal of a cancel", () => {
  it('follows it, before and after', () => {
    const cancel = new Cancel();
    const before = abortSignalOf(cancel);
    expect(before.aborted).toBe(false);
    cancel.abort('gone');
    expect(before).toMatchObject({ aborted: true, reason: 'gone' });
    expect(abortSignalOf(cancel)).toMatchObject({ aborted: true, reason: 'gone' });
  });

  it('is the same when it is one already', () => {
    const { signal } = new AbortController();
    expect(abortSignalOf(signal)).toBe(signal);
  });
});
