/**
 * The door: how many requests are inside, whether it still opens, and when the last one has left. `drain()` lets those
 * inside finish; new ones get 503 with `Retry-After`.
 */
import { ShuntError } from '../base/errors.ts';

export interface Admission {
  /** Throws `overloaded` or `draining`. Every enter needs its leave. */
  enter(): void;
  leave(): void;
  readonly inFlight: number;
  readonly draining: boolean;
  /** Resolves when nobody is inside any more. */
  drain(): Promise<void>;
}

export function createAdmission(options: { readonly maxInFlight: number }): Admission {
  let inFlight = 0;
  let draining = false;
  let empty: (() => void)[] = [];
  return {
    enter() {
      if (draining)
        throw new ShuntError('draining', 'The proxy is shutting down. Send the request again to another instance.');
      if (inFlight >= options.maxInFlight) {
        throw new ShuntError(
          'overloaded',
          `The proxy serves ${inFlight} requests already (server.max_in_flight). Try again shortly.`,
        );
      }
      inFlight++;
    },
    leave() {
      inFlight--;
      if (inFlight > 0) return;
      for (const resolve of empty) resolve();
      empty = [];
    },
    get inFlight() {
      return inFlight;
    },
    get draining() {
      return draining;
    },
    drain() {
      draining = true;
      if (inFlight === 0) return Promise.resolve();
      return new Promise((resolve) => empty.push(resolve));
    },
  };
}
