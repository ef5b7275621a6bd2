/**
 * A retry budget: retries help while little fails, and multiply the load when everything does. So every first try pays
 * a share of a retry into a bucket, time pays in a little, and each retry takes one out (after Finagle's `RetryBudget`).
 */
import type { Clock } from '../base/clock.ts';

export interface RetryBudget {
  /** A request was sent for the first time. */
  sent(): void;
  /** Whether a retry is paid for; if so, it is spent. */
  take(): boolean;
}

/** What time alone fills the bucket to, for backends with little traffic. */
const floor = 10;
const perSecond = 1;
/** The most that busy and quiet times save up for one bad moment. */
const most = 100;

/** `share`: retries per request, in the long run. */
export function createRetryBudget(options: { readonly share: number; readonly clock: Clock }): RetryBudget {
  const { share, clock } = options;
  let left = floor;
  let at = clock.monotonic();
  return {
    sent() {
      left = Math.min(most, left + share);
    },
    take() {
      const now = clock.monotonic();
      if (left < floor) left = Math.min(floor, left + ((now - at) / 1_000) * perSecond);
      at = now;
      if (left < 1) return false;
      left--;
      return true;
    },
  };
}
