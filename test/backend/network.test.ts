/** The way to a backend through a corporate network: proxies, private authorities, HTTP/2. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Server as NetServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createConnectionPools } from '../../src/backend/connection-pools.ts';
import { createHttpBackend } from '../../src/backend/http.ts';
import { systemClock } from '../../src/base/clock.ts';
import { ask, backendConfig } from './recording-sink.ts';

const tls = join(import.meta.dirname, '../fixtures/tls');
const ca_file = join(tls, 'ca.pem');
const identity = { cert: readFileSync(join(tls, 'server.pem')), key: readFileSync(join(tls, 'server.key')) };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function listen(server: NetServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  server.on('secureConnection', (socket) => sockets.add(socket));
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  );
  return (server.address() as AddressInfo).port;
}

function backendAt(base_url: string, overrides: Record<string, unknown> = {}) {
  const config = backendConfig({ kind: 'openai', base_url, ...overrides });
  const backend = createHttpBackend('far', config, { clock: systemClock, pools: createConnectionPools() });
  closers.push(() => backend.close());
  return backend;
}

/** A proxy that knows CONNECT alone; `asked` are the places and credentials it was given. */
async function connectProxy(): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server: Server = createServer((_request, response) => response.writeHead(405).end());
  server.on('connect', (request, socket) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    if (request.headers['proxy-authorization'] === undefined) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const [host, port] = (request.url ?? '').split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [onward, socket]) end.on('error', () => onward.destroy());
  });
  const port = await listen(server);
  return { url: `http://user:p%40ss@127.0.0.1:${port}`, asked };
}

const hello = (_request: unknown, response: { end(text: string): void }) => response.end('hello');

describe('a private authority', () => {
  it('is trusted when ca_file names it, and only then', async () => {
    const port = await listen(createTlsServer(identity, hello));
    const trusted = await ask(backendAt(`https://localhost:${port}`, { ca_file }));
    expect([trusted.status, trusted.text()]).toEqual([200, 'hello']);
    const stranger = await ask(backendAt(`https://localhost:${port}`));
    expect(stranger.failure).toMatchObject({
      kind: 'connect',
      message: expect.stringMatching(/certificate/) as string,
    });
  });

  it('that cannot be read is a fault of the config, said at once', () => {
    expect(() => backendAt('https://localhost:1', { ca_file: join(tls, 'nothing.pem') })).toThrow(
      /backends\.far\.ca_file/,
    );
  });
});

describe('a proxy on the way', () => {
  it('is given the place and the credential, and passes plain requests as they are', async () => {
    const proxy = await connectProxy();
    const port = await listen(
      createServer((request, response) => response.end(`${request.url} ${request.headers.host}`)),
    );
    const answer = await ask(backendAt(`http://localhost:${port}/v1`, { proxy: proxy.url }));
    expect(answer.text()).toBe(`/v1/chat/completions localhost:${port}`);
    expect(proxy.asked).toEqual([`localhost:${port} Basic ${Buffer.from('user:p@ss').toString('base64')}`]);
  });

  it('carries TLS to the backend itself', async () => {
    const proxy = await connectProxy();
    const port = await listen(createTlsServer(identity, hello));
    const answer = await ask(backendAt(`https://localhost:${port}`, { proxy: proxy.url, ca_file }));
    expect([answer.status, answer.text()]).toEqual([200, 'hello']);
  });

  it('that refuses is told from a backend that does', async () => {
    const { url } = await connectProxy();
    const answer = await ask(backendAt('http://localhost:1', { proxy: url.replace(/user.*@/, '') }));
    expect(answer.failure).toMatchObject({
      kind: 'connect',
      message: expect.stringContaining('answered CONNECT localhost:1 with 407') as string,
    });
  });

  it('that is not there is a failure to connect', async () => {
    const answer = await ask(backendAt('http://localhost:1', { proxy: 'http://127.0.0.1:1' }));
    expect(answer.failure).toMatchObject({
      kind: 'connect',
      message: expect.stringContaining('proxy 127.0.0.1:1') as string,
    });
  });
});

describe('HTTP/2', () => {
  it('is spoken where http2 says so, many requests to a connection', async () => {
    const sessions = new Set<unknown>();
    const server = createSecureServer(identity, (request, response) => {
      sessions.add(request.stream.session);
      setTimeout(() => {
        response.writeHead(200, { 'content-type': 'text/plain', 'x-request-id': 'r' });
        response.write('hel');
        response.end('lo');
      }, 50);
    });
    const port = await listen(server);
    const backend = backendAt(`https://localhost:${port}`, { ca_file, http2: true, connections: 100 });
    expect((await ask(backend)).text()).toBe('hello');
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(backend)));
    expect(answers.map((answer) => [answer.status, answer.text()])).toEqual(answers.map(() => [200, 'hello']));
    expect(answers[0].headers).toContain('x-request-id');
    expect(sessions.size).toBe(1);
  });

  it('is refused in words where the backend does not offer it', async () => {
    const port = await listen(createTlsServer(identity, hello));
    const answer = await ask(backendAt(`https://localhost:${port}`, { ca_file, http2: true }));
    expect(answer.failure?.message).toContain('does not offer HTTP/2');
  });
});
