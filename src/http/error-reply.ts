/**
 * The one place where an error becomes a reply: OpenAI's shape (Anthropic's for its endpoints), the status of the code,
 * no stack trace, no cause.
 * Anything that is not a `ShuntError` is ours to mend: it is logged whole and answered as `internal_error`.
 */
import type { ServerResponse } from 'node:http';
import { ShuntError } from '../base/errors.ts';
import { anthropicErrorBody } from '../gateway/anthropic-error.ts';

export type ErrorShape = 'openai' | 'anthropic';

const longestMessage = 2_000;

export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

export function toShuntError(error: unknown, requestId: string): ShuntError {
  if (error instanceof ShuntError) return shortened(error);
  return new ShuntError(
    'internal_error',
    `Something went wrong in the proxy. Its log has the details under ${requestId}.`,
    { cause: error },
  );
}

/** A message may quote what the client sent, a name of a megabyte too: neither the reply nor the log is to carry that. */
function shortened(error: ShuntError): ShuntError {
  const { code, message, cause } = error;
  if (message.length <= longestMessage) return error;
  const param = error.param ?? undefined;
  const retryAfterMs = error.retryAfterMs ?? undefined;
  return new ShuntError(code, `${message.slice(0, longestMessage)}…`, { cause, param, retryAfterMs });
}

export function errorBody(error: ShuntError): ErrorBody {
  return { error: { message: error.message, type: error.row.type, param: error.param, code: error.code } };
}

/**
 * Writes the error to a raw response, if nothing was written yet; else cuts the connection, so that a half answer is
 * not taken for a whole one. SDKs retry 408, 409, 429 and 5xx: where trying again is no use, they are told so.
 */
export function replyError(
  outgoing: ServerResponse,
  error: ShuntError,
  reply: { readonly requestId: string; readonly shape?: ErrorShape },
): void {
  if (outgoing.headersSent) {
    outgoing.destroy();
    return;
  }
  if (outgoing.destroyed) return;
  const headers = errorHeaders(error, reply.requestId);
  const body = JSON.stringify(reply.shape === 'anthropic' ? anthropicErrorBody(error) : errorBody(error));
  outgoing.writeHead(error.row.status, { ...headers, 'content-length': String(Buffer.byteLength(body)) });
  outgoing.end(body);
}

export function errorHeaders(error: ShuntError, requestId: string): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json; charset=utf-8',
    'x-shunt-request-id': requestId,
  };
  const { code, row } = error;
  // The proxy has tried its backends again already; an SDK's own retries on top would only multiply the load.
  const comeBack = row.status === 503 && row.retryable;
  const hopeless = row.status >= 500 && !comeBack;
  if (hopeless || code === 'budget_exceeded') headers['x-should-retry'] = 'false';
  const retryAfterMs = error.retryAfterMs ?? (comeBack ? 1_000 : null);
  if (retryAfterMs !== null) {
    headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterMs / 1_000)));
    headers['retry-after-ms'] = String(Math.ceil(retryAfterMs));
  }
  if (code === 'invalid_api_key') headers['www-authenticate'] = 'Bearer';
  return headers;
}
