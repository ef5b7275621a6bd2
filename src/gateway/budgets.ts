/**
 * What keys and routes may still spend, by day and by month (UTC). An estimate is reserved before a request is sent and
 * let go when it is over; what it did cost is booked from its record. So requests that are under way together cannot
 * spend one budget twice.
 *
 *   reserve(estimate) ─► fits ─► sent … release, spend(cost) ─► soft threshold or limit crossed? ─► alert, once a period
 *                  └───► does not: refuse | the cheap model | only warn
 *
 * Spend is what the ledger knows (`learn`) and every request since. A model without a price counts nothing.
 */
import type { Clock } from '../base/clock.ts';
import type { NanoUsd } from '../base/money.ts';
import type { Config } from '../config/schema.ts';
import {
  type Account,
  type BudgetLimits,
  exceededPurse,
  fullestPurse,
  openAccount,
  type Period,
  type Purse,
  shareOf,
  turnPages,
} from './account.ts';
import { alertOf, type BudgetAlert, refusal } from './budget-words.ts';

export interface Budgets {
  /** The key's budget is not used up, as far as it refuses. Throws `budget_exceeded`. */
  check(key: string | null): void;
  /** Whether a budget stands on the key or the route at all. */
  concern(key: string | null, route: string | null): boolean;
  /** Throws `budget_exceeded`; `cheap`: nothing was reserved, and the cheap model should answer. */
  reserve(asked: Reservation): Reserved | 'cheap';
  spend(request: { readonly key: string | null; readonly route: string | null; readonly cost: NanoUsd | null }): void;
  /** Another worker reserves; negative: lets go. */
  heldElsewhere(asked: { readonly key: string | null; readonly route: string | null; readonly amount: bigint }): void;
  /** The budgets of a reloaded config; what was used so far stays counted. */
  limit(config: Config): void;
  /** Whether any budget stands on keys, or on routes. */
  limits(by: 'key' | 'route'): boolean;
  /** Before the ledger is asked what was spent: what is spent meanwhile is added to its answer. */
  asking(): void;
  learn(spent: LedgerSpend): void;
}

export interface Reservation {
  readonly key: string | null;
  readonly route: string | null;
  readonly amount: bigint;
  /** The cheap model answers already, or there is none for such a request: which of the two. */
  readonly cheap: 'possible' | 'taken' | 'impossible';
}

export interface Reserved {
  /** For `x-shunt-budget`, once a soft threshold is passed. */
  readonly notice: string | null;
  release(): void;
}

/** By key or route; the periods that the sums are for begin at `start`. */
export interface LedgerSpend {
  readonly by: 'key' | 'route';
  readonly period: Period;
  readonly start: number;
  readonly sums: ReadonlyMap<string, NanoUsd>;
}

const none: readonly Account[] = [];

export function createBudgets(options: {
  readonly config: Config;
  readonly clock: Clock;
  readonly onAlert: (alert: BudgetAlert) => void;
}): Budgets {
  const { clock } = options;
  let softAt = options.config.budgets.soft_at;
  /** By name, as many as the config limits. */
  let keys: ReadonlyMap<string, Account> = new Map();
  let routes: ReadonlyMap<string, Account> = new Map();
  limit(options.config);

  return {
    check(key) {
      const account = key === null ? undefined : keys.get(key);
      if (account === undefined || account.limits.onExceeded !== 'refuse') return;
      turnPages(account, clock.now());
      for (const purse of account.purses)
        if (shareOf(account, purse) >= 1) throw refusal({ account, purse, amount: 0n, now: clock.now() });
    },
    concern: (key, route) => (key !== null && keys.has(key)) || (route !== null && routes.has(route)),
    reserve,
    spend({ key, route, cost }) {
      if (cost === null || cost === 0n) return;
      for (const account of accountsOf(key, route)) {
        turnPages(account, clock.now());
        account.settled += cost;
        for (const purse of account.purses) {
          purse.spent += cost;
          tellIfPassed(account, purse);
        }
      }
    },
    heldElsewhere({ key, route, amount }) {
      for (const account of accountsOf(key, route)) account.reserved += amount;
    },
    limit,
    limits: (by) => (by === 'key' ? keys : routes).size > 0,
    asking() {
      for (const account of [...keys.values(), ...routes.values()]) account.settledWhenAsked = account.settled;
    },
    learn,
  };

  function reserve({ key, route, amount, cheap }: Reservation): Reserved | 'cheap' {
    const accounts = accountsOf(key, route);
    let useCheap = false;
    for (const account of accounts) {
      turnPages(account, clock.now());
      const { onExceeded } = account.limits;
      const purse = onExceeded === 'warn' ? null : exceededPurse(account, amount);
      if (purse === null) continue;
      if (shareOf(account, purse) >= softAt) tell(account, purse, 2);
      if (onExceeded === 'refuse' || cheap === 'impossible')
        throw refusal({ account, purse, amount, now: clock.now() });
      useCheap ||= cheap === 'possible';
    }
    if (useCheap) return 'cheap';
    for (const account of accounts) account.reserved += amount;
    return {
      notice: noticeFor(accounts),
      release() {
        for (const account of accounts) account.reserved -= amount;
      },
    };
  }

  function accountsOf(key: string | null, route: string | null): readonly Account[] {
    const ofKey = key === null ? undefined : keys.get(key);
    const ofRoute = route === null ? undefined : routes.get(route);
    if (ofKey === undefined) return ofRoute === undefined ? none : [ofRoute];
    return ofRoute === undefined ? [ofKey] : [ofKey, ofRoute];
  }

  function limit(config: Config): void {
    const { on_exceeded: usual } = config.budgets;
    softAt = config.budgets.soft_at;
    const now = clock.now();
    const limited = (
      prefix: string,
      known: ReadonlyMap<string, Account>,
      entries: readonly (readonly [string, BudgetLimits])[],
    ) =>
      new Map(
        entries
          .filter(([, limits]) => limits.day !== null || limits.month !== null)
          .map(([name, limits]) => {
            const account = known.get(name) ?? openAccount(`${prefix}:${name}`, limits, now);
            account.limits = limits;
            return [name, account];
          }),
      );
    keys = limited(
      'key',
      keys,
      config.auth.keys.map((key) => [
        key.name,
        limitsOf(key.budget_usd_per_day, key.budget_usd_per_month, key.on_exceeded ?? usual),
      ]),
    );
    routes = limited(
      'route',
      routes,
      Object.entries(config.budgets.routes).map(([name, route]) => [
        name,
        limitsOf(route.usd_per_day, route.usd_per_month, route.on_exceeded ?? usual),
      ]),
    );
  }

  function learn({ by, period, start, sums }: LedgerSpend): void {
    for (const [name, account] of by === 'key' ? keys : routes) {
      turnPages(account, clock.now());
      const purse = account.purses[period === 'day' ? 0 : 1];
      // The period has turned while the ledger was asked.
      if (purse.start !== start) continue;
      const spent = (sums.get(name) ?? 0n) + account.settled - account.settledWhenAsked;
      // A ledger that lags behind (it was down, and its records wait in the spill file) takes nothing back.
      if (spent > purse.spent) purse.spent = spent;
      // What was passed before this process began has been told of by an earlier one.
      if (!purse.learned) purse.told = levelOf(account, purse);
      purse.learned = true;
      tellIfPassed(account, purse);
    }
  }

  function noticeFor(accounts: readonly Account[]): string | null {
    let shown: string | null = null;
    let most = softAt;
    for (const account of accounts) {
      const fullest = fullestPurse(account);
      if (fullest === null || fullest.share < most) continue;
      most = fullest.share;
      shown = `${account.name}; period=${fullest.purse.period}; used=${(Math.floor(most * 100) / 100).toFixed(2)}`;
    }
    return shown;
  }

  function levelOf(account: Account, purse: Purse): Purse['told'] {
    const share = shareOf(account, purse);
    return share >= 1 ? 2 : share >= softAt ? 1 : 0;
  }

  function tellIfPassed(account: Account, purse: Purse): void {
    const level = levelOf(account, purse);
    if (level > 0) tell(account, purse, level);
  }

  function tell(account: Account, purse: Purse, level: Purse['told']): void {
    if (purse.told >= level) return;
    purse.told = level;
    options.onAlert(alertOf(account, purse, level === 2 ? 'limit' : 'soft'));
  }
}

function limitsOf(
  perDay: number | undefined,
  perMonth: number | undefined,
  onExceeded: BudgetLimits['onExceeded'],
): BudgetLimits {
  return { day: nanoOf(perDay), month: nanoOf(perMonth), onExceeded };
}

function nanoOf(dollars: number | undefined): bigint | null {
  return dollars === undefined ? null : BigInt(Math.round(dollars * 1e9));
}
