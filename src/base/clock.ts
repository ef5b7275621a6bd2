/** Time as an argument, so that tests never sleep to wait for luck. */
export interface Clock {
  /** Milliseconds since the epoch; may jump. For records and TTLs. */
  now(): number;
  /** Milliseconds from an arbitrary origin; never goes back. For durations. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
