import { describe, expect, it } from 'vitest';
import { retryAfterMs } from '../../src/backend/retry-after.ts';
import { createRetryBudget } from '../../src/backend/retry-budget.ts';
import { steppedClock } from './stepped-clock.ts';

describe('a retry budget', () => {
  const taken = (budget: ReturnType<typeof createRetryBudget>) => {
    let count = 0;
    while (budget.take()) count++;
    return count;
  };

  it('allows a quiet backend ten retries, and one more each second', () => {
    const clock = steppedClock();
    const budget = createRetryBudget({ share: 0.2, clock });
    expect(taken(budget)).toBe(10);
    clock.pass(3_000);
    expect(taken(budget)).toBe(3);
    clock.pass(3_600_000);
    expect(taken(budget)).toBe(10);
  });

  it('allows a busy one its share of what was sent', () => {
    const budget = createRetryBudget({ share: 0.2, clock: steppedClock() });
    taken(budget);
    for (let i = 0; i < 100; i++) budget.sent();
    expect(taken(budget)).toBeGreaterThanOrEqual(19);
    for (let i = 0; i < 100_000; i++) budget.sent();
    expect(taken(budget)).toBe(100);
  });

  it('allows what is there without traffic, and no more, at a share of nothing', () => {
    const budget = createRetryBudget({ share: 0, clock: steppedClock() });
    for (let i = 0; i < 1_000; i++) budget.sent();
    expect(taken(budget)).toBe(10);
  });
});

describe('the time that a backend asks for', () => {
  const now = Date.parse('Fri, 20 Nov 2026 20:00:00 GMT');

  it.each([
    ['seconds', ['Retry-After', '7'], 7_000],
    ['parts of a second', ['retry-after', '0.25'], 250],
    ['a date', ['retry-after', 'Fri, 20 Nov 2026 20:00:30 GMT'], 30_000],
    ['milliseconds, which are more exact', ['retry-after', '2', 'retry-after-ms', '1500'], 1_500],
    ['a date that is over', ['retry-after', 'Fri, 20 Nov 2026 19:00:00 GMT'], null],
    ['nothing', [], null],
    ['zero', ['retry-after', '0'], null],
    ['a negative number', ['retry-after', '-5'], null],
    ['nonsense', ['retry-after', 'soon'], null],
    ['an empty value', ['retry-after', ''], null],
  ] as const)('can be %s', (_name, headers, expected) => {
    expect(retryAfterMs(headers, now)).toBe(expected);
  });
});
