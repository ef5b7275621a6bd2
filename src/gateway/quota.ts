/**
 * How fast a key may go: requests a minute and tokens a minute (token buckets), and requests at once. Tokens are taken by
 * an estimate before a request is sent and corrected when it is over, so a bucket may be in debt for a while.
 */
import type { Clock } from '../base/clock.ts';
import { ShuntError } from '../base/errors.ts';
import type { KeyConfig } from '../config/schema.ts';

const minuteMs = 60_000;

export interface Quota {
  /**
   * Takes one request from the key's minute, and a place. Throws `rate_limit_exceeded`, or, where another process counts,
   * rejects with it. Every admit needs its leave.
   */
  admit(key: string | null): void | Promise<void>;
  leave(key: string | null): void;
  limitsTokens(key: string | null): boolean;
  /** Throws `rate_limit_exceeded`. */
  takeTokens(key: string | null, tokens: number): void;
  /** What a request took too much; negative: too little. */
  giveBack(key: string | null, tokens: number): void;
  /** The keys of a reloaded config; what they have used so far stays counted. */
  limit(keys: readonly KeyConfig[]): void;
}

interface Bucket {
  /** May be below 0. */
  level: number;
  filledAt: number;
}

interface KeyState {
  limits: KeyConfig;
  readonly requests: Bucket;
  readonly tokens: Bucket;
  inFlight: number;
}

export function createQuota(options: { readonly keys: readonly KeyConfig[]; readonly clock: Clock }): Quota {
  const { clock } = options;
  /** As many as there are keys in the config. */
  let states: ReadonlyMap<string, KeyState> = new Map();
  limit(options.keys);

  return {
    admit(key) {
      const state = stateOf(key);
      if (state === undefined) return;
      const { max_in_flight: most, requests_per_minute: perMinute } = state.limits;
      if (most !== undefined && state.inFlight >= most) throw tooMany(state, `have ${most} requests under way`, 1_000);
      if (perMinute !== undefined) take(state, { bucket: state.requests, perMinute, amount: 1, noun: 'requests' });
      state.inFlight++;
    },
    leave(key) {
      const state = stateOf(key);
      if (state !== undefined && state.inFlight > 0) state.inFlight--;
    },
    limitsTokens: (key) => stateOf(key)?.limits.tokens_per_minute !== undefined,
    takeTokens(key, tokens) {
      const state = stateOf(key);
      const perMinute = state?.limits.tokens_per_minute;
      if (state === undefined || perMinute === undefined) return;
      take(state, { bucket: state.tokens, perMinute, amount: tokens, noun: 'tokens' });
    },
    giveBack(key, tokens) {
      const state = stateOf(key);
      if (state !== undefined) state.tokens.level += tokens;
    },
    limit,
  };

  function stateOf(key: string | null): KeyState | undefined {
    return key === null ? undefined : states.get(key);
  }

  function limit(keys: readonly KeyConfig[]): void {
    const now = clock.monotonic();
    states = new Map(
      keys.map((limits) => {
        const known = states.get(limits.name);
        if (known === undefined) return [limits.name, newState(limits, now)];
        // A rate that is new begins with its whole minute.
        if (known.limits.requests_per_minute === undefined) fill(known.requests, limits.requests_per_minute, now);
        if (known.limits.tokens_per_minute === undefined) fill(known.tokens, limits.tokens_per_minute, now);
        known.limits = limits;
        return [limits.name, known];
      }),
    );
  }

  function take(
    state: KeyState,
    asked: { readonly bucket: Bucket; readonly perMinute: number; readonly amount: number; readonly noun: string },
  ): void {
    const { bucket, perMinute, amount, noun } = asked;
    const now = clock.monotonic();
    bucket.level = Math.min(perMinute, bucket.level + ((now - bucket.filledAt) / minuteMs) * perMinute);
    bucket.filledAt = now;
    // More than a whole minute's is let through when the bucket is full: the debt then holds the next one back.
    const needed = Math.min(amount, perMinute);
    if (bucket.level < needed)
      throw tooMany(state, `send ${perMinute} ${noun} a minute`, ((needed - bucket.level) / perMinute) * minuteMs);
    bucket.level -= amount;
  }
}

function newState(limits: KeyConfig, now: number): KeyState {
  const bucket = (perMinute = 0): Bucket => ({ level: perMinute, filledAt: now });
  const { requests_per_minute: requests, tokens_per_minute: tokens } = limits;
  return { limits, requests: bucket(requests), tokens: bucket(tokens), inFlight: 0 };
}

function fill(bucket: Bucket, perMinute: number | undefined, now: number): void {
  bucket.level = perMinute ?? 0;
  bucket.filledAt = now;
}

function tooMany(state: KeyState, may: string, retryAfterMs: number): ShuntError {
  return new ShuntError('rate_limit_exceeded', `Key '${state.limits.name}' may ${may}.`, { retryAfterMs });
}
