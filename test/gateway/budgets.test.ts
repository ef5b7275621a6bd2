/** Budgets by a clock that the test turns: reservations, periods, the ledger's sums, alerts. */
import { describe, expect, test } from 'vitest';
import type { NanoUsd } from '../../src/base/money.ts';
import type { Config } from '../../src/config/schema.ts';
import { configSchema } from '../../src/config/schema.ts';
import type { BudgetAlert } from '../../src/gateway/budget-words.ts';
import { createBudgets, type Reservation } from '../../src/gateway/budgets.ts';

const hash = `sha256:${'a'.repeat(64)}`;
const usd = (dollars: number) => BigInt(Math.round(dollars * 1e9)) as NanoUsd;
const refused = expect.objectContaining({ code: 'budget_exceeded' });

function configOf(key: Record<string, unknown>, budgets: Record<string, unknown> = {}): Config {
  const parsed = configSchema.parse({ auth: { keys: [{ name: 'app', hash, ...key }] }, budgets });
  return { ...parsed, file: '', folder: '', keys_file: '', stored_keys: [], keys_required: true, price_sources: {} };
}

function budgetsOf(key: Record<string, unknown>, more: Record<string, unknown> = {}) {
  const time = { now: Date.UTC(2026, 10, 20, 12) };
  const alerts: BudgetAlert[] = [];
  const budgets = createBudgets({
    config: configOf(key, more),
    clock: { now: () => time.now, monotonic: () => time.now },
    onAlert: (alert) => alerts.push(alert),
  });
  const reserve = (dollars: number, extra: Partial<Reservation> = {}) =>
    budgets.reserve({ key: 'app', route: null, amount: usd(dollars), cheap: 'possible', ...extra });
  const spend = (dollars: number, route: string | null = null) =>
    budgets.spend({ key: 'app', route, cost: usd(dollars) });
  return { budgets, time, alerts, reserve, spend };
}

describe('a reservation', () => {
  test('takes room until it is released, so that requests under way together fit as well', () => {
    const { reserve } = budgetsOf({ budget_usd_per_day: 10 });
    const first = reserve(6);
    expect(() => reserve(6)).toThrow(refused);
    if (first !== 'cheap') first.release();
    reserve(6);
  });

  test('says what is spent, what is reserved, what it may cost, and until when', () => {
    const { reserve, spend, time } = budgetsOf({ budget_usd_per_day: 10 });
    spend(3);
    reserve(6);
    const untilMidnight = Date.UTC(2026, 10, 21) - time.now;
    expect(() => reserve(2)).toThrow(expect.objectContaining({ retryAfterMs: untilMidnight }));
    expect(() => reserve(2)).toThrow(
      "Key 'app' has spent $3.0000 of its $10.0000 for this day, $6.0000 are reserved for requests under way. This request may cost up to $2.0000: a smaller max_tokens lowers that. The budget starts anew at 2026-11-21T00:00Z.",
    );
  });

  test('that fits to the nano-dollar fits', () => {
    const { reserve } = budgetsOf({ budget_usd_per_day: 0.000000002 });
    reserve(0.000000001);
    reserve(0.000000001);
    expect(() => reserve(0)).not.toThrow();
    expect(() => reserve(0.000000001)).toThrow(refused);
  });

  test('goes to the cheap model where that is configured, and is refused where no cheap model can take it', () => {
    const { reserve, spend } = budgetsOf({ budget_usd_per_day: 1, on_exceeded: 'cheap' });
    spend(1);
    expect(reserve(1)).toBe('cheap');
    expect(reserve(1, { cheap: 'taken' })).not.toBe('cheap');
    expect(() => reserve(1, { cheap: 'impossible' })).toThrow(refused);
  });

  test('of a key whose budget only warns is never refused', () => {
    const { reserve, spend, budgets } = budgetsOf({ budget_usd_per_day: 1, on_exceeded: 'warn' });
    spend(5);
    budgets.check('app');
    expect(reserve(1)).toMatchObject({ notice: 'key:app; period=day; used=5.00' });
  });

  test('is held against the route as well, by what that route says', () => {
    const routes = { faq: { usd_per_day: 1, on_exceeded: 'cheap' } };
    const { reserve, spend } = budgetsOf({ budget_usd_per_day: 10 }, { routes });
    spend(1, 'faq');
    expect(reserve(0.5, { route: 'faq' })).toBe('cheap');
    expect(reserve(0.5, { route: 'other' })).toMatchObject({ notice: null });
    spend(9, 'other');
    expect(() => reserve(0.5, { route: 'faq' })).toThrow(refused);
  });
});

describe('a period', () => {
  test('ends at midnight and at the end of the month, UTC', () => {
    const { reserve, spend, time } = budgetsOf({ budget_usd_per_day: 1, budget_usd_per_month: 2 });
    spend(1);
    expect(() => reserve(0.5)).toThrow(/for this day/);
    time.now = Date.UTC(2026, 10, 21);
    reserve(0.5);
    spend(1);
    time.now = Date.UTC(2026, 10, 22);
    expect(() => reserve(0.5)).toThrow(/for this month.*2026-12-01T00:00Z/);
    time.now = Date.UTC(2026, 11, 1);
    reserve(0.5);
  });

  test('at its end refuses at the door, before a body is read', () => {
    const { budgets, spend } = budgetsOf({ budget_usd_per_month: 2 });
    budgets.check('app');
    spend(2);
    expect(() => budgets.check('app')).toThrow(refused);
    budgets.check(null);
  });
});

describe('what the ledger knows', () => {
  const start = Date.UTC(2026, 10, 20);
  const sums = (dollars: number) => new Map([['app', usd(dollars)]]);

  test('is added to what was spent while it was asked, and never takes anything back', () => {
    const { budgets, spend, reserve } = budgetsOf({ budget_usd_per_day: 10 });
    spend(1);
    budgets.asking();
    spend(2);
    budgets.learn({ by: 'key', period: 'day', start, sums: sums(5) });
    expect(() => reserve(3.01)).toThrow('has spent $7.0000');
    budgets.asking();
    budgets.learn({ by: 'key', period: 'day', start, sums: sums(0) });
    expect(() => reserve(3.01)).toThrow('has spent $7.0000');
  });

  test('about a day that is over is not taken for the new one', () => {
    const { budgets, reserve, time } = budgetsOf({ budget_usd_per_day: 10 });
    time.now = Date.UTC(2026, 10, 21);
    budgets.learn({ by: 'key', period: 'day', start, sums: sums(10) });
    reserve(10);
  });

  test('from before the start gives no alert again, what comes on top of it does', () => {
    const { budgets, alerts, spend } = budgetsOf({ budget_usd_per_day: 10 });
    budgets.learn({ by: 'key', period: 'day', start, sums: sums(8.5) });
    spend(0.1);
    expect(alerts).toEqual([]);
    budgets.asking();
    budgets.learn({ by: 'key', period: 'day', start, sums: sums(10) });
    expect(alerts.map(({ id }) => id)).toEqual(['key:app/day/2026-11-20/limit']);
  });

  test('reaches a budget that a reload brings', () => {
    const { budgets, reserve, spend } = budgetsOf({});
    spend(5);
    budgets.limit(configOf({ budget_usd_per_day: 10 }));
    budgets.learn({ by: 'key', period: 'day', start, sums: sums(9) });
    expect(() => reserve(2)).toThrow(refused);
    budgets.limit(configOf({ budget_usd_per_day: 20 }));
    reserve(2);
  });
});

describe('an alert', () => {
  test('comes once at the soft threshold and once at the limit, in each period', () => {
    const { alerts, spend, time } = budgetsOf({ budget_usd_per_day: 10 }, { soft_at: 0.5 });
    for (let i = 0; i < 25; i++) spend(0.5);
    expect(alerts.map(({ level }) => level)).toEqual(['soft', 'limit']);
    expect(alerts[0]).toEqual({
      id: 'key:app/day/2026-11-20/soft',
      level: 'soft',
      scope: 'key',
      name: 'app',
      period: 'day',
      period_start: '2026-11-20T00:00:00.000Z',
      resets_at: '2026-11-21T00:00:00.000Z',
      spent_usd: 5,
      limit_usd: 10,
      share: 0.5,
      on_exceeded: 'refuse',
    });
    time.now = Date.UTC(2026, 10, 21);
    spend(6);
    expect(alerts.map(({ id }) => id).at(-1)).toBe('key:app/day/2026-11-21/soft');
  });

  test('tells of a budget that refuses although a little of it is left', () => {
    const { alerts, spend, reserve } = budgetsOf({ budget_usd_per_day: 10 });
    spend(9.9);
    expect(() => reserve(1)).toThrow(refused);
    expect(() => reserve(1)).toThrow(refused);
    expect(alerts.map(({ level }) => level)).toEqual(['soft', 'limit']);
  });
});
