/** A clock that stands still until a test moves it. */
import type { Clock } from '../../src/base/clock.ts';

export interface SteppedClock extends Clock {
  pass(ms: number): void;
}

export function steppedClock(): SteppedClock {
  let at = 1_000;
  return {
    now: () => 1_700_000_000_000 + at,
    monotonic: () => at,
    pass(ms) {
      at += ms;
    },
  };
}
