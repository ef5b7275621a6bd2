/** What the log says when a breaker changes: that something is left alone, once, and that it is back. Never a key. */
import type { Clock } from '../base/clock.ts';
import type { Breaker, BreakerState } from './breaker.ts';
import type { BreakerPlace } from './breaker-board.ts';

export interface BreakerLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function breakerLine(change: {
  readonly place: BreakerPlace;
  readonly breaker: Breaker;
  readonly from: BreakerState;
  readonly clock: Clock;
}): BreakerLine {
  const { place, breaker, from, clock } = change;
  const { backend, endpoint, model } = place;
  const where = { backend, endpoint, ...(model === null ? {} : { model }) };
  if (breaker.state === 'closed') return { level: 'info', message: 'a backend endpoint is back', fields: where };
  if (breaker.state === 'half-open') {
    return { level: 'debug', message: 'a backend endpoint that was left alone is tried', fields: where };
  }
  const { cause, failures } = breaker;
  const fields = { ...where, cause, failures, for_ms: Math.round(breaker.until - clock.monotonic()) };
  // That it fails again when it is tried is no news.
  if (from !== 'closed') return { level: 'debug', message: 'a backend endpoint is still left alone', fields };
  if (cause !== 'refusal') return { level: 'warn', message: 'a backend endpoint is left alone for a while', fields };
  const message = `a backend refuses the key of an endpoint${model === null ? '' : ' for a model'}; check that key`;
  return { level: 'error', message, fields };
}
