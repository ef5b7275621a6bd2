/**
 * One exchange: a request goes to its first model, on failure to the next, and the first answer worth passing on is
 * relayed to the client as it comes.
 *
 *   attempt 1 ─► connect error, 408/409/429/5xx (or any error of a routed target) ─► attempt 2 … last ─► relayed as it is
 *                                                                    │
 *                                 2xx ─► headers to the client: from here on nothing can be taken back
 *
 * Bytes are passed through, never collected to look at them; a slow client pauses the backend; a client that goes away
 * aborts it. What passed is metered for the ledger.
 */
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Backend, BackendFailure, BackendStream, RawHeaders } from '../backend/contract.ts';
import { forwardedResponseHeaders, headerValue } from '../backend/headers.ts';
import type { Clock } from '../base/clock.ts';
import { ShuntError } from '../base/errors.ts';
import type { TokenUsage } from '../ledger/record.ts';
import { type AnswerReader, createAnswerReader } from './answer-reader.ts';

export interface Attempt {
  /** Config name of the model. */
  readonly model: string;
  readonly backend: Backend;
  readonly method: string;
  readonly path: string;
  readonly headers: RawHeaders;
  /** A stream can be sent once: then `retries` must be 0 and there is no other attempt. */
  readonly body: Buffer | Readable | null;
  /** How often the same model may be tried again after a passing failure. */
  readonly retries: number;
  /** Its failures of any kind send the request on to the next attempt; the last attempt's are passed to the client. */
  readonly expendable: boolean;
  /** The proxy asked for usage in this stream; the client did not. */
  readonly stripUsage: boolean;
}

export interface ExchangeRequest {
  /** Made when their turn comes: most requests need only the first. */
  readonly attempts: readonly (() => Attempt)[];
  readonly stream: boolean;
  readonly client: ServerResponse;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: () => number;
  /** Own headers for the answer of `model`: `x-shunt-*` and `server-timing`. */
  readonly ownHeaders: (model: string, attempt: number) => readonly string[];
  /** Keep the body of a whole 2xx answer of at most this many bytes; 0: none. */
  readonly keepBytes: number;
}

export interface ExchangeResult {
  /** The model whose answer went to the client; null when none did. */
  readonly model: string | null;
  readonly backend: string | null;
  readonly status: number;
  readonly attempts: number;
  /** Why earlier attempts were left: `large: 503`, `small: connect`. */
  readonly failures: readonly string[];
  readonly errorCode: string | null;
  readonly usage: TokenUsage | null;
  readonly finishReason: string | null;
  readonly truncated: boolean;
  /** The answer was a stream of events. */
  readonly stream: boolean;
  readonly firstByteMs: number | null;
  readonly sentTokens: number;
  /** The whole 2xx body, when asked for and complete. */
  readonly body: Buffer | null;
  /** Nothing was written to the client: this is what to answer. */
  readonly error: ShuntError | null;
}

const retryableStatus = new Set([408, 409, 429, 500, 502, 503, 504, 529]);
/** A backend that asks for more patience than this has no place in an interactive retry. */
const longestRetryAfterMs = 5_000;
const backoffMs = 250;

/** Resolves when the client has its answer or is gone; never rejects for a backend's or the client's fault. */
export function exchange(request: ExchangeRequest): Promise<ExchangeResult> {
  return new Promise((resolve) => {
    run(request, resolve);
  });
}

function run(request: ExchangeRequest, resolve: (result: ExchangeResult) => void): void {
  const { client, signal, clock, attempts } = request;
  const failures: string[] = [];
  let sent = 0;
  let firstSentAt = 0;
  let current: AbortController | null = null;
  let settled = false;

  const onClientGone = () => {
    current?.abort(signal.reason);
    if (current === null) finish({ status: 499, errorCode: 'client_closed_request', truncated: true });
  };
  if (signal.aborted) {
    finish({ status: 499, errorCode: 'client_closed_request', truncated: true });
    return;
  }
  signal.addEventListener('abort', onClientGone, { once: true });
  attempt(0, null);

  /** `left`: retries on the same model that are left; null at its first try. */
  function attempt(index: number, left: number | null): void {
    const plan = attempts[index]();
    const retriesLeft = left ?? plan.retries;
    const controller = new AbortController();
    current = controller;
    sent++;
    if (sent === 1) firstSentAt = clock.monotonic();
    const last = index === attempts.length - 1;
    let reader: AnswerReader | null = null;
    let stream: BackendStream | null = null;
    let abandoned = false;
    let discarded = 0;
    let status = 0;
    let firstByteMs: number | null = null;
    const onDrain = () => stream?.resume();

    const next = (why: string, retryAfterMs: number | null): boolean => {
      if (signal.aborted) return false;
      if (!last && plan.expendable) {
        failures.push(`${plan.model}: ${why}`);
        attempt(index + 1, null);
        return true;
      }
      const wait = retryAfterMs ?? request.random() * backoffMs * 2 ** (plan.retries - retriesLeft);
      if (retriesLeft <= 0 || wait > longestRetryAfterMs) return false;
      failures.push(`${plan.model}: ${why}`);
      current = null;
      const timer = setTimeout(() => {
        if (!settled) attempt(index, retriesLeft - 1);
      }, wait);
      signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
      return true;
    };

    stream = plan.backend.send(
      { method: plan.method, path: plan.path, headers: plan.headers, body: plan.body, signal: controller.signal },
      {
        onHeaders(code, headers) {
          status = code;
          firstByteMs = clock.monotonic() - firstSentAt;
          const failed = code >= 400;
          const worthAnother = retryableStatus.has(code) || (failed && plan.expendable && !last);
          if (worthAnother && next(String(code), retryAfter(headers))) {
            abandoned = true;
            return;
          }
          const contentType = headerValue(headers, 'content-type') ?? '';
          // Asked for as it is, yet compressed: it passes, but nobody here can read it.
          const readable = (headerValue(headers, 'content-encoding') ?? 'identity') === 'identity';
          const isStream = request.stream && readable && contentType.includes('text/event-stream');
          reader = createAnswerReader({
            stream: isStream,
            stripUsage: plan.stripUsage && isStream,
            parse: readable && contentType.includes('json'),
            keepBytes: readable && code < 300 ? request.keepBytes : 0,
          });
          const forwarded = forwardedResponseHeaders(headers, { keepLength: !(plan.stripUsage && isStream) });
          const own = request.ownHeaders(plan.model, sent);
          const exhausted = failed && retryableStatus.has(code) ? ['x-should-retry', 'false'] : [];
          const streaming = isStream ? ['x-accel-buffering', 'no'] : [];
          client.writeHead(code, [...forwarded, ...streaming, ...own, ...exhausted]);
          if (isStream) client.flushHeaders();
          client.on('drain', onDrain);
        },
        onData(chunk) {
          if (abandoned || reader === null) {
            // The body of an answer nobody gets: read a little, so that the connection can be used again, no more.
            discarded += chunk.length;
            if (discarded > 65_536) controller.abort();
            return true;
          }
          const bytes = reader.push(chunk);
          return bytes.length === 0 || client.write(bytes);
        },
        onEnd() {
          client.off('drain', onDrain);
          if (abandoned || reader === null) return;
          const held = reader.flush();
          if (held.length > 0) client.write(held);
          const cut = reader.reading.streamCut && status < 300;
          if (cut)
            client.write(
              errorEvent(new ShuntError('backend_error', `The stream of '${plan.model}' ended before its end.`)),
            );
          client.end();
          finish({
            ...readingOf(reader),
            model: plan.model,
            backend: plan.backend.name,
            status,
            firstByteMs,
            truncated: cut,
          });
        },
        onError(failure) {
          client.off('drain', onDrain);
          if (abandoned) return;
          if (reader === null && failure.kind !== 'aborted' && next(failure.kind, null)) return;
          fail(plan, failure, reader, { status, firstByteMs });
        },
      },
    );
  }

  /** The last attempt failed, or the client went away. */
  function fail(
    plan: Attempt,
    failure: BackendFailure,
    reader: AnswerReader | null,
    seen: { status: number; firstByteMs: number | null },
  ): void {
    if (signal.aborted) {
      finish({
        ...(reader ? readingOf(reader) : {}),
        model: plan.model,
        backend: plan.backend.name,
        status: 499,
        firstByteMs: seen.firstByteMs,
        errorCode: 'client_closed_request',
        truncated: true,
      });
      return;
    }
    const error = failureError(plan, failure);
    if (reader === null) {
      finish({ status: error.row.status, errorCode: error.code, error });
      return;
    }
    // Bytes have gone out. A stream can still say that it was cut; a plain answer can only break off, so that the
    // client sees a broken connection and not a short body that looks whole.
    if (reader.stream) client.end(errorEvent(error));
    else client.destroy();
    finish({
      ...readingOf(reader),
      model: plan.model,
      backend: plan.backend.name,
      status: seen.status,
      firstByteMs: seen.firstByteMs,
      errorCode: error.code,
      truncated: true,
    });
  }

  function finish(outcome: Partial<ExchangeResult>): void {
    if (settled) return;
    settled = true;
    signal.removeEventListener('abort', onClientGone);
    resolve({ ...nothingSent, ...outcome, attempts: sent, failures });
  }
}

const nothingSent: ExchangeResult = {
  model: null,
  backend: null,
  status: 502,
  attempts: 0,
  failures: [],
  errorCode: null,
  usage: null,
  finishReason: null,
  truncated: false,
  stream: false,
  firstByteMs: null,
  sentTokens: 0,
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

function readingOf(reader: AnswerReader): Partial<ExchangeResult> {
  const { usage, finishReason, errorCode, sentTokens, body } = reader.reading;
  return { usage, finishReason, errorCode, sentTokens, body, stream: reader.stream };
}

function failureError(plan: Attempt, failure: BackendFailure): ShuntError {
  const timedOut = failure.kind.endsWith('-timeout') && failure.kind !== 'connect-timeout';
  const code = timedOut
    ? 'backend_timeout'
    : failure.kind.startsWith('connect')
      ? 'backend_unreachable'
      : 'backend_error';
  return new ShuntError(code, `The backend '${plan.backend.name}' of model '${plan.model}' failed (${failure.kind}).`);
}

function retryAfter(headers: RawHeaders): number | null {
  const exact = Number(headerValue(headers, 'retry-after-ms'));
  if (Number.isFinite(exact) && exact > 0) return exact;
  const seconds = Number(headerValue(headers, 'retry-after'));
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : null;
}

function errorEvent(error: ShuntError): string {
  const { type } = error.row;
  return `data: ${JSON.stringify({ error: { message: error.message, type, param: null, code: error.code } })}\n\n`;
}
