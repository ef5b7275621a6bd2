/**
 * What the gateway tells the outside when something happened. Called after the reply has ended, off the client's path;
 * `assemble.ts` connects it to the ledger, the metrics and the log. Observers must not throw.
 */
import type { DecisionRecord } from '../ledger/record.ts';

export interface GatewayEvents {
  /** One routed or explicit request is over, well or badly. `text` is the prompt as routing saw it. */
  readonly requestFinished: (record: Omit<DecisionRecord, 'prompt'>, text: string, traceparent: string | null) => void;
  readonly embedderFailed: (error: unknown) => void;
}
