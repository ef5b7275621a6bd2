/**
 * All breakers of the process. They outlive a reload: a backend that is left alone is still left alone when somebody has
 * edited a route card. Each is made at its first lease and forgotten with its last, so that what a reload takes away
 * goes with the runtime that used it, and nothing grows.
 */
import { Breaker, type BreakerSettings, type BreakerState } from './breaker.ts';

/** Names of the config; `model` null: the endpoint's key, whatever the model. */
export interface BreakerPlace {
  readonly backend: string;
  readonly endpoint: string;
  readonly model: string | null;
}

export interface BreakerEvents {
  /** At each change of state. */
  readonly breakerMoved: (place: BreakerPlace, breaker: Breaker, from: BreakerState) => void;
  /** A retry that a backend's budget did not allow. */
  readonly retryDenied: (backend: string) => void;
}

interface BreakerLease {
  readonly breaker: Breaker;
  release(): void;
}

export interface BreakerBoard {
  readonly events: BreakerEvents;
  /** `id` stands for all that makes it this one and no other, its settings included. */
  lease(id: string, settings: BreakerSettings, place: BreakerPlace): BreakerLease;
}

export function createBreakerBoard(events: BreakerEvents): BreakerBoard {
  const shared = new Map<string, { readonly breaker: Breaker; users: number }>();
  return {
    events,
    lease(id, settings, place) {
      const entry = shared.get(id) ?? {
        breaker: new Breaker(settings, (breaker, from) => events.breakerMoved(place, breaker, from)),
        users: 0,
      };
      shared.set(id, entry);
      entry.users++;
      let held = true;
      return {
        breaker: entry.breaker,
        release() {
          if (!held) return;
          held = false;
          if (--entry.users === 0) shared.delete(id);
        },
      };
    },
  };
}
