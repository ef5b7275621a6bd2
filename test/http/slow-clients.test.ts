/** Clients that are slow on purpose or by misfortune: none of them holds a place or a connection for longer than it may. */
import { connect, type Socket } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { chatBody, post, startProxy, type TestProxy } from '../proxy-harness.ts';

const patience = { timeout: 30_000 };
let proxy: TestProxy;

beforeAll(async () => {
  proxy = await startProxy({ server: { request_ms: 500, body_limit_mb: 0.1 } });
});

interface RawClient {
  readonly socket: Socket;
  readonly text: () => string;
  readonly closed: () => boolean;
}

function rawClient(begin: string): RawClient {
  const { hostname, port } = new URL(proxy.url);
  let text = '';
  let closed = false;
  const socket = connect(Number(port), hostname, () => socket.write(begin));
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket
    .on('error', () => undefined)
    .on('close', () => {
      closed = true;
    });
  return { socket, text: () => text, closed: () => closed };
}

const head = (length: number) =>
  `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
const inFlight = async () => ((await (await fetch(`${proxy.url}/readyz`)).json()) as { in_flight: number }).in_flight;

describe('a slow client', () => {
  test('whose headers do not come is answered 408 and cut', async () => {
    const client = rawClient('POST /v1/chat/completions HTTP/1.1\r\nhost: loc');
    await expect.poll(client.closed, patience).toBe(true);
    expect(client.text()).toContain('408 Request Timeout');
    expect(client.text()).toContain('"code":"request_timeout"');
  });

  test('whose body trickles in is answered 408, and its place is free again', async () => {
    const client = rawClient(head(1_000));
    const drip = setInterval(() => client.socket.write(' '), 20);
    await expect.poll(client.text, patience).toContain('408 Request Timeout');
    await expect.poll(inFlight, patience).toBe(0);
    clearInterval(drip);
    client.socket.destroy();
  });

  test('that goes on sending after it was refused is cut', async () => {
    const client = rawClient(`${head(1_000_000_000).replace('chat/completions', 'nothing')}`);
    const chunk = 'x'.repeat(65_536);
    const flood = setInterval(() => client.socket.write(chunk), 5);
    await expect.poll(client.text, patience).toContain('404 Not Found');
    await expect.poll(client.closed, patience).toBe(true);
    clearInterval(flood);
  });

  test('that falls silent after it was refused is cut too', async () => {
    const client = rawClient(head(1_000_000_000));
    await expect.poll(client.text, patience).toContain('413');
    await expect.poll(client.closed, patience).toBe(true);
  });

  test('does not keep others from being served', async () => {
    const clients = Array.from({ length: 50 }, () => rawClient(head(1_000)));
    expect((await post(`${proxy.url}/v1/chat/completions`, chatBody('Translate to French: tree'))).status).toBe(200);
    await expect.poll(() => clients.every((client) => client.text().includes('408')), patience).toBe(true);
    for (const { socket } of clients) socket.destroy();
    await expect.poll(inFlight, patience).toBe(0);
  });
});
