/** A connection that ends while its answer is paused for a slow client. */
import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createConnectionPools } from '../../src/backend/connection-pools.ts';
import type { Backend } from '../../src/backend/contract.ts';
import { createHttpBackend } from '../../src/backend/http.ts';
import { systemClock } from '../../src/base/clock.ts';
import { configSchema } from '../../src/config/schema.ts';
import { recording } from './recording-sink.ts';

const bytes = 300_000;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Says `head`, sends the body, and does `last` with the connection. */
async function backendThat(head: readonly string[], last: (socket: Socket) => void): Promise<Backend> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(['HTTP/1.1 200 OK', 'content-type: text/plain', ...head, '', ''].join('\r\n'));
      socket.write('x'.repeat(bytes), () => last(socket));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { backends } = configSchema.parse({ backends: { it: { base_url: `http://127.0.0.1:${port}` } } });
  const backend = createHttpBackend('it', backends.it, { clock: systemClock, pools: createConnectionPools() });
  closers.push(
    () => backend.close(),
    () => new Promise((resolve) => server.close(resolve)),
  );
  return backend;
}

/** Takes each chunk with a pause after it, so that the end comes while it waits. */
async function readSlowly(backend: Backend) {
  const abort = new AbortController();
  const record = recording({
    onData: () => {
      setTimeout(() => stream.resume(), 20);
      return false;
    },
  });
  const stream = backend.send({ method: 'GET', path: '/', headers: [], body: null, signal: abort.signal }, record.sink);
  return record.over;
}

describe('a backend that ends its connection while its answer is paused', () => {
  it.each([
    ['an answer that ends with its connection', ['connection: close']],
    ['an answer of a known length', ['connection: close', `content-length: ${bytes}`]],
    ['an answer on a connection to be kept', [`content-length: ${bytes}`]],
  ])('is read to its end: %s', async (_name, head) => {
    const record = await readSlowly(await backendThat(head, (socket) => socket.end()));
    expect([record.failure, record.text().length]).toEqual([null, bytes]);
  });

  it.each([
    ['cut short', (socket: Socket) => socket.end()],
    ['reset', (socket: Socket) => socket.resetAndDestroy()],
  ])('and is %s fails the call, not the process', async (_name, last) => {
    const head = ['connection: close', `content-length: ${bytes + 1}`];
    const record = await readSlowly(await backendThat(head, last));
    expect(record.events.at(-1)).toBe('error');
  });

  it('lets an aborted call go', async () => {
    const backend = await backendThat(['connection: close'], (socket) => socket.end());
    const abort = new AbortController();
    const record = recording({ onData: () => false });
    backend.send({ method: 'GET', path: '/', headers: [], body: null, signal: abort.signal }, record.sink);
    await expect.poll(() => record.events.length).toBeGreaterThan(1);
    abort.abort();
    expect((await record.over).failure?.kind).toBe('aborted');
  });
});
