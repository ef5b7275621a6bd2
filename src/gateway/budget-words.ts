/** What is said of a budget: to the client that is refused, and to whoever is to be told that it runs out. */
import { ShuntError } from '../base/errors.ts';
import { formatUsd, type NanoUsd, usdNumber } from '../base/money.ts';
import { type Account, type BudgetLimits, type Period, type Purse, shareOf } from './account.ts';

export interface BudgetAlert {
  /** The same from every replica: `key:app-a/day/2026-11-20/soft`. */
  readonly id: string;
  readonly level: 'soft' | 'limit';
  readonly scope: 'key' | 'route';
  readonly name: string;
  readonly period: Period;
  readonly period_start: string;
  readonly resets_at: string;
  readonly spent_usd: number;
  readonly limit_usd: number;
  readonly share: number;
  readonly on_exceeded: BudgetLimits['onExceeded'];
}

/** `amount`: what the request may cost; 0: it has not been looked at. */
export function refusal(step: {
  readonly account: Account;
  readonly purse: Purse;
  readonly amount: bigint;
  readonly now: number;
}): ShuntError {
  const { account, purse, amount, now } = step;
  const need = amount > 0n ? ` This request may cost up to ${usd(amount)}: a smaller max_tokens lowers that.` : '';
  const resets = new Date(purse.end).toISOString().slice(0, 16);
  return new ShuntError('budget_exceeded', `${stateOf(account, purse)}${need} The budget starts anew at ${resets}Z.`, {
    retryAfterMs: purse.end - now,
  });
}

/** What a route has spent is not one client's business: it was spent by all. */
function stateOf(account: Account, purse: Purse): string {
  const [scope, name] = scopeOf(account);
  if (scope === 'route') return `The budget of route '${name}' has no room for this request this ${purse.period}.`;
  const limit = usd(account.limits[purse.period] ?? 0n);
  const reserved = account.reserved > 0n ? `, ${usd(account.reserved)} are reserved for requests under way` : '';
  return `Key '${name}' has spent ${usd(purse.spent)} of its ${limit} for this ${purse.period}${reserved}.`;
}

export function alertOf(account: Account, purse: Purse, level: BudgetAlert['level']): BudgetAlert {
  const [scope, name] = scopeOf(account);
  const start = new Date(purse.start).toISOString();
  return {
    id: `${account.name}/${purse.period}/${start.slice(0, 10)}/${level}`,
    level,
    scope,
    name,
    period: purse.period,
    period_start: start,
    resets_at: new Date(purse.end).toISOString(),
    spent_usd: usdNumber(purse.spent as NanoUsd),
    limit_usd: usdNumber((account.limits[purse.period] ?? 0n) as NanoUsd),
    share: shareOf(account, purse),
    on_exceeded: account.limits.onExceeded,
  };
}

function scopeOf(account: Account): ['key' | 'route', string] {
  const at = account.name.indexOf(':');
  return [account.name.slice(0, at) === 'key' ? 'key' : 'route', account.name.slice(at + 1)];
}

function usd(amount: bigint): string {
  return formatUsd(amount as NanoUsd, 4);
}
