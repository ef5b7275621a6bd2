/**
 * One exchange: a request goes to its first model, on failure to another endpoint of its backend, then to the next model,
 * and the first answer worth passing on is relayed to the client as it comes (`attempt.ts`).
 *
 *   what failed          the endpoint            the request            for a moment
 *   what follows         another endpoint, once  the next model         the last model again, after a pause, if its
 *                        each, at once                                  backend's retry budget has something left
 *
 * A model whose endpoints are all left alone (`backend/breaker.ts`) is passed over for the next; the last model in line
 * is asked all the same. Nothing begins that could not end within the request's own time.
 */

import type { BackendFailure } from '../backend/contract.ts';
import { Cancel } from '../base/cancel.ts';
import { ShuntError } from '../base/errors.ts';
import { type Begun, type Exchange, sendAttempt, type Turn } from './attempt.ts';
import {
  type Attempt,
  type ExchangeRequest,
  type ExchangeResult,
  failureError,
  isUpload,
  nothingSent,
} from './exchange-result.ts';
import type { Trouble } from './trouble.ts';

/** A backend that asks for more patience than this has no place in an interactive retry. */
const longestPauseMs = 5_000;
const backoffMs = 250;

type Next = Pick<Turn, 'index' | 'plan' | 'retriesLeft' | 'tried'>;
const nowhere: readonly string[] = [];

/** Resolves when the client has its answer or is gone; never rejects for a backend's or the client's fault. */
export function exchange(request: ExchangeRequest): Promise<ExchangeResult> {
  return new Promise((resolve) => {
    run(request, resolve);
  });
}

function run(request: ExchangeRequest, resolve: (result: ExchangeResult) => void): void {
  const { signal, clock, attempts } = request;
  const deadline = clock.monotonic() + request.totalMs;
  const failures: string[] = [];
  let rejected: string | null = null;
  let skipped = false;
  let sent = 0;
  let firstSentAt = 0;
  let current: Cancel | null = null;
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
  const story: Exchange = {
    request,
    sentMs: () => clock.monotonic() - firstSentAt,
    mayFollow: ({ plan, tried, expendable, retriesLeft }) =>
      expendable || retriesLeft > 0 || (plan.repeatable && hasOther(plan, tried)),
    next,
    refused: (parameter) => {
      rejected = parameter;
    },
    ownHeaders: ({ model }) => request.ownHeaders({ model, rejected, skipped }),
    finish,
    fail,
  };
  begin(0);

  /** The first attempt on a model. */
  function begin(index: number): void {
    const plan = attempts[index]();
    attempt({ index, plan, retriesLeft: plan.retries, tried: nowhere });
  }

  function attempt(next: Next): void {
    const { index, plan, tried } = next;
    const last = index === attempts.length - 1;
    const passage = plan.endpoints.enter(plan.model, { tried, only: plan.endpoint ?? null, lastResort: last });
    if (passage === null) {
      passOver(next, last);
      return;
    }
    const controller = new Cancel();
    current = controller;
    sent++;
    if (sent === 1) firstSentAt = clock.monotonic();
    const leftMs = sent === 1 ? request.totalMs : deadline - clock.monotonic();
    const expendable = plan.expendable && !last;
    const { endpoint } = passage.lane;
    sendAttempt({ ...next, passage, controller, expendable, leftMs, tried: [...tried, endpoint] }, story);
  }

  /** Every endpoint of the model is left alone. */
  function passOver({ index, plan }: Next, last: boolean): void {
    if (!last) {
      failures.push(`${plan.model}: left alone`);
      if (sent === 0) skipped = true;
      begin(index + 1);
      return;
    }
    const { name } = plan.endpoints;
    const error = new ShuntError(
      'backend_unavailable',
      `The backend '${name}' of model '${plan.model}' has been failing, and many requests wait for it already. Try again shortly.`,
      { retryAfterMs: Math.max(1_000, plan.endpoints.waitMs(plan.model)) },
    );
    finish({ status: error.row.status, errorCode: error.code, error });
  }

  function next(turn: Turn, trouble: Trouble): boolean {
    const { plan, index, tried } = turn;
    if (signal.aborted || clock.monotonic() >= deadline) return false;
    const why = `${plan.model}: ${trouble.why}`;
    const mayMove = trouble.elsewhere && (plan.repeatable || trouble.undone) && !isUpload(plan);
    if (mayMove && hasOther(plan, tried)) {
      failures.push(why);
      attempt(turn);
      return true;
    }
    if (turn.expendable) {
      failures.push(why);
      begin(index + 1);
      return true;
    }
    return trouble.again !== 'never' && turn.retriesLeft > 0 && retryLater(turn, trouble, why);
  }

  /** The same model again, after a pause with full jitter; after a rate limit's time, when it has one. */
  function retryLater(turn: Turn, trouble: Trouble, why: string): boolean {
    const { plan, retriesLeft } = turn;
    const jitter = request.random() * Math.min(longestPauseMs, backoffMs * 2 ** (plan.retries - retriesLeft));
    const limitMs = trouble.again === 'when-free' ? plan.endpoints.waitMs(plan.model) : 0;
    const askedMs = Math.max(trouble.retryAfterMs ?? 0, limitMs);
    // All who were told the same time would come back at the same moment.
    const pause = askedMs === 0 ? jitter : askedMs + jitter / 10;
    if (askedMs > longestPauseMs || clock.monotonic() + pause >= deadline || !plan.endpoints.takeRetry()) return false;
    failures.push(why);
    current = null;
    const timer = setTimeout(() => {
      if (!settled) attempt({ ...turn, retriesLeft: retriesLeft - 1 });
    }, pause);
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
    return true;
  }

  /** The last attempt failed, or the client went away. */
  function fail({ plan }: Turn, failure: BackendFailure, begun: Begun | null): void {
    if (signal.aborted) {
      begun?.relay.abandon();
      const { relay: _, ...seen } = begun ?? { relay: null, model: plan.model, backend: plan.endpoints.name };
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
    resolve({ ...nothingSent, ...outcome, attempts: sent, failures, rejected, skipped });
  }
}

function hasOther({ endpoint = null, endpoints, model }: Attempt, tried: readonly string[]): boolean {
  return endpoint === null && endpoints.hasOther(model, tried);
}
