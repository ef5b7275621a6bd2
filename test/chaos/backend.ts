/**
 * The backends of the chaos suite, on one port: the first part of the path says which one is meant. A sound one answers
 * like an LLM API; the others write the bytes of their fault to the bare socket.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A number is a pause in milliseconds; `reset` and `end` close the connection, `hang` leaves it open and silent. */
export type Piece = Buffer | string | number | 'reset' | 'end' | 'hang';
export type Misbehaviour = (asked: { readonly stream: boolean; readonly turn: number }) => readonly Piece[] | 'sound';

export interface ChaosBackend {
  /** Base URL of one backend, `/v1` included. */
  url(name: string): string;
  misbehave(name: string, how: Misbehaviour): void;
  /** Like a process that is gone: connections are refused, open ones reset. */
  stop(): Promise<void>;
  restart(): Promise<void>;
  readonly connections: number;
}

export const answerText = 'Bonjour à tous: 翻訳 👍 ';

export async function startChaosBackend(): Promise<ChaosBackend> {
  const behaviours = new Map<string, Misbehaviour>();
  const turns = new Map<string, number>();
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const name = (request.url ?? '').split('/')[1];
      const turn = turns.get(name) ?? 0;
      turns.set(name, turn + 1);
      const stream = Buffer.concat(chunks).includes('"stream":true');
      const pieces = behaviours.get(name)?.({ stream, turn }) ?? 'sound';
      if (pieces === 'sound') answerSoundly(response, stream);
      else void play(request, pieces);
    });
    request.on('error', () => undefined);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen(0);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  return {
    url: (name) => `http://127.0.0.1:${port}/${name}/v1`,
    misbehave: (name, how) => void behaviours.set(name, how),
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.resetAndDestroy();
      await closed;
    },
    restart: () => listen(port),
    get connections() {
      return sockets.size;
    },
  };
}

async function play(request: IncomingMessage, pieces: readonly Piece[]): Promise<void> {
  const { socket } = request;
  socket.setNoDelay(true);
  for (const piece of pieces) {
    if (socket.destroyed || piece === 'hang') return;
    if (piece === 'reset') socket.resetAndDestroy();
    else if (piece === 'end') socket.end();
    else if (typeof piece === 'number') await new Promise((resolve) => setTimeout(resolve, piece));
    else if (!socket.write(piece)) {
      await new Promise((resolve) => {
        socket.once('drain', resolve);
        socket.once('close', resolve);
      });
    }
  }
}

export function completion(content: string): Buffer {
  const message = { role: 'assistant', content };
  const usage = { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 };
  const choices = [{ index: 0, message, finish_reason: 'stop' }];
  return Buffer.from(
    JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm', choices, usage }),
  );
}

/** Events of a whole answer: the role, some words, the reason, usage, the end. */
export function events(words: readonly string[]): string[] {
  const chunk = (delta: object, finish: string | null) =>
    event({ choices: [{ index: 0, delta, finish_reason: finish }] });
  const usage = { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 };
  return [
    chunk({ role: 'assistant', content: '' }, null),
    ...words.map((content) => chunk({ content }, null)),
    chunk({}, 'stop'),
    event({ choices: [], usage }),
    'data: [DONE]\n\n',
  ];
}

export function event(value: object): string {
  const base = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' };
  return `data: ${JSON.stringify({ ...base, ...value })}\n\n`;
}

/** Head of an answer whose body ends with the connection. */
export function head(type: string, more: readonly string[] = [], status = '200 OK'): string {
  return [`HTTP/1.1 ${status}`, `content-type: ${type}`, ...more, 'connection: close', '', ''].join('\r\n');
}

export const sse = 'text/event-stream';
export const json = 'application/json';

function answerSoundly(response: ServerResponse, stream: boolean): void {
  if (!stream) {
    const body = completion(answerText);
    response.writeHead(200, { 'content-type': json, 'content-length': body.length });
    response.end(body);
    return;
  }
  response.writeHead(200, { 'content-type': sse });
  for (const one of events(answerText.split(' '))) response.write(one);
  response.end();
}
