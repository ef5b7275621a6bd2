/**
 * Requests that go to a backend unread and unrouted: the allow-listed endpoints (moderations, audio, images), raw both
 * ways, what asks for something that is stored at a backend, and embeddings and token counts of a configured model with
 * only `model` spliced. What makes or stores something is tried once; an answer is kept only where an id must be read
 * from it.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { modelPath } from '../backend/backend-request.ts';
import type { Endpoints } from '../backend/endpoints.ts';
import { forwardedRequestHeaders } from '../backend/headers.ts';
import type { CancelSignal } from '../base/cancel.ts';
import type { Clock } from '../base/clock.ts';
import { ShuntError } from '../base/errors.ts';
import type { Config } from '../config/schema.ts';
import { noUsage } from '../ledger/usage.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import type { Allowance } from './allowance.ts';
import { isObject } from './chat-request.ts';
import { choiceStream } from './choice-stream.ts';
import { requestHeader, requestTags } from './client-request.ts';
import type { GatewayEvents } from './events.ts';
import { exchange } from './exchange.ts';
import type { ExchangeResult } from './exchange-result.ts';
import { requestTotalMs } from './request-time.ts';
import type { Tenant } from './tenant.ts';
import { unroutedRecord } from './unrouted-record.ts';

export interface PassThrough {
  readonly id: string;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly tenant: Tenant;
  readonly signal: CancelSignal;
  /** Config name of the model whose backend answers. */
  readonly model: string;
  /** The only endpoint of that backend which knows what is asked for. */
  readonly endpoint?: string | null;
  /** Below the backend's base URL, without the query, which is the client's. */
  readonly path: string;
  /** The incoming stream is handed on as it comes; null: there is none. */
  readonly body: Buffer | Readable | null;
  /** Read the JSON answer once it has gone: it names what was stored. */
  readonly readAnswer?: boolean;
}

export interface PassThroughOptions {
  readonly config: Config;
  readonly backends: ReadonlyMap<string, Endpoints>;
  readonly clock: Clock;
  readonly events: GatewayEvents;
  readonly snapshot: () => Snapshot | null;
  readonly allowance: Allowance;
}

/** Answers that name what they store are small. */
const largestRead = 1 << 20;
/** They work something out, and leave nothing behind: what makes or stores something is asked for once. */
const computed = ['/embeddings', '/messages/count_tokens'];

/** Throws a `ShuntError` when nothing could be answered. */
export async function passThrough(options: PassThroughOptions, request: PassThrough): Promise<ExchangeResult> {
  const model = options.config.models[request.model];
  const endpoints = options.backends.get(model.backend);
  if (!endpoints) throw new ShuntError('internal_error', `Backend '${model.backend}' was not assembled.`);
  const backendConfig = options.config.backends[model.backend];
  const { credentials } = backendConfig;
  const { body, incoming, readAnswer = false } = request;
  const bytes = Buffer.isBuffer(body) ? body.length : 0;
  const hold = options.allowance.grantUnrouted({ ...request, bytes });
  const repeatable = incoming.method === 'GET' || (Buffer.isBuffer(body) && computed.includes(request.path));
  const time = options.clock.now();
  const began = options.clock.monotonic();
  const result = await exchange({
    attempts: [
      () => ({
        model: request.model,
        endpoints,
        endpoint: request.endpoint,
        method: incoming.method ?? 'POST',
        path: modelPath(backendConfig, model.model, request.path) + queryOf(incoming),
        headers: forwardedRequestHeaders(incoming.rawHeaders, {
          credentials,
          identity: readAnswer,
          keepLength: body === incoming,
        }),
        body,
        repeatable,
        retries: repeatable ? backendConfig.max_retries : 0,
        expendable: false,
        stripUsage: false,
      }),
    ],
    stream: false,
    form: choiceStream,
    client: request.outgoing,
    signal: request.signal,
    totalMs: requestTotalMs(options.config),
    clock: options.clock,
    random: Math.random,
    keepBytes: readAnswer ? largestRead : 0,
    ownHeaders: () => ['x-shunt-request-id', request.id, 'x-shunt-route', 'none', 'x-shunt-reason', 'pass-through'],
  });
  const record = unroutedRecord({
    id: request.id,
    time,
    tenant: request.tenant,
    tags: requestTags(request),
    endpoint: endpointOf(request.path),
    reason: 'pass-through',
    model: request.model,
    priced: incoming.method === 'POST' ? model : null,
    backend: endpoints.name,
    snapshot: options.snapshot()?.id ?? '',
    status: result.status,
    errorCode: result.errorCode,
    truncated: result.truncated,
    usage: result.usage ?? noUsage,
    latency: {
      addedMs: 0,
      embedMs: 0,
      matchMs: 0,
      firstByteMs: result.firstByteMs,
      totalMs: options.clock.monotonic() - began,
    },
  });
  options.events.requestFinished(record, { text: '', person: null }, requestHeader(request, 'traceparent'));
  hold.release(result.usage);
  if (result.error) throw result.error;
  return result;
}

/** The two words of an audio or image path, the first of any other: never an id, which would be one endpoint each. */
function endpointOf(path: string): string {
  const [, first = '', second = ''] = path.split('/');
  return first === 'audio' || first === 'images' ? `${first}/${second}` : first;
}

/** `?beta=true`, or nothing: part of an endpoint's address, and so passed on with it. */
export function queryOf(incoming: IncomingMessage): string {
  const url = incoming.url ?? '';
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at);
}

/** The JSON object that went to the client; empty when there was none. */
export function answerObject(result: ExchangeResult): Readonly<Record<string, unknown>> {
  try {
    const answer: unknown = JSON.parse(result.body?.toString('utf8') ?? '');
    return isObject(answer) ? answer : {};
  } catch {
    // Not JSON: it names nothing.
    return {};
  }
}
