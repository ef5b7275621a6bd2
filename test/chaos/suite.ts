/** Runs faults as tests, and leaves their outcomes to `write-table.ts` when it asks for them. */
import { appendFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Fault, Outcome } from './fault.ts';
import { backendFaultNames } from './faults/backend-faults.ts';
import { clientFaultNames } from './faults/client-faults.ts';
import { type ChaosStage, openStage } from './stage.ts';

const long = process.env.CHAOS_FORM === 'long';
const results = process.env.CHAOS_RESULTS;
const timeout = long ? 180_000 : 90_000;

export interface Row extends Omit<Outcome, 'errors'> {
  readonly group: string;
  readonly fault: string;
  readonly errors: readonly (readonly [string, number])[];
}

export function describeFaults(group: string, faults: readonly Fault[]): void {
  describe(`${group} fails`, () => {
    let stage: ChaosStage;
    beforeAll(async () => {
      stage = await openStage({ long, backends: [...backendFaultNames, ...clientFaultNames] });
    }, timeout);
    afterAll(() => stage.close(), timeout);

    for (const fault of faults) {
      test(
        fault.name,
        async (context) => {
          const outcome = await fault.run(stage);
          if (results) {
            const { requests, expected, succeeded, baseline, ledger, problems, skipped } = outcome;
            const figures = { requests, expected, succeeded, baseline, ledger, problems, skipped };
            const row: Row = { group, fault: fault.name, ...figures, errors: [...outcome.errors] };
            appendFileSync(results, `${JSON.stringify(row)}\n`);
          }
          if (outcome.skipped !== undefined) context.skip(outcome.skipped);
          expect(outcome.problems, `errors seen: ${JSON.stringify([...outcome.errors])}`).toEqual([]);
        },
        timeout,
      );
    }
  });
}
