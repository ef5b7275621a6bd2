/**
 * Requests that never become one: bad syntax, headers too large or too slow, CONNECT, a target or Host that is no URL.
 * Node's own answers to them have no body; an SDK expects an error in OpenAI's shape from every status.
 *
 * Nothing may be written into an answer that has begun: such a connection is cut.
 */
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ErrorCode, ShuntError } from '../base/errors.ts';
import { errorBody } from './error-reply.ts';

export function answerBrokenRequests(server: Server): void {
  const answers = new WeakMap<Duplex, ServerResponse>();
  server.prependListener('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    answers.set(incoming.socket, outgoing);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const begun = answers.get(socket);
    if (!socket.writable || (begun?.headersSent && !begun.writableFinished)) socket.destroy();
    else refuse(socket, whatBroke(error.code));
  });
  server.on('connect', (_incoming, socket) => {
    socket.on('error', () => socket.destroy());
    refuse(socket, new ShuntError('method_not_allowed', 'This is no forward proxy: it takes no CONNECT.'));
  });
}

/** For a target or `Host` that no URL can be made of; anything else that comes here is ours to mend. */
export function unreadableTarget(error: unknown): Response {
  const known =
    error instanceof Error && error.name === 'RequestError'
      ? new ShuntError('invalid_request', 'The request target or its Host header is not valid.')
      : new ShuntError('internal_error', 'Something went wrong in the proxy.');
  return Response.json(errorBody(known), { status: known.row.status });
}

function whatBroke(code: string | undefined): ShuntError {
  const known: Readonly<Record<string, readonly [ErrorCode, string]>> = {
    HPE_HEADER_OVERFLOW: ['headers_too_large', 'The request line and headers are larger than 64 KiB.'],
    ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'The request did not arrive in time.'],
  };
  return new ShuntError(...(known[code ?? ''] ?? ['invalid_request', 'This is not a valid HTTP/1.1 request.']));
}

function refuse(socket: Duplex, error: ShuntError): void {
  const { status } = error.row;
  const body = JSON.stringify(errorBody(error));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
