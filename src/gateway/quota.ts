/**
 * What a key may still do: requests a minute (a token bucket) and dollars a day (UTC). Spend is what the ledger knows of
 * today at start, plus every request since. A request that starts under the budget is let through and may end above it;
 * the next one is refused.
 */
import type { Clock } from '../base/clock.ts';
import { ShuntError } from '../base/errors.ts';
import { formatUsd, type NanoUsd, zeroUsd } from '../base/money.ts';
import type { Config, KeyConfig } from '../config/schema.ts';
import type { Tenant } from './tenant.ts';

const dayMs = 86_400_000;
const minuteMs = 60_000;

export interface Quota {
  /** Takes one request from the key's minute. Throws `rate_limit_exceeded` or `budget_exceeded`. */
  admit(tenant: Tenant): void;
  spend(key: string | null, cost: NanoUsd | null): void;
  /** The keys of a reloaded config; what they have used so far stays counted. */
  limit(keys: readonly KeyConfig[]): void;
}

interface KeyState {
  tokens: number;
  refilledAt: number;
  day: number;
  spent: bigint;
}

export function createQuota(options: {
  readonly config: Config;
  readonly clock: Clock;
  /** Nano-dollars that a key has spent since midnight UTC, from the ledger. */
  readonly spentToday: ReadonlyMap<string, NanoUsd>;
}): Quota {
  const { clock } = options;
  let limits = byName(options.config.auth.keys);
  const states = new Map<string, KeyState>();

  return {
    admit(tenant) {
      const limit = tenant.key === null ? undefined : limits.get(tenant.key);
      if (limit === undefined || tenant.key === null) return;
      const state = stateOf(tenant.key);
      checkBudget(tenant.key, limit.budget_usd_per_day, state);
      if (limit.requests_per_minute !== undefined) takeToken(tenant.key, limit.requests_per_minute, state);
    },
    spend(key, cost) {
      if (key === null || cost === null || !limits.has(key)) return;
      stateOf(key).spent += cost;
    },
    limit(keys) {
      limits = byName(keys);
    },
  };

  function stateOf(key: string): KeyState {
    const day = Math.floor(clock.now() / dayMs);
    let state = states.get(key);
    if (state === undefined) {
      const tokens = limits.get(key)?.requests_per_minute ?? 0;
      state = { tokens, refilledAt: clock.monotonic(), day, spent: options.spentToday.get(key) ?? zeroUsd };
      states.set(key, state);
    }
    if (state.day !== day) {
      state.day = day;
      state.spent = 0n;
    }
    return state;
  }

  function checkBudget(key: string, usdPerDay: number | undefined, state: KeyState): void {
    if (usdPerDay === undefined || state.spent < BigInt(Math.round(usdPerDay * 1e9))) return;
    const untilMidnight = dayMs - (clock.now() % dayMs);
    const spent = formatUsd(state.spent as NanoUsd, 4);
    throw new ShuntError('budget_exceeded', `Key '${key}' has spent ${spent} of its $${usdPerDay} for today (UTC).`, {
      retryAfterMs: untilMidnight,
    });
  }

  function takeToken(key: string, perMinute: number, state: KeyState): void {
    const now = clock.monotonic();
    state.tokens = Math.min(perMinute, state.tokens + ((now - state.refilledAt) / minuteMs) * perMinute);
    state.refilledAt = now;
    if (state.tokens >= 1) {
      state.tokens -= 1;
      return;
    }
    const retryAfterMs = ((1 - state.tokens) / perMinute) * minuteMs;
    throw new ShuntError('rate_limit_exceeded', `Key '${key}' may send ${perMinute} requests a minute.`, {
      retryAfterMs,
    });
  }
}

function byName(keys: readonly KeyConfig[]): ReadonlyMap<string, KeyConfig> {
  return new Map(keys.map((key) => [key.name, key]));
}
