/** Budgets and a ledger that does not always answer. */
import { afterEach, expect, test, vi } from 'vitest';
import { ShuntError } from '../../src/base/errors.ts';
import type { NanoUsd } from '../../src/base/money.ts';
import type { LedgerSpend } from '../../src/gateway/budgets.ts';
import { createSpendSync } from '../../src/gateway/spend-sync.ts';

afterEach(() => vi.useRealTimers());

function syncWith(options: { readonly shared: boolean; readonly answers: readonly (number | null)[] }) {
  vi.useFakeTimers({ now: Date.UTC(2026, 10, 20, 12) });
  const learned: LedgerSpend[] = [];
  const errors: string[] = [];
  let asked = 0;
  const sync = createSpendSync({
    budgets: { limits: (by) => by === 'key', asking: () => undefined, learn: (spend) => learned.push(spend) },
    store: {
      shared: options.shared,
      spentSince() {
        const spent = options.answers[Math.min(asked++, options.answers.length - 1)];
        if (spent === null) return Promise.reject(new ShuntError('ledger_failed', 'It is down.'));
        return Promise.resolve(new Map([['app', BigInt(spent) as NanoUsd]]));
      },
    },
    flush: () => Promise.resolve(),
    clock: { now: Date.now, monotonic: Date.now },
    onError: (error) => errors.push(error.message),
  });
  return { sync, learned, errors };
}

test('the sums of the day and of the month are asked for, by what has a budget', async () => {
  const { sync, learned } = syncWith({ shared: false, answers: [1, 2] });
  await sync.refresh();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(learned).toEqual([
    { by: 'key', period: 'day', start: Date.UTC(2026, 10, 20), sums: new Map([['app', 1n]]) },
    { by: 'key', period: 'month', start: Date.UTC(2026, 10, 1), sums: new Map([['app', 2n]]) },
  ]);
  sync.close();
});

test('a ledger that fails is asked again until it answers, and is complained of once', async () => {
  const { sync, learned, errors } = syncWith({ shared: false, answers: [null, null, null, 7] });
  await sync.follow();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(learned).toHaveLength(2);
  expect(errors).toEqual([expect.stringContaining('It is down.')]);
  sync.close();
});

test('a shared ledger is asked every few seconds', async () => {
  const { sync, learned } = syncWith({ shared: true, answers: [1] });
  await vi.advanceTimersByTimeAsync(20_000);
  expect(learned.length).toBeGreaterThanOrEqual(6);
  sync.close();
  const before = learned.length;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(learned).toHaveLength(before);
});
