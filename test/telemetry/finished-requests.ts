/** Finished requests for tests of metrics and traces; what the ledger writes must fit without a cast. */
import type { DecisionRecord } from '../../src/ledger/record.ts';
import type { FinishedRequest } from '../../src/telemetry/finished-request.ts';
import { sampleRecord } from '../ledger/sample-records.ts';

export function finishedRequest(changes: Partial<DecisionRecord> = {}): FinishedRequest {
  const { prompt: _prompt, ...record } = sampleRecord({ id: 'r1', ...changes });
  return record;
}
