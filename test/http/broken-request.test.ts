/** What is no request, and what is one too large to repeat: answered in OpenAI's shape, and never left waiting. */
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { chatBody, post, startProxy, type TestProxy } from '../proxy-harness.ts';

interface ErrorReply {
  readonly error: { readonly message: string; readonly type: string; readonly param: null; readonly code: string };
}

let proxy: TestProxy;

beforeAll(async () => {
  proxy = await startProxy();
});

describe('what is no HTTP request', () => {
  test.each([
    ['garbage', '\0\x01 garbage\r\n\r\n', 400, 'invalid_request'],
    ['a TLS greeting', '\x16\x03\x01\x02\0\x01\0', 400, 'invalid_request'],
    [
      'headers above 64 KiB',
      `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(70_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['a host that is no name', 'GET /v1/models HTTP/1.1\r\nhost: local host\r\n\r\n', 400, 'invalid_request'],
    ['a target without a path', 'OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n', 400, 'invalid_request'],
    ['a tunnel', 'CONNECT elsewhere:443 HTTP/1.1\r\nhost: elsewhere\r\n\r\n', 405, 'method_not_allowed'],
    [
      'a length and chunks at once',
      'POST /v1/route HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'invalid_request',
    ],
  ])('%s is refused with an error body', async (_what, bytes, status, code) => {
    const answer = await exchangeRaw(bytes);
    expect(answer.status).toBe(status);
    expect((JSON.parse(answer.body) as ErrorReply).error.code).toBe(code);
  });

  test('a health check in HTTP/1.0, without a Host header, is one', async () => {
    expect((await exchangeRaw('GET /healthz HTTP/1.0\r\n\r\n')).status).toBe(200);
  });
});

describe('what a client sent', () => {
  test('is not repeated in full: a name of a megabyte gets a short error', async () => {
    const response = await post(`${proxy.url}/v1/chat/completions`, chatBody('hi', { model: 'm'.repeat(1_000_000) }));
    expect(response.status).toBe(404);
    expect((await response.text()).length).toBeLessThan(3_000);
  });

  test('is not kept in full either: a long name passed through is recorded by its beginning', async () => {
    const own = await startProxy({ routing: { unknown_model: 'passthrough' } });
    const response = await post(`${own.url}/v1/chat/completions`, chatBody('hi', { model: 'm'.repeat(100_000) }));
    const id = response.headers.get('x-shunt-request-id');
    await expect
      .poll(async () => (await fetch(`${own.url}/v1/decisions/${id}`)).json())
      .toMatchObject({ requested_model: 'm'.repeat(256) });
  });

  test('is not quoted when it is no JSON: the message goes to the log as well', async () => {
    const response = await post(`${proxy.url}/v1/chat/completions`, 'my secret');
    const { error } = (await response.json()) as ErrorReply;
    expect(error.code).toBe('invalid_json');
    expect(error.message).not.toContain('secret');
  });

  test('is refused by name when it is compressed', async () => {
    const response = await fetch(`${proxy.url}/v1/chat/completions`, {
      method: 'POST',
      body: gzipSync(chatBody('hi')),
      headers: { 'content-encoding': 'gzip' },
    });
    expect(response.status).toBe(400);
    expect(((await response.json()) as ErrorReply).error.message).toContain('uncompressed');
  });
});

test('connections that never finish a request do not keep the proxy from stopping', async () => {
  const own = await startProxy({ server: { drain_ms: 60_000 } });
  const { hostname, port } = new URL(own.url);
  const closed = [
    '',
    'POST /v1/chat/compl',
    'GET /healthz HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n',
  ].map(
    (bytes) =>
      new Promise((resolve) => {
        const socket = connect(Number(port), hostname, () => socket.write(bytes));
        socket.on('error', resolve).on('close', resolve).resume();
      }),
  );
  await fetch(`${own.url}/healthz`);
  await own.stop();
  await Promise.all(closed);
});

/** Sends bytes as they are, and reads the first answer. */
function exchangeRaw(bytes: string): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(proxy.url);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1'));
    socket.on('error', reject).on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      const [head, body = ''] = text.split('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (!text.includes('\r\n\r\n') || Buffer.byteLength(body) < length) return;
      resolve({ status: Number(head.split(' ')[1]), body });
      socket.destroy();
    });
    socket.on('close', () => reject(new Error('closed without an answer')));
  });
}
