/**
 * The frame around every endpoint: a request id, the door, who it is, the body, and one place where errors become
 * replies. Handlers get the raw Node request and response, since relaying through web streams costs six times as much.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context } from 'hono';
import { Cancel, type CancelSignal } from '../base/cancel.ts';
import type { Clock } from '../base/clock.ts';
import { ShuntError } from '../base/errors.ts';
import { requestId } from '../base/request-id.ts';
import type { Budgets } from '../gateway/budgets.ts';
import type { ClientRequest } from '../gateway/client-request.ts';
import type { Quota } from '../gateway/quota.ts';
import type { Tenant } from '../gateway/tenant.ts';
import type { Admission } from './admission.ts';
import type { Authenticate } from './authenticate.ts';
import type { Cors } from './cors.ts';
import { type ErrorShape, replyError, toShuntError } from './error-reply.ts';
import { readBody } from './read-body.ts';

export type NodeEnv = { Bindings: HttpBindings };
export type NodeContext = Context<NodeEnv>;

export interface EndpointFrame {
  readonly admission: Admission;
  readonly authenticate: Authenticate;
  readonly cors: Cors;
  readonly quota: Quota;
  readonly budgets: Budgets;
  readonly clock: Clock;
  readonly bodyLimitBytes: number;
  readonly requestMs: number;
  /** Errors that are ours, and what clients did wrong at debug level. */
  readonly onError: (error: ShuntError, requestId: string) => void;
}

export interface Visit {
  readonly id: string;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly tenant: Tenant;
  readonly signal: CancelSignal;
}

export type VisitHandler = (visit: Visit, context: NodeContext) => Promise<void> | void;

interface EndpointOptions {
  /** The endpoint does work, so it passes the door and the key's quota; looking at things does not. */
  readonly counted?: boolean;
  /** The shape of its errors; OpenAI's unless said otherwise. */
  readonly errors?: ErrorShape;
}

export function endpoint(frame: EndpointFrame, handler: VisitHandler, options: EndpointOptions = {}) {
  return async (context: NodeContext): Promise<Response> => {
    const { incoming, outgoing } = context.env;
    const id = requestId(frame.clock.now());
    const gone = new Cancel();
    const onClose = () => {
      if (!outgoing.writableFinished) gone.abort(new ShuntError('client_closed_request', 'The client went away.'));
    };
    outgoing.once('close', onClose);
    if (incoming.headers.origin !== undefined) {
      if (frame.cors.preflight(incoming, outgoing)) return RESPONSE_ALREADY_SENT;
      frame.cors.mark(incoming, outgoing);
    }
    let admitted: Tenant | null = null;
    let entered = false;
    try {
      const tenant = frame.authenticate(incoming);
      if (options.counted) {
        const counted = frame.quota.admit(tenant.key);
        if (counted) await counted;
        admitted = tenant;
        frame.budgets.check(tenant.key);
        const turn = frame.admission.enter(tenant.id, gone.signal);
        if (turn !== null) await turn;
        entered = true;
      }
      await handler({ id, incoming, outgoing, tenant, signal: gone.signal }, context);
    } catch (error) {
      const known = toShuntError(error, id);
      frame.onError(known, id);
      replyError(outgoing, known, { requestId: id, shape: options.errors });
    } finally {
      if (entered) frame.admission.leave();
      if (admitted !== null) frame.quota.leave(admitted.key);
    }
    return RESPONSE_ALREADY_SENT;
  };
}

/** Reads the body and makes the request that the gateway's stories take. */
export async function readRequest(frame: EndpointFrame, visit: Visit): Promise<ClientRequest> {
  const body = await readBody(visit.incoming, { maxBytes: frame.bodyLimitBytes, timeoutMs: frame.requestMs });
  const { id, incoming, outgoing, tenant, signal } = visit;
  const { clock } = frame;
  return {
    id,
    incoming,
    outgoing,
    body,
    tenant,
    signal,
    receivedAt: clock.now(),
    receivedMonotonic: clock.monotonic(),
  };
}

export function replyJson(
  visit: Visit,
  value: unknown,
  extra: { readonly status?: number; readonly headers?: Record<string, string> } = {},
): void {
  const body = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? item.toString() : item));
  visit.outgoing.writeHead(extra.status ?? 200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'x-shunt-request-id': visit.id,
    ...extra.headers,
  });
  visit.outgoing.end(body);
}
