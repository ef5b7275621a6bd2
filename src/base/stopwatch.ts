/** Laps of work that is done in a row: each is told with the time since the one before it. */
import type { Clock } from './clock.ts';

export type OnLap = (part: string, ms: number) => void;

export type Lap = (part: string) => void;

/** Runs from now on. */
export function startStopwatch(clock: Pick<Clock, 'monotonic'>, onLap: OnLap | undefined): Lap {
  let last = clock.monotonic();
  return (part) => {
    const now = clock.monotonic();
    onLap?.(part, now - last);
    last = now;
  };
}
