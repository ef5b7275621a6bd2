/** What goes into an exchange and what comes out of it: the words that `exchange.ts` shares with its callers. */

import type { Readable } from 'node:stream';
import type { BackendFailure, RawHeaders } from '../backend/contract.ts';
import type { Endpoints } from '../backend/endpoints.ts';
import type { CancelSignal } from '../base/cancel.ts';
import type { Clock } from '../base/clock.ts';
import { ShuntError } from '../base/errors.ts';
import type { TokenUsage } from '../ledger/record.ts';
import type { AnswerReader } from './answer-reader.ts';
import type { AnswerWriter } from './answer-writer.ts';
import type { StreamForm } from './stream-form.ts';

export interface Attempt {
  /** Config name of the model. */
  readonly model: string;
  /** Of the model's backend: the exchange chooses among them. */
  readonly endpoints: Endpoints;
  /** The only endpoint that can answer, as long as it exists; null: any. */
  readonly endpoint?: string | null;
  readonly method: string;
  readonly path: string;
  readonly headers: RawHeaders;
  /** A stream can be sent once: then `retries` must be 0 and there is no other attempt. */
  readonly body: Buffer | Readable | null;
  /** Being carried out twice does no harm but its price: it may go to another endpoint though the first began with it. */
  readonly repeatable: boolean;
  /** How often the same model may be tried again, after a pause, when what failed may pass. */
  readonly retries: number;
  /** Its failures of any kind send the request on to the next attempt; the last attempt's are passed to the client. */
  readonly expendable: boolean;
  /** The proxy asked for usage in this stream; the client did not. */
  readonly stripUsage: boolean;
  /** Reads a refusal (400, 422): the parameter that the model does not take, when that is what it says. */
  readonly learn?: (body: Buffer) => string | null;
}

export interface ExchangeRequest {
  /** Made when their turn comes: most requests need only the first. */
  readonly attempts: readonly (() => Attempt)[];
  readonly stream: boolean;
  /** How a stream of this dialect reads. */
  readonly form: StreamForm;
  readonly client: AnswerWriter;
  readonly signal: CancelSignal;
  /** For all attempts together, pauses between them and the answer's end included. */
  readonly totalMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** Own headers: `x-shunt-*` and `server-timing`. `rejected` and `skipped` as in the result. */
  readonly ownHeaders: (answer: Answering) => readonly string[];
  /** Keep the body of a whole 2xx answer of at most this many bytes; 0: none. */
  readonly keepBytes: number;
  /** Told once, as soon as an answer names itself (Responses). */
  readonly onResponseId?: (id: string, maker: { readonly model: string; readonly endpoint: string }) => void;
}

interface Answering {
  readonly model: string;
  readonly rejected: string | null;
  readonly skipped: boolean;
}

export interface ExchangeResult {
  /** The model whose answer went to the client; null when none did. */
  readonly model: string | null;
  readonly backend: string | null;
  /** Name of the endpoint of that backend. */
  readonly endpoint: string | null;
  readonly status: number;
  readonly attempts: number;
  /** Why earlier attempts were left: `large: 503`, `small: connect`. */
  readonly failures: readonly string[];
  /** The parameter that an earlier attempt's model did not take. */
  readonly rejected: string | null;
  /** The first model was not asked at all: its endpoints are left alone for a while. */
  readonly skipped: boolean;
  readonly errorCode: string | null;
  /** The answer's own id; null when it has none. */
  readonly responseId: string | null;
  readonly usage: TokenUsage | null;
  readonly finishReason: string | null;
  readonly truncated: boolean;
  /** The answer was a stream of events. */
  readonly stream: boolean;
  readonly firstByteMs: number | null;
  readonly sentBytes: number;
  /** The beginning of the answer, for counting its tokens: only when usage was not reported whole. */
  readonly sample: Buffer | null;
  /** The whole 2xx body, when asked for and complete. */
  readonly body: Buffer | null;
  /** Nothing was written to the client: this is what to answer. */
  readonly error: ShuntError | null;
}

export const nothingSent: ExchangeResult = {
  model: null,
  backend: null,
  endpoint: null,
  status: 502,
  attempts: 0,
  failures: [],
  rejected: null,
  skipped: false,
  errorCode: null,
  responseId: null,
  usage: null,
  finishReason: null,
  truncated: false,
  stream: false,
  firstByteMs: null,
  sentBytes: 0,
  sample: null,
  body: null,
  error: null,
};

/** The result of an answer that came from the cache: nothing was sent to a backend, nothing was bought. */
export function replayedResult(
  model: string,
  answer: { readonly usage: TokenUsage | null; readonly stream: boolean },
): ExchangeResult {
  const usage: TokenUsage | null = answer.usage === null ? null : { ...answer.usage, source: 'cached' };
  return { ...nothingSent, model, status: 200, usage, stream: answer.stream };
}

export function readingOf(reader: AnswerReader): Partial<ExchangeResult> {
  const { usage, finishReason, errorCode, body, streamCut, responseId } = reader.reading;
  const { sentBytes, stream } = reader;
  const sample = usage === null || streamCut ? reader.sample() : null;
  return { usage, finishReason, errorCode, responseId: responseId || null, body, stream, sentBytes, sample };
}

export function failureError(plan: Attempt, failure: BackendFailure): ShuntError {
  const timedOut = failure.kind.endsWith('-timeout') && failure.kind !== 'connect-timeout';
  const code = timedOut
    ? 'backend_timeout'
    : failure.kind.startsWith('connect')
      ? 'backend_unreachable'
      : 'backend_error';
  return new ShuntError(
    code,
    `The backend '${plan.endpoints.name}' of model '${plan.model}' failed (${failure.kind}).`,
  );
}

/** The body comes from the client while it is sent, and can be sent once. */
export function isUpload({ body }: Attempt): boolean {
  return body !== null && !Buffer.isBuffer(body);
}
