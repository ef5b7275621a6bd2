/**
 * What a simulated backend answers, before any of it is sent: a status, headers, and frames (an event of a stream, or
 * the whole of a plain body). Frames are made one by one as they are sent, so that a huge answer needs no memory.
 */
export interface SimulatedReply {
  readonly status: number;
  readonly contentType: string;
  readonly headers: readonly string[];
  readonly frames: Iterable<Buffer>;
  /** A stream of events: sent token by token, without a length. */
  readonly stream: boolean;
  /** Bytes of a plain body; null for a stream. */
  readonly length: number | null;
}

export function jsonReply(body: unknown, status = 200): SimulatedReply {
  return plainReply(Buffer.from(JSON.stringify(body)), 'application/json', status);
}

export function plainReply(body: Buffer, contentType: string, status = 200): SimulatedReply {
  return { status, contentType, headers: [], frames: [body], stream: false, length: body.length };
}

export function eventReply(events: Iterable<string>): SimulatedReply {
  return {
    status: 200,
    contentType: 'text/event-stream; charset=utf-8',
    headers: ['cache-control', 'no-cache'],
    frames: frames(events),
    stream: true,
    length: null,
  };
}

function* frames(events: Iterable<string>): Generator<Buffer> {
  for (const event of events) yield Buffer.from(event);
}

export function dataEvent(data: unknown): string {
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}

export function namedEvent(name: string, data: unknown): string {
  return `event: ${name}\n${dataEvent(data)}`;
}

export interface SimulatedError {
  readonly status: number;
  readonly message: string;
  readonly type?: string;
  readonly param?: string | null;
  readonly code?: string | null;
  readonly headers?: readonly string[];
}

export function errorReply(error: SimulatedError): SimulatedReply {
  const type = error.type ?? (error.status < 500 ? 'invalid_request_error' : 'server_error');
  const { message, param = null, code = null } = error;
  const reply = jsonReply({ error: { message, type, param, code } }, error.status);
  return { ...reply, headers: [...reply.headers, ...(error.headers ?? [])] };
}
