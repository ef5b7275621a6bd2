/**
 * A backend is an HTTP service that speaks an LLM API. The contract is push-style, after undici's `dispatch`: bytes go
 * to a sink as they come, the sink says when to pause, nothing is buffered in between.
 *
 *   send(call, sink) ─► sink.onHeaders(status, headers) ─► sink.onData(chunk)* ─► sink.onEnd()
 *                                └────────────── any time ──────────────► sink.onError(failure)
 *
 * Exactly one of `onEnd` and `onError` is called, exactly once, and nothing after it. The sink is never called before
 * `send` has returned, so that a caller can keep the stream first.
 * Implementations: `http.ts` (undici) and `simulated.ts` (in process); both run `test/backend/backend-contract.ts`.
 */

import type { Readable } from 'node:stream';
import type { CancelSignal } from '../base/cancel.ts';

/** Names and values in turn, as on the wire: duplicates, order and spelling survive. */
export type RawHeaders = readonly string[];

export interface BackendCall {
  readonly method: string;
  /** Below the backend's base URL, with the query: `/chat/completions`. */
  readonly path: string;
  /** Already filtered for the backend (see headers.ts); the backend adds its own credential. */
  readonly headers: RawHeaders;
  /** A stream is sent once and never retried. */
  readonly body: Buffer | Readable | null;
  /** Aborting it ends the call with a failure of kind `aborted`. */
  readonly signal: CancelSignal;
  /** What is left of the request's own time, where that may be less than the backend's `total_ms`. */
  readonly totalMs?: number;
}

export interface BackendSink {
  /** Once, before any data; 1xx are not reported. */
  onHeaders(status: number, headers: RawHeaders): void;
  /** `false` pauses the backend until `resume()`. The chunk is the sink's to keep. */
  onData(chunk: Buffer): boolean;
  onEnd(): void;
  onError(failure: BackendFailure): void;
}

export interface BackendStream {
  resume(): void;
}

export type FailureKind =
  | 'aborted'
  | 'connect'
  | 'connect-timeout'
  | 'first-byte-timeout'
  | 'idle-timeout'
  | 'total-timeout'
  | 'reset'
  | 'protocol';

export interface BackendFailure {
  readonly kind: FailureKind;
  /** For logs: names the backend and the address, never a credential. */
  readonly message: string;
  readonly cause?: unknown;
}

export interface Backend {
  readonly name: string;
  readonly kind: 'openai' | 'anthropic' | 'simulated';
  send(call: BackendCall, sink: BackendSink): BackendStream;
  close(): Promise<void>;
}
