/** Every check of the conformance table, in the order of the table. */
import type { Check } from './check.ts';
import { answerChecks } from './checks/answers.ts';
import { connectionChecks } from './checks/connections.ts';
import { dialectChecks } from './checks/dialects.ts';
import { requestChecks } from './checks/requests.ts';
import { streamChecks } from './checks/streams.ts';

export const checks: readonly Check[] = [
  ...requestChecks,
  ...answerChecks,
  ...streamChecks,
  ...connectionChecks,
  ...dialectChecks,
];
