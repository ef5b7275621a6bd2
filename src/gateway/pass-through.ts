/**
 * Requests that go to a backend unread and unrouted: the allow-listed endpoints (moderations, audio, images), raw both
 * ways, and embeddings of a configured model with only `model` spliced. Nothing is buffered, nothing is tried twice.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Backend } from '../backend/contract.ts';
import { forwardedRequestHeaders } from '../backend/headers.ts';
import type { Clock } from '../base/clock.ts';
import { ShuntError } from '../base/errors.ts';
import type { Config } from '../config/schema.ts';
import { choiceStream } from './choice-stream.ts';
import { exchange } from './exchange.ts';
import type { ExchangeResult } from './exchange-result.ts';

export interface PassThrough {
  readonly id: string;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly signal: AbortSignal;
  /** Config name of the model whose backend answers. */
  readonly model: string;
  /** Below the backend's base URL. */
  readonly path: string;
  /** null: the incoming stream is handed on as it comes. */
  readonly body: Buffer | null;
}

export interface PassThroughOptions {
  readonly config: Config;
  readonly backends: ReadonlyMap<string, Backend>;
  readonly clock: Clock;
}

/** Throws a `ShuntError` when nothing could be answered. */
export async function passThrough(options: PassThroughOptions, request: PassThrough): Promise<ExchangeResult> {
  const model = options.config.models[request.model];
  const backend = options.backends.get(model.backend);
  if (!backend) throw new ShuntError('internal_error', `Backend '${model.backend}' was not assembled.`);
  const { credentials } = options.config.backends[model.backend];
  const result = await exchange({
    attempts: [
      () => ({
        model: request.model,
        backend,
        method: request.incoming.method ?? 'POST',
        path: request.path,
        headers: forwardedRequestHeaders(request.incoming.rawHeaders, {
          credentials,
          identity: false,
          keepLength: request.body === null,
        }),
        body: request.body ?? request.incoming,
        retries: 0,
        expendable: false,
        stripUsage: false,
      }),
    ],
    stream: false,
    form: choiceStream,
    client: request.outgoing,
    signal: request.signal,
    clock: options.clock,
    random: () => 0,
    keepBytes: 0,
    ownHeaders: () => ['x-shunt-request-id', request.id, 'x-shunt-route', 'none', 'x-shunt-reason', 'pass-through'],
  });
  if (result.error) throw result.error;
  return result;
}
