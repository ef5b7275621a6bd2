/**
 * What the gateway tells the outside when something happened. Called after the reply has ended, off the client's path;
 * `assemble.ts` connects it to the ledger, the metrics and the log. Observers must not throw.
 */
import type { DecisionRecord } from '../ledger/record.ts';

export type FinishedRecord = Omit<DecisionRecord, 'prompt' | 'person'>;

/** What the ledger keeps of a request only as its owner allows, or hashed. */
export interface PrivateWords {
  /** The prompt as routing saw it; empty when it saw none. */
  readonly text: string;
  /** Whom the client asked for, in its own words; null when it did not say. */
  readonly person: string | null;
}

export interface GatewayEvents {
  /** One routed or explicit request is over, well or badly. */
  readonly requestFinished: (record: FinishedRecord, said: PrivateWords, traceparent: string | null) => void;
  readonly embedderFailed: (error: unknown) => void;
}
