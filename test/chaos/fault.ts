/**
 * One row of the chaos table: what is broken, what is asked meanwhile, and what must hold whatever happens: requests that
 * could succeed do, nothing hangs beyond its deadline, the process returns to its baseline, the ledger is exact.
 */
import type { ChaosStage } from './stage.ts';

export interface Fault {
  readonly name: string;
  run(stage: ChaosStage): Promise<Outcome>;
}

export interface Outcome {
  readonly requests: number;
  /** Requests that could succeed, as far as the fault lets them. */
  readonly expected: number;
  readonly succeeded: number;
  /** What the others saw, and how often: `502 backend_error`, `cut`, `error event`. */
  readonly errors: ReadonlyMap<string, number>;
  /** In-flight count, file descriptors and memory came back; null: the process is meant to be gone. */
  readonly baseline: boolean | null;
  /** Every committed decision is there once; null: there is nothing to compare. */
  readonly ledger: boolean | null;
  /** What did not hold, in words; empty: the fault was survived as it should be. */
  readonly problems: readonly string[];
  /** Why it could not be tried here. */
  readonly skipped?: string;
}

export const nothingAsked: Outcome = {
  requests: 0,
  expected: 0,
  succeeded: 0,
  errors: new Map(),
  baseline: null,
  ledger: null,
  problems: [],
};

/** Polls until `holds`, or says no when it has waited long enough for a loaded machine. */
export async function within(ms: number, holds: () => boolean | Promise<boolean>): Promise<boolean> {
  const until = performance.now() + ms;
  for (;;) {
    if (await holds()) return true;
    if (performance.now() > until) return false;
    await pause(50);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
