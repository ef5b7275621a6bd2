/**
 * Nobody's slowness fills the proxy's memory: what a slow reader does not take, the backend is not asked for, and what a
 * slow backend does not take, the client is not asked for.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { chatBody, post, startProxy } from '../proxy-harness.ts';

const mega = 1_048_576;
const patience = { timeout: 60_000, interval: 100 };

async function backendOf(answer: (incoming: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server: Server = createServer(answer);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

/** Resolves once `read()` has not changed for a second. */
async function standstill(read: () => number): Promise<number> {
  for (let last = -1; ; ) {
    await new Promise((wait) => setTimeout(wait, 1_000));
    if (read() === last && last > 0) return last;
    last = read();
  }
}

test('200 MB for a reader that has stalled stay where they are, and all arrive once it reads', {
  timeout: 180_000,
}, async () => {
  const total = 200 * mega;
  const event = `data: ${JSON.stringify({ choices: [{ delta: { content: 'x'.repeat(65_000) } }] })}\n\n`;
  let written = 0;
  const base_url = await backendOf((incoming, response) => {
    incoming.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const write = () => {
      while (written < total) {
        written += event.length;
        if (!response.write(event)) {
          response.once('drain', write);
          return;
        }
      }
      response.end('data: [DONE]\n\n');
    };
    write();
  });
  const proxy = await startProxy({ backends: { strong: { base_url } } });
  const { hostname, port } = new URL(proxy.url);
  const body = chatBody('hi', { model: 'large', stream: true });
  const before = process.memoryUsage().rss;
  const socket = connect(Number(port), hostname, () => {
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`;
    socket.write(head + body);
    socket.pause();
  });

  // Sockets' own buffers, in the kernel, take a few megabytes on each of the two ways.
  expect(await standstill(() => written)).toBeLessThan(32 * mega);
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * mega);

  let received = 0;
  let most = 0;
  let end = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    end = (end + chunk.toString('latin1')).slice(-64);
    most = Math.max(most, process.memoryUsage.rss());
  });
  socket.resume();
  await expect.poll(() => end, patience).toContain('[DONE]');
  expect(received).toBeGreaterThan(total);
  expect(most - before).toBeLessThan(128 * mega);
  socket.destroy();
});

test('an upload that the backend does not take is not taken from the client either', { timeout: 120_000 }, async () => {
  let release = () => {};
  let arrived = 0;
  const base_url = await backendOf((incoming, response) => {
    incoming.pause();
    release = () => {
      incoming.on('data', (chunk: Buffer) => {
        arrived += chunk.length;
      });
      incoming.on('end', () => response.end('{}')).resume();
    };
  });
  const proxy = await startProxy({ backends: { strong: { base_url } } });
  const { hostname, port } = new URL(proxy.url);
  const total = 100 * mega;
  const chunk = Buffer.alloc(65_536, 'x');
  let sent = 0;
  let answer = '';
  const socket = connect(Number(port), hostname, () => {
    socket.write(
      `POST /v1/audio/transcriptions HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=x\r\ncontent-length: ${total}\r\n\r\n`,
    );
    const write = () => {
      while (sent < total) {
        sent += chunk.length;
        if (!socket.write(chunk)) {
          socket.once('drain', write);
          return;
        }
      }
    };
    write();
  });
  socket.on('data', (part: Buffer) => {
    answer += part.toString();
  });
  expect(await standstill(() => sent)).toBeLessThan(32 * mega);
  release();
  await expect.poll(() => answer, patience).toContain('200 OK');
  expect(arrived).toBe(total);
  socket.destroy();
});

test('a body beyond the limit is refused while it comes, said or unsaid', async () => {
  const proxy = await startProxy({ server: { body_limit_mb: 1 } });
  const url = `${proxy.url}/v1/chat/completions`;
  expect((await post(url, chatBody('x'.repeat(2 * mega)))).status).toBe(413);
  const { hostname, port } = new URL(proxy.url);
  let answer = '';
  const socket = connect(Number(port), hostname, () => {
    socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n');
    const piece = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    for (let i = 0; i < 24; i++) socket.write(piece);
  });
  socket
    .on('error', () => undefined)
    .on('data', (part: Buffer) => {
      answer += part.toString();
    });
  await expect.poll(() => answer, patience).toContain('413');
  expect(answer).toContain('body_too_large');
  socket.destroy();
});
