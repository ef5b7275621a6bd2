/**
 * One exchange: a request goes to its first model, on failure to the next, and the first answer worth passing on is
 * relayed to the client as it comes.
 *
 *   attempt 1 ─► connect error, 408/409/429/5xx (or any error of a routed target) ─► attempt 2 … last ─► relayed as it is
 *           └──► an error, or the end, while only lifecycle events came ────────────────┘    │
 *                                 2xx ─► headers to the client: from here on nothing can be taken back
 *
 * Bytes are passed through, never collected to look at them; a slow client pauses the backend; a client that goes away
 * aborts it. What passed is metered for the ledger.
 */
import type { BackendFailure, BackendStream, RawHeaders } from '../backend/contract.ts';
import { forwardedResponseHeaders, headerValue } from '../backend/headers.ts';
import { createAnswerReader } from './answer-reader.ts';
import {
  type Attempt,
  type ExchangeRequest,
  type ExchangeResult,
  failureError,
  nothingSent,
  readingOf,
  retryAfter,
} from './exchange-result.ts';
import { createRelay, cutError, type Relay } from './relay.ts';

const retryableStatus = new Set([408, 409, 429, 500, 502, 503, 504, 529]);
/** Answers that may say that the model does not know a parameter. */
const refusalStatus = new Set([400, 422]);
/** A backend that asks for more patience than this has no place in an interactive retry. */
const longestRetryAfterMs = 5_000;
const backoffMs = 250;
/** Of an answer that nobody gets: so much is read, so that the connection can be used again, and no more. */
const mostDiscarded = 65_536;

/** Resolves when the client has its answer or is gone; never rejects for a backend's or the client's fault. */
export function exchange(request: ExchangeRequest): Promise<ExchangeResult> {
  return new Promise((resolve) => {
    run(request, resolve);
  });
}

function run(request: ExchangeRequest, resolve: (result: ExchangeResult) => void): void {
  const { client, signal, clock, attempts } = request;
  const failures: string[] = [];
  let rejected: string | null = null;
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
    const expendable = plan.expendable && !last;
    let relay: Relay | null = null;
    let stream: BackendStream | null = null;
    let abandoned = false;
    let discarded = 0;
    /** The body of a refusal that is worth reading before the next attempt. */
    let refusal: Buffer[] | null = null;
    let idTold = false;
    let status = 0;
    let firstByteMs: number | null = null;
    const onDrain = () => stream?.resume();

    const next = (why: string, retryAfterMs: number | null): boolean => {
      if (signal.aborted) return false;
      if (expendable) {
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

    /** The answer so far is worth nothing and the client has seen nothing of it: try elsewhere, if there is an elsewhere. */
    const takeBack = (why: string): boolean => {
      if (relay === null || !relay.held || !next(why, null)) return false;
      relay.abandon();
      abandoned = true;
      return true;
    };

    const open = (code: number, headers: RawHeaders): Relay => {
      const contentType = headerValue(headers, 'content-type') ?? '';
      // Asked for as it is, yet compressed: it passes, but nobody here can read it.
      const readable = (headerValue(headers, 'content-encoding') ?? 'identity') === 'identity';
      const form = request.form;
      const isStream = request.stream && readable && contentType.includes('text/event-stream');
      const strips = plan.stripUsage && isStream;
      return createRelay({
        client,
        form,
        hold: isStream && code < 300 && (expendable || retriesLeft > 0),
        onDrain,
        reader: createAnswerReader({
          form: isStream ? form : null,
          stripUsage: strips,
          parse: readable && contentType.includes('json'),
          keepBytes: readable && code < 300 ? request.keepBytes : 0,
        }),
        writeHead() {
          const forwarded = forwardedResponseHeaders(headers, { keepLength: !strips });
          const own = request.ownHeaders({ model: plan.model, rejected });
          const exhausted = retryableStatus.has(code) ? ['x-should-retry', 'false'] : [];
          client.writeHead(code, [...forwarded, ...(isStream ? streamHeaders(headers) : []), ...own, ...exhausted]);
        },
      });
    };

    stream = plan.backend.send(
      { method: plan.method, path: plan.path, headers: plan.headers, body: plan.body, signal: controller.signal },
      {
        onHeaders(code, headers) {
          status = code;
          firstByteMs = clock.monotonic() - firstSentAt;
          if (expendable && plan.learn && refusalStatus.has(code)) {
            refusal = [];
            return;
          }
          const worthAnother = retryableStatus.has(code) || (code >= 400 && expendable);
          if (worthAnother && next(String(code), retryAfter(headers))) abandoned = true;
          else relay = open(code, headers);
        },
        onData(chunk) {
          if (relay === null || abandoned) {
            discarded += chunk.length;
            refusal?.push(chunk);
            if (discarded > mostDiscarded) controller.abort();
            return true;
          }
          const pushed = relay.push(chunk);
          if (!idTold && request.onResponseId) idTold = tellId(relay, plan);
          if (pushed !== 'failed') return pushed === 'sent';
          const code = relay.reader.reading.errorCode ?? 'stream_error';
          if (mayPass(code, expendable) && takeBack(`error in its stream (${code})`)) controller.abort();
          else relay.release();
          return true;
        },
        onEnd() {
          if (refusal !== null && !abandoned) {
            abandoned = true;
            rejected = plan.learn?.(Buffer.concat(refusal)) ?? null;
            if (next(rejected === null ? String(status) : `rejects ${rejected}`, null)) return;
            finish({ status: 499, errorCode: 'client_closed_request', truncated: true });
          }
          if (abandoned || relay === null) return;
          const cut = relay.ended() === 'cut' && status < 300;
          if (cut && takeBack('its stream ended before it began')) return;
          if (!idTold && request.onResponseId) tellId(relay, plan);
          relay.finish(cut ? cutError(plan.model) : null);
          finish({ ...answered(plan, relay), truncated: cut });
        },
        onError(failure) {
          if (abandoned) return;
          if (failure.kind !== 'aborted' || (refusal !== null && !signal.aborted)) {
            if (relay === null && next(failure.kind, null)) return;
            if (takeBack(failure.kind)) return;
          }
          fail(plan, failure, relay === null ? null : { relay, ...answered(plan, relay) });
        },
      },
    );

    function answered(from: Attempt, through: Relay): Partial<ExchangeResult> {
      return { ...readingOf(through.reader), model: from.model, backend: from.backend.name, status, firstByteMs };
    }
  }

  /** As soon as it is known: the client may ask for the answer by its id while it still streams. */
  function tellId(relay: Relay, plan: Attempt): boolean {
    const id = relay.reader.reading.responseId;
    if (id === null) return false;
    request.onResponseId?.(id, plan.model);
    return true;
  }

  /** The last attempt failed, or the client went away. */
  function fail(
    plan: Attempt,
    failure: BackendFailure,
    begun: (Partial<ExchangeResult> & { readonly relay: Relay }) | null,
  ): void {
    if (signal.aborted) {
      begun?.relay.abandon();
      const { relay: _, ...seen } = begun ?? { relay: null, model: plan.model, backend: plan.backend.name };
      finish({ ...seen, status: 499, errorCode: 'client_closed_request', truncated: true });
      return;
    }
    const error = failureError(plan, failure);
    if (begun === null) {
      finish({ status: error.row.status, errorCode: error.code, error });
      return;
    }
    const { relay, ...seen } = begun;
    relay.finish(error);
    finish({ ...seen, errorCode: error.code, truncated: true });
  }

  function finish(outcome: Partial<ExchangeResult>): void {
    if (settled) return;
    settled = true;
    signal.removeEventListener('abort', onClientGone);
    resolve({ ...nothingSent, ...outcome, attempts: sent, failures, rejected });
  }
}

/** What keeps proxies in front of this one from holding a stream back or storing it. */
function streamHeaders(headers: RawHeaders): string[] {
  const buffering = ['x-accel-buffering', 'no'];
  return headerValue(headers, 'cache-control') === null ? [...buffering, 'cache-control', 'no-cache'] : buffering;
}

/** Another model may answer what this one cannot; the same model only what was not the request's fault. */
function mayPass(code: string, expendable: boolean): boolean {
  return expendable || !/invalid|content|policy|context|unsupported|permission|auth|quota/i.test(code);
}
