/**
 * One budget's book: what was spent this day and this month (UTC), what is reserved for requests that are under way, and
 * which of its thresholds has been told of. Amounts are nano-dollars; nothing here rounds.
 */
export type Period = 'day' | 'month';

/** null: no limit. */
export interface BudgetLimits {
  readonly day: bigint | null;
  readonly month: bigint | null;
  readonly onExceeded: 'refuse' | 'cheap' | 'warn';
}

export interface Purse {
  readonly period: Period;
  start: number;
  end: number;
  spent: bigint;
  /** 0: nothing was told in this period; 1: the soft threshold; 2: the limit. */
  told: 0 | 1 | 2;
  /** The ledger has been asked once. */
  learned: boolean;
}

export interface Account {
  /** `key:app-a`, `route:faq`. */
  readonly name: string;
  limits: BudgetLimits;
  readonly purses: readonly [day: Purse, month: Purse];
  reserved: bigint;
  /** All that this process has spent on it; only ever grows. */
  settled: bigint;
  /** `settled`, when the ledger was last asked. */
  settledWhenAsked: bigint;
}

export function openAccount(name: string, limits: BudgetLimits, now: number): Account {
  const purse = (period: Period): Purse => ({ period, ...boundsOf(period, now), spent: 0n, told: 0, learned: false });
  const purses = [purse('day'), purse('month')] as const;
  return { name, limits, purses, reserved: 0n, settled: 0n, settledWhenAsked: 0n };
}

/** Begins a new day or month where one has begun. Before anything else is asked of an account. */
export function turnPages(account: Account, now: number): void {
  for (const purse of account.purses) {
    if (now < purse.end && now >= purse.start) continue;
    Object.assign(purse, boundsOf(purse.period, now));
    purse.spent = 0n;
    purse.told = 0;
  }
}

/** The purse that has no room for `amount` beside what is reserved; the day's first. */
export function exceededPurse(account: Account, amount: bigint): Purse | null {
  for (const purse of account.purses) {
    const limit = account.limits[purse.period];
    if (limit === null) continue;
    if (purse.spent >= limit || purse.spent + account.reserved + amount > limit) return purse;
  }
  return null;
}

/** What is spent of its limit; may be above 1, and is 0 without a limit. */
export function shareOf(account: Account, purse: Purse): number {
  const limit = account.limits[purse.period];
  return limit === null ? 0 : Number(purse.spent) / Number(limit);
}

/** Of the purses with a limit, the one that is fullest; `share` may be above 1. */
export function fullestPurse(account: Account): { readonly purse: Purse; readonly share: number } | null {
  let fullest: { readonly purse: Purse; readonly share: number } | null = null;
  for (const purse of account.purses) {
    if (account.limits[purse.period] === null) continue;
    const share = shareOf(account, purse);
    if (fullest === null || share > fullest.share) fullest = { purse, share };
  }
  return fullest;
}

/** From its first millisecond up to but without `end`, UTC. */
export function boundsOf(period: Period, now: number): { readonly start: number; readonly end: number } {
  const date = new Date(now);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  return period === 'day'
    ? { start: Date.UTC(year, month, day), end: Date.UTC(year, month, day + 1) }
    : { start: Date.UTC(year, month), end: Date.UTC(year, month + 1) };
}
