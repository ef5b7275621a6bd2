/**
 * A backend that says exactly what a check scripts, byte by byte, and keeps exactly what it was sent. It works on bare
 * sockets, so that nothing of HTTP is tidied on the way: spelling and order of headers, where chunks are cut.
 *
 *   request with `x-script: NAME` ─► recorded ─► the pieces of script NAME, each its own write (and TCP segment)
 */
import { createServer, type Socket } from 'node:net';

export interface Received {
  /** `POST /v1/chat/completions`. */
  readonly line: string;
  /** `name: value` as they stood on the wire. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** A number is a pause in milliseconds, `cut` closes the connection, `reset` resets it, `hang` says nothing more. */
export type Piece = Buffer | string | number | 'cut' | 'reset' | 'hang';
export type Script = (received: Received) => readonly Piece[];

export interface ScriptedBackend {
  /** The base URL, `/v1` included. */
  readonly url: string;
  script(name: string, script: Script): void;
  /** What came with `x-script: name` since it was last asked for. */
  take(name: string): Received[];
  /** Connections that were closed by the other side before the script had ended. */
  abandoned(name: string): number;
  close(): Promise<void>;
}

export async function startScriptedBackend(): Promise<ScriptedBackend> {
  const scripts = new Map<string, Script>();
  const received = new Map<string, Received[]>();
  const abandoned = new Map<string, number>();
  const sockets = new Set<Socket>();

  async function answer(socket: Socket, request: Received): Promise<void> {
    const name =
      request.headers
        .find((header) => header.toLowerCase().startsWith('x-script:'))
        ?.slice(9)
        .trim() ?? '';
    received.set(name, [...(received.get(name) ?? []), request]);
    const pieces = scripts.get(name)?.(request) ?? [notScripted];
    const onClose = () => abandoned.set(name, (abandoned.get(name) ?? 0) + 1);
    socket.once('close', onClose);
    for (const piece of pieces) {
      if (piece === 'hang') return;
      if (piece === 'cut') socket.end();
      else if (piece === 'reset') socket.resetAndDestroy();
      else if (typeof piece === 'number') await new Promise((resolve) => setTimeout(resolve, piece));
      else await new Promise((resolve) => socket.write(piece, () => setImmediate(resolve)));
      if (socket.destroyed && piece !== 'reset') return;
    }
    socket.off('close', onClose);
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      for (let found = readRequest(bytes); found !== null; found = readRequest(bytes)) {
        bytes = bytes.subarray(found.length);
        void answer(socket, found.request);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    script: (name, script) => scripts.set(name, script),
    take(name) {
      const taken = received.get(name) ?? [];
      received.delete(name);
      return taken;
    },
    abandoned: (name) => abandoned.get(name) ?? 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

const notScripted = 'HTTP/1.1 404 Not Found\r\ncontent-length: 12\r\n\r\nnot scripted';

/** The first whole request in `bytes`, or null. */
function readRequest(bytes: Buffer): { request: Received; length: number } | null {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const [line, ...headers] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const bodyStart = headEnd + 4;
  const value = (name: string) =>
    headers
      .find((header) => header.toLowerCase().startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim();
  const request = { line: line.replace(/ HTTP\/1\.1$/, ''), headers };
  if (value('transfer-encoding') === 'chunked') {
    const whole = readChunks(bytes, bodyStart);
    return whole === null ? null : { request: { ...request, body: whole.body }, length: whole.end };
  }
  const length = bodyStart + Number(value('content-length') ?? 0);
  if (bytes.length < length) return null;
  return { request: { ...request, body: bytes.subarray(bodyStart, length) }, length };
}

function readChunks(bytes: Buffer, start: number): { body: Buffer; end: number } | null {
  const parts: Buffer[] = [];
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const from = lineEnd + 2;
    if (bytes.length < from + size + 2) return null;
    if (size === 0) return { body: Buffer.concat(parts), end: from + 2 };
    parts.push(bytes.subarray(from, from + size));
    at = from + size + 2;
  }
}

/** A whole answer with a declared length. */
export function plain(status: string, headers: readonly string[], body: Buffer | string): Buffer {
  const bytes = Buffer.from(body as string);
  return Buffer.concat([
    Buffer.from([`HTTP/1.1 ${status}`, ...headers, `content-length: ${bytes.length}`, '', ''].join('\r\n'), 'latin1'),
    bytes,
  ]);
}

/** A chunked answer: the head, then each piece as a chunk and a write of its own, then the end. */
export function chunked(headers: readonly string[], pieces: readonly (Buffer | string)[]): Buffer[] {
  return [...openChunked(headers, pieces), Buffer.from('0\r\n\r\n')];
}

/** The same without its end. */
export function openChunked(headers: readonly string[], pieces: readonly (Buffer | string)[]): Buffer[] {
  const head = ['HTTP/1.1 200 OK', ...headers, 'transfer-encoding: chunked', '', ''].join('\r\n');
  return [Buffer.from(head, 'latin1'), ...pieces.map(chunkOf)];
}

function chunkOf(piece: Buffer | string): Buffer {
  const bytes = Buffer.from(piece as string);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}
