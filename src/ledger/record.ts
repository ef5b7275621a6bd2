/**
 * One row of the ledger: the decision about one request, what it cost and how long it took. Written once, after the
 * reply has ended; its columns are the same in SQLite, in `GET /v1/decisions/{id}` and in reports.
 */
import type { NanoUsd } from '../base/money.ts';
import type { CheckVerdict } from './outcome.ts';

export interface TokenUsage {
  readonly input: number;
  readonly cachedInput: number;
  /** Of the input, what the backend wrote to its prompt cache: priced apart, recorded as input. */
  readonly cacheWrite?: number;
  readonly output: number;
  readonly reasoning: number;
  /** `reported` by the backend, `estimated` by us, `cached`: replayed, nothing was bought. */
  readonly source: 'reported' | 'estimated' | 'cached' | 'none';
}

export interface LatencySplit {
  /** Last byte of the request body to first byte sent to the first backend attempt, or to the client without one. */
  readonly addedMs: number;
  readonly embedMs: number;
  readonly matchMs: number;
  /** First backend attempt sent to first byte of the answer; null when none came. */
  readonly firstByteMs: number | null;
  readonly totalMs: number;
}

export interface DecisionRecord {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly tenant: string;
  /** Name of the virtual key; null in anonymous mode. */
  readonly key: string | null;
  readonly tags: readonly string[];
  readonly endpoint: string;
  readonly requestedModel: string;
  readonly route: string | null;
  /** The route that monitor mode would have taken, or that a forced/pinned request did not ask the matcher for: null. */
  readonly wouldRoute: string | null;
  readonly reason: string;
  readonly score: number | null;
  readonly threshold: number | null;
  readonly margin: number | null;
  /** JSON of the best candidates, for explaining; prompt text is never in it. */
  readonly candidates: string | null;
  readonly snapshot: string;
  /** Config name of the model that answered; null when none did. */
  readonly model: string | null;
  readonly backend: string | null;
  readonly fallbackModel: string;
  readonly attempts: number;
  /** `hit`: an exact one, from memory or the database, or shared with a request that was under way (`coalesced`). */
  readonly cache: 'hit' | 'semantic' | 'miss' | 'bypass';
  /** `switched`: an open tool loop had to go on with another model, because its own failed. It should never happen. */
  readonly pin: 'none' | 'new' | 'kept' | 'escalated' | 'switched';
  readonly stream: boolean;
  readonly status: number;
  readonly errorCode: string | null;
  readonly finishReason: string | null;
  /** The answer's own id, by which feedback may call it: `chatcmpl-…`, `resp_…`, `msg_…`. null for one out of the cache. */
  readonly responseId: string | null;
  /** What an automatic look at the answer found; null when there was nothing to check and nothing wrong. */
  readonly verdict: CheckVerdict | null;
  /** The answer was cut: the stream ended without its end, or the client went away. */
  readonly truncated: boolean;
  readonly usage: TokenUsage;
  /** null: unpriced, which is not the same as free. Retries and failed attempts are in it. */
  readonly cost: NanoUsd | null;
  /** What the fallback model would have charged for the same tokens; null when it is unpriced. */
  readonly fallbackCost: NanoUsd | null;
  readonly latency: LatencySplit;
  /** Whom the client asked for (`user`, `metadata.user_id`), as `hmac:…` always; null when it did not say. */
  readonly person: string | null;
  /** As `ledger.prompts` allows: null, `hmac:…`, redacted text, or the text. */
  readonly prompt: string | null;
}
