import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createConnectionPools } from '../../src/backend/connection-pools.ts';
import type { Backend } from '../../src/backend/contract.ts';
import { createHttpBackend } from '../../src/backend/http.ts';
import { startSimulatedServer } from '../../src/backend/simulated-server.ts';
import { systemClock } from '../../src/base/clock.ts';
import { backendContract } from './backend-contract.ts';
import { ask, backendConfig, callOf, recording, settled } from './recording-sink.ts';

function httpBackend(baseUrl: string, overrides: Record<string, unknown> = {}): Backend {
  const config = backendConfig({ kind: 'openai', base_url: baseUrl, ...overrides });
  return createHttpBackend('far', config, { clock: systemClock, pools: createConnectionPools() });
}

backendContract('the HTTP backend', {
  async open(limits) {
    const server = await startSimulatedServer({ host: '127.0.0.1', port: 0, config: backendConfig() });
    const backend = httpBackend(server.url, limits);
    return {
      backend,
      async close() {
        await server.close();
        await backend.close();
      },
    };
  },
});

describe('the HTTP backend against servers made by hand', () => {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    for (const server of servers.splice(0)) server.close();
  });

  /** A TCP server; `onRequest` is called with the head and body of each request that has come whole. */
  async function serve(onRequest: (socket: Socket, request: string) => void): Promise<string> {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        const headEnd = text.indexOf('\r\n\r\n');
        if (headEnd < 0) return;
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
        if (text.length < headEnd + 4 + length) return;
        const request = text;
        text = '';
        onRequest(socket, request);
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return `http://127.0.0.1:${address.port}`;
  }

  const respond = (text: string) => (socket: Socket) => void socket.write(text, 'latin1');

  it('says that the connection was refused, and by whom', async () => {
    const url = await serve(() => {});
    servers.splice(0).forEach((server) => {
      server.close();
    });
    const answer = await ask(httpBackend(url, { api_key: 'sk-secret' }));
    expect(answer.failure?.kind).toBe('connect');
    expect(answer.failure?.message).toContain(`backend 'far' at ${url}`);
    expect(answer.failure?.message).toContain('ECONNREFUSED');
    expect(answer.failure?.message).not.toContain('sk-secret');
  });

  it('says that a name does not resolve', async () => {
    const answer = await ask(httpBackend('http://no-such-host.invalid', { connect_ms: 1_500 }));
    expect(answer.failure?.kind).toMatch(/^connect/);
  });

  it('gives up on a connection that does not come about', async () => {
    // A TLS handshake with a server that says nothing: connected by TCP, never by TLS.
    const url = (await serve(() => {})).replace('http:', 'https:');
    const answer = await ask(httpBackend(url, { connect_ms: 80 }));
    expect(answer.failure?.kind).toBe('connect-timeout');
    expect(answer.events).toEqual(['error']);
  });

  it('can be aborted while it connects', async () => {
    const url = (await serve(() => {})).replace('http:', 'https:');
    const controller = new AbortController();
    const record = recording();
    httpBackend(url, { connect_ms: 200 }).send(callOf({ signal: controller.signal }), record.sink);
    await settled(3);
    controller.abort();
    expect((await record.over).failure?.kind).toBe('aborted');
    await settled(150);
    expect(record.events).toEqual(['error']);
  });

  it('waits for the whole head before the first-byte limit is kept', async () => {
    const url = await serve(respond('HTTP/1.1 200 OK\r\ncontent-ty'));
    expect((await ask(httpBackend(url, { first_byte_ms: 80 }))).failure?.kind).toBe('first-byte-timeout');
  });

  it.each([
    ['a length that is too long', 'content-length: 20\r\n\r\nhello'],
    ['a chunked body without its end', 'transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n'],
    ['a chunk that is cut', 'transfer-encoding: chunked\r\n\r\n50\r\nhello'],
  ])('fails after the headers for %s and a closed connection', async (_, rest) => {
    for (const connection of ['keep-alive', 'close']) {
      const url = await serve((socket) => socket.end(`HTTP/1.1 200 OK\r\nconnection: ${connection}\r\n${rest}`));
      const answer = await ask(httpBackend(url));
      expect(answer.events[0]).toBe('headers');
      expect(answer.events.at(-1)).toBe('error');
      expect(['reset', 'protocol']).toContain(answer.failure?.kind);
    }
  });

  it.each([
    ['two lengths', 'content-length: 5\r\ncontent-length: 6\r\n\r\nhello!'],
    ['a length that is no number', 'content-length: five\r\n\r\nhello'],
    ['a chunk size that is no number', 'transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n'],
    ['headers without an end', `x: ${'y'.repeat(200_000)}`],
  ])('calls it a broken protocol when there are %s', async (_, rest) => {
    const answer = await ask(httpBackend(await serve(respond(`HTTP/1.1 200 OK\r\n${rest}`))));
    expect(answer.failure?.kind).toBe('protocol');
    expect(answer.events.filter((event) => event === 'error' || event === 'end')).toEqual(['error']);
  });

  it('takes a body that ends with the connection', async () => {
    const url = await serve((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end'));
    const answer = await ask(httpBackend(url));
    expect(answer.text()).toBe('until the end');
    expect(answer.events.at(-1)).toBe('end');
  });

  it('takes an answer that comes before the upload is complete', async () => {
    const { Readable } = await import('node:stream');
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('data', () =>
        socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig'),
      );
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const body = new Readable({ read() {} });
    body.push('part');
    const answer = await ask(httpBackend(`http://127.0.0.1:${port}`), { body });
    expect(answer.status).toBe(413);
    expect(answer.text()).toBe('big');
    body.destroy();
  });

  it('leaves out informational answers', async () => {
    const hints = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n';
    const answer = await ask(
      httpBackend(await serve(respond(`${hints}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`))),
    );
    expect(answer.events).toEqual(['headers', 'data', 'end']);
    expect(answer.headers).toEqual(['content-length', '2']);
  });

  it('keeps the order, spelling, duplicates and bytes of the headers of an answer', async () => {
    const head =
      'X-Odd-Case: a\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nx-latin: caf\xe9\r\nx-empty:\r\ncontent-length: 0\r\n\r\n';
    const answer = await ask(httpBackend(await serve(respond(`HTTP/1.1 200 OK\r\n${head}`))));
    expect(answer.headers).toEqual([
      'X-Odd-Case',
      'a',
      'set-cookie',
      'a=1',
      'Set-Cookie',
      'b=2',
      'x-latin',
      'caf\xe9',
      'x-empty',
      '',
      'content-length',
      '0',
    ]);
  });

  it('writes the request as it was given and adds only the host, the length and the key', async () => {
    let seen = '';
    const url = await serve((socket, request) => {
      seen = request;
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    });
    const backend = httpBackend(`${url}/openai/v1/?api-version=2`, {
      api_key: 'sk-operator',
      headers: { 'OpenAI-Organization': 'org-1' },
    });
    const headers = ['Content-Type', 'application/json', 'X-Dup', '1', 'x-dup', '2', 'openai-organization', 'theirs'];
    await ask(backend, { path: '/chat/completions?a=b', headers, body: Buffer.from('{"x": 1.00}') });
    const lines = seen.split('\r\n');
    expect(lines[0]).toBe('POST /openai/v1/chat/completions?a=b&api-version=2 HTTP/1.1');
    expect(lines.slice(1).filter((line) => !/^(host|connection): /.test(line))).toEqual([
      'Content-Type: application/json',
      'X-Dup: 1',
      'x-dup: 2',
      'OpenAI-Organization: org-1',
      'authorization: Bearer sk-operator',
      'content-length: 11',
      '',
      '{"x": 1.00}',
    ]);
    expect(lines).toContain(`host: ${new URL(url).host}`);
  });

  it('passes bytes on unchanged, however they are cut', async () => {
    const text = Buffer.from('data: {"a":"日本語 🙂"}\r\n\r\n: note\n\ndata: [DONE]\n\n');
    const url = await serve(async (socket) => {
      socket.setNoDelay(true);
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n');
      for (const byte of text) {
        socket.write(`1\r\n`);
        socket.write(Buffer.from([byte]));
        socket.write('\r\n');
        await new Promise((resolve) => setImmediate(resolve));
      }
      socket.write('0\r\n\r\n');
    });
    const answer = await ask(httpBackend(url));
    expect(Buffer.concat(answer.chunks).equals(text)).toBe(true);
    expect(answer.chunks.length).toBeGreaterThan(3);
  });

  it('uses a connection again', async () => {
    let connections = 0;
    const url = await serve(respond('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    servers[0].on('connection', () => connections++);
    const backend = httpBackend(url);
    for (let i = 0; i < 5; i++) {
      expect((await ask(backend)).text()).toBe('ok');
      await settled(1);
    }
    expect(connections).toBe(1);
  });

  it('opens a new connection when the old one was closed meanwhile', async () => {
    const url = await serve((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      setTimeout(() => socket.destroy(), 5);
    });
    const backend = httpBackend(url);
    for (let i = 0; i < 3; i++) {
      expect((await ask(backend)).text()).toBe('ok');
      await settled(15);
    }
  });

  it('queues requests beyond its connections instead of failing them', async () => {
    const url = await serve(
      (socket) => void setTimeout(() => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'), 10),
    );
    const backend = httpBackend(url, { connections: 1, connect_ms: 20 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(backend)));
    expect(answers.map((answer) => answer.text())).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
  });

  it('lets go of the connection of an aborted request', async () => {
    let closed = 0;
    const url = await serve((socket) => void socket.once('close', () => closed++));
    const controller = new AbortController();
    const record = recording();
    httpBackend(url).send(callOf({ signal: controller.signal }), record.sink);
    await settled();
    controller.abort();
    await record.over;
    await settled();
    expect(closed).toBe(1);
  });

  it('holds a paused answer back at its sender', async () => {
    const total = 200 << 20;
    let written = 0;
    const block = Buffer.alloc(1 << 20, 'x');
    const url = await serve((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`);
      const more = () => {
        while (written < total && !socket.destroyed) {
          written += block.length;
          if (!socket.write(block)) {
            socket.once('drain', more);
            return;
          }
        }
      };
      more();
    });
    const controller = new AbortController();
    const record = recording({ onData: () => false });
    httpBackend(url).send(callOf({ signal: controller.signal }), record.sink);
    while (record.chunks.length === 0) await settled(1);
    await settled(50);
    expect(record.chunks.length).toBe(1);
    expect(written).toBeLessThan(32 << 20);
    controller.abort();
    await record.over;
  });

  it('goes on when a pool is shared and one of its users leaves', async () => {
    const url = await serve(respond('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    const pools = createConnectionPools();
    const config = backendConfig({ kind: 'openai', base_url: url });
    const first = createHttpBackend('first', config, { clock: systemClock, pools });
    const second = createHttpBackend('second', config, { clock: systemClock, pools });
    await first.close();
    await first.close();
    expect((await ask(second)).text()).toBe('ok');
    await second.close();
    expect((await ask(second)).failure).not.toBeNull();
  });

  it('refuses to be made without a base URL', () => {
    const make = () =>
      createHttpBackend('far', backendConfig({ kind: 'openai' }), {
        clock: systemClock,
        pools: createConnectionPools(),
      });
    expect(make).toThrow('backends.far has no base_url');
  });
});
