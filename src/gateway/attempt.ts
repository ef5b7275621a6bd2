/**
 * One attempt of an exchange: it is sent over its passage, and what comes is relayed. As long as the client has seen
 * nothing of it, whatever goes wrong is first offered to the exchange, which may let another attempt take over:
 *
 *   error status, failure ───────────────────────────► next? ──► yes: what still comes is let go
 *   an error, or the end, while only lifecycle events ─► next? ──► no: it is passed on as it is
 *   2xx ─► headers to the client: from here on nothing can be taken back
 *
 * The endpoint's breakers are told how it went.
 */

import type { BackendFailure, BackendStream, RawHeaders } from '../backend/contract.ts';
import { forwardedResponseHeaders, headerValue } from '../backend/headers.ts';
import { type Passage, verdictOfFailure, verdictOfStatus } from '../backend/passage.ts';
import { retryAfterMs } from '../backend/retry-after.ts';
import type { Cancel } from '../base/cancel.ts';
import { createAnswerReader } from './answer-reader.ts';
import { type Attempt, type ExchangeRequest, type ExchangeResult, isUpload, readingOf } from './exchange-result.ts';
import { createRelay, cutError, type Relay } from './relay.ts';
import {
  cutShort,
  isPassing,
  refusal,
  retryableStatus,
  type Trouble,
  troubleOfEvent,
  troubleOfFailure,
  troubleOfStatus,
} from './trouble.ts';

/** Where an exchange stands with one attempt. */
export interface Turn {
  readonly index: number;
  readonly plan: Attempt;
  readonly passage: Passage;
  readonly controller: Cancel;
  /** A failure of any kind sends the request on to the next model. */
  readonly expendable: boolean;
  /** How often the same model may be tried again after a pause. */
  readonly retriesLeft: number;
  /** Names of the endpoints that this model's attempts have been to, this one's included. */
  readonly tried: readonly string[];
  /** What is left of the request's time. */
  readonly leftMs: number;
}

/** What an attempt says of the exchange that it belongs to. */
export interface Exchange {
  readonly request: ExchangeRequest;
  /** Since the first attempt was sent. */
  sentMs(): number;
  /** Another attempt could follow. */
  mayFollow(turn: Turn): boolean;
  /** True: another attempt takes over, now or after a pause. */
  next(turn: Turn, trouble: Trouble): boolean;
  /** The parameter that the model does not take, if it says so. */
  refused(parameter: string | null): void;
  /** Why the client gets this model's answer and not another's: for its headers. */
  ownHeaders(plan: Attempt): readonly string[];
  finish(outcome: Partial<ExchangeResult>): void;
  /** The last attempt failed, or the client went away. */
  fail(turn: Turn, failure: BackendFailure, begun: Begun | null): void;
}

export type Begun = Partial<ExchangeResult> & { readonly relay: Relay };

/** Answers that may say that the model does not know a parameter. */
const refusalStatus = new Set([400, 422]);
/** Of an answer that nobody gets: so much is read, so that the connection can be used again, and no more. */
const mostDiscarded = 65_536;

export function sendAttempt(turn: Turn, exchange: Exchange): void {
  const { plan, passage, controller, expendable } = turn;
  const { request } = exchange;
  const { signal, client } = request;
  let relay: Relay | null = null;
  let stream: BackendStream | null = null;
  let abandoned = false;
  let discarded = 0;
  /** The body of a refusal that is worth reading before the next attempt. */
  let refused: Buffer[] | null = null;
  let idTold = false;
  let status = 0;
  let firstByteMs: number | null = null;
  const onDrain = () => stream?.resume();

  /** The answer so far is worth nothing and the client has seen nothing of it: try elsewhere, if there is an elsewhere. */
  const takeBack = (trouble: Trouble): boolean => {
    if (relay === null || !relay.held || !exchange.next(turn, trouble)) return false;
    relay.abandon();
    abandoned = true;
    return true;
  };

  const open = (code: number, headers: RawHeaders): Relay => {
    const contentType = headerValue(headers, 'content-type') ?? '';
    // Asked for as it is, yet compressed: it passes, but nobody here can read it.
    const readable = (headerValue(headers, 'content-encoding') ?? 'identity') === 'identity';
    const { form } = request;
    const isStream = request.stream && readable && contentType.includes('text/event-stream');
    const strips = plan.stripUsage && isStream;
    return createRelay({
      client,
      form,
      hold: isStream && code < 300 && exchange.mayFollow(turn),
      onDrain,
      reader: createAnswerReader({
        form: isStream ? form : null,
        stripUsage: strips,
        parse: readable && contentType.includes('json'),
        keepBytes: readable && code < 300 ? request.keepBytes : 0,
      }),
      writeHead() {
        const forwarded = forwardedResponseHeaders(headers, { keepLength: !strips });
        const exhausted = retryableStatus.has(code) ? ['x-should-retry', 'false'] : [];
        const own = exchange.ownHeaders(plan);
        client.writeHead(code, [...forwarded, ...(isStream ? streamHeaders(headers) : []), ...own, ...exhausted]);
      },
    });
  };

  stream = passage.lane.backend.send(
    {
      method: plan.method,
      path: plan.path,
      headers: plan.headers,
      body: plan.body,
      signal: controller.signal,
      totalMs: turn.leftMs,
    },
    {
      onHeaders(code, headers) {
        status = code;
        firstByteMs = exchange.sentMs();
        const askedMs = code < 400 ? null : retryAfterMs(headers, request.clock.now());
        if (code >= 400) passage.settle(verdictOfStatus(code, plan.headers), askedMs);
        if (expendable && plan.learn && refusalStatus.has(code)) {
          refused = [];
          return;
        }
        const trouble = code < 400 ? null : troubleOfStatus(code, { expendable, retryAfterMs: askedMs });
        if (trouble !== null && exchange.next(turn, trouble)) abandoned = true;
        else relay = open(code, headers);
      },
      onData(chunk) {
        if (relay === null || abandoned) {
          discarded += chunk.length;
          refused?.push(chunk);
          if (discarded > mostDiscarded) controller.abort();
          return true;
        }
        const pushed = relay.push(chunk);
        if (!idTold && request.onResponseId) idTold = tellId(relay);
        if (pushed !== 'failed') {
          passage.begun();
          return pushed === 'sent';
        }
        const code = relay.reader.reading.errorCode ?? 'stream_error';
        if (isPassing(code)) passage.settle('failed');
        if ((expendable || isPassing(code)) && takeBack(troubleOfEvent(code))) controller.abort();
        else relay.release();
        return true;
      },
      onEnd() {
        if (refused !== null && !abandoned) {
          abandoned = true;
          const parameter = plan.learn?.(Buffer.concat(refused)) ?? null;
          exchange.refused(parameter);
          if (exchange.next(turn, refusal(parameter === null ? String(status) : `rejects ${parameter}`))) return;
          exchange.finish({ status: 499, errorCode: 'client_closed_request', truncated: true });
        }
        if (abandoned || relay === null) return;
        const cut = relay.ended() === 'cut' && status < 300;
        passage.settle(cut || failedInStream(relay) ? 'failed' : 'answered');
        if (cut && takeBack(cutShort)) return;
        if (!idTold && request.onResponseId) tellId(relay);
        relay.finish(cut ? cutError(plan.model) : null);
        exchange.finish({ ...answered(relay), truncated: cut });
      },
      onError(failure) {
        passage.settle(verdictOf(failure));
        if (abandoned) return;
        if (failure.kind !== 'aborted' || (refused !== null && !signal.aborted)) {
          const trouble = troubleOfFailure(failure);
          if (relay === null && exchange.next(turn, trouble)) return;
          if (takeBack(trouble)) return;
        }
        exchange.fail(turn, failure, relay === null ? null : { relay, ...answered(relay) });
      },
    },
  );

  /** A long answer that is cut by the clock while it comes, or an attempt that had little time left, says nothing. */
  function verdictOf(failure: BackendFailure) {
    const outOfTime = failure.kind === 'total-timeout' && (relay !== null || turn.leftMs < request.totalMs);
    return outOfTime ? 'unknown' : verdictOfFailure(failure, { upload: isUpload(plan) });
  }

  function answered(through: Relay): Partial<ExchangeResult> {
    const { model, endpoints } = plan;
    const { endpoint } = passage.lane;
    return { ...readingOf(through.reader), model, backend: endpoints.name, endpoint, status, firstByteMs };
  }

  /** As soon as it is known: the client may ask for the answer by its id while it still streams. */
  function tellId(through: Relay): boolean {
    const id = through.reader.reading.responseId;
    if (id === null) return false;
    request.onResponseId?.(id, { model: plan.model, endpoint: passage.lane.endpoint });
    return true;
  }
}

function failedInStream({ reader }: Relay): boolean {
  const code = reader.stream ? reader.reading.errorCode : null;
  return code !== null && isPassing(code);
}

/** What keeps proxies in front of this one from holding a stream back or storing it. */
function streamHeaders(headers: RawHeaders): string[] {
  const buffering = ['x-accel-buffering', 'no'];
  return headerValue(headers, 'cache-control') === null ? [...buffering, 'cache-control', 'no-cache'] : buffering;
}
