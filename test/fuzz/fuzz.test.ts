/**
 * Requests that nobody would write by hand, against a whole proxy over real sockets: generated bodies, headers and paths,
 * and requests broken at the level of bytes. Whatever comes, the proxy answers or closes, in a known shape, with no fault
 * of its own and with nothing of its inside in the reply.
 *
 *   FUZZ_RUNS=10000 npx vitest run test/fuzz      the long form; FUZZ_SEED=… repeats a run
 */
import { connect } from 'node:net';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chatBody, post, startProxy, type TestProxy } from '../proxy-harness.ts';
import { endpointRequest } from './endpoint-bodies.ts';
import { body, headers, method, path } from './requests.ts';

const runs = Number(process.env.FUZZ_RUNS ?? 300);
const seed = Number(process.env.FUZZ_SEED ?? Math.trunc(Math.random() * 2 ** 31));
const timeout = Math.max(30_000, runs * 60);
const operatorKey = 'sk-canary-of-the-operator';
const answerMs = 15_000;

let proxy: TestProxy;
let secrets: string[];

beforeAll(async () => {
  process.stdout.write(`fuzz: FUZZ_SEED=${seed} FUZZ_RUNS=${runs}\n`);
  const backend = (api_key: string) => ({ api_key, max_retries: 0 });
  proxy = await startProxy({ routing: { passthrough: ['moderations', 'files'] }, cache: { exact: { max_mb: 1 } } });
  const base = { cheap: proxy.small.url, strong: proxy.large.url };
  const reconfigured = await proxy.reconfigure({
    backends: {
      cheap: { base_url: base.cheap, ...backend(operatorKey) },
      strong: { base_url: base.strong, ...backend(operatorKey) },
      anthropic: { kind: 'anthropic', base_url: base.strong, ...backend(operatorKey) },
    },
    models: { claude: { backend: 'anthropic', model: 'sim-claude' } },
    routing: { passthrough: ['moderations', 'files'] },
  });
  expect(reconfigured).toBe(true);
  secrets = [operatorKey, proxy.folder, resolve(import.meta.dirname, '../..'), 'node_modules', '\n    at ', 'file://'];
});

afterAll(async () => {
  const response = await post(`${proxy.url}/v1/chat/completions`, chatBody('Translate to French: good morning'));
  expect([response.status, response.headers.get('x-shunt-route')]).toEqual([200, 'translation']);
  expect(await (await fetch(`${proxy.url}/readyz`)).json()).toMatchObject({ status: 'ready', in_flight: 0 });
});

describe('whatever is asked', () => {
  test(
    'every request is answered, errors in the shape of the API, and nothing of the inside shows',
    async () => {
      const request = fc.record({ method, path, headers, body });
      await check(request, async ({ method, path, headers, body }) => {
        const lines = [`${method} ${path} HTTP/1.1`, 'host: localhost', 'connection: close', ...headers];
        const head = [...lines, `content-length: ${body.length}`].join('\r\n');
        const answer = await send(Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body]), {
          halfClose: false,
        });
        expect(answer, 'an answer').not.toBe('');
        expectSound(answer, { hasBody: method !== 'HEAD', anthropic: path.startsWith('/v1/messages') });
      });
    },
    timeout,
  );

  test(
    'every endpoint bears what is nearly right, in its own words',
    async () => {
      await check(fc.tuple(endpointRequest, headers), async ([{ path, body }, more]) => {
        const lines = [`POST ${path} HTTP/1.1`, 'host: localhost', 'connection: close', ...more];
        const head = [...lines, `content-length: ${body.length}`].join('\r\n');
        const answer = await send(Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body]), {
          halfClose: false,
        });
        expect(answer, 'an answer').not.toBe('');
        expectSound(answer, { hasBody: true, anthropic: path.startsWith('/v1/messages') });
      });
    },
    timeout,
  );

  test(
    'of two requests on one connection, in chunks of any size, each is answered',
    async () => {
      const two = fc.tuple(
        endpointRequest,
        endpointRequest,
        fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 8 }),
      );
      await check(two, async ([first, second, cuts]) => {
        const request = ({ path, body }: typeof first, last: boolean) => [
          Buffer.from(
            `POST ${path} HTTP/1.1\r\nhost: localhost\r\n${last ? 'connection: close\r\n' : ''}transfer-encoding: chunked\r\n\r\n`,
          ),
          ...chunksOf(body, cuts),
        ];
        const answer = await send(Buffer.concat([...request(first, false), ...request(second, true)]), {
          halfClose: false,
        });
        for (const secret of secrets) expect(answer).not.toContain(secret);
        const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
        expect(statuses, answer.slice(0, 2_000)).toHaveLength(2);
        for (const status of statuses) expect(status, answer.slice(0, 2_000)).toBeLessThan(500);
      });
    },
    timeout,
  );

  test(
    'a request broken in its bytes is answered or closed',
    async () => {
      const whole = Buffer.from(
        `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${valid.length}\r\n\r\n${valid}`,
      );
      const damage = fc.record({
        at: fc.nat(whole.length - 1),
        remove: fc.nat(40),
        insert: fc.uint8Array({ maxLength: 40 }),
      });
      await check(damage, async ({ at, remove, insert }) => {
        const bytes = Buffer.concat([whole.subarray(0, at), insert, whole.subarray(at + remove)]);
        const answer = await send(bytes, { halfClose: true });
        // Node answers a request without Host, or with an Expect of its own making, before we see it, and without a body.
        const hasBody = !answer.endsWith('\r\n\r\n0\r\n\r\n');
        if (answer !== '') expectSound(answer, { hasBody, anthropic: false });
      });
    },
    timeout,
  );
});

const valid = chatBody('Translate to French: good morning');

/** The body in chunks of these sizes, the rest in one. */
function chunksOf(body: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let from = 0;
  for (const size of [...sizes, body.length]) {
    const chunk = body.subarray(from, from + size);
    from += chunk.length;
    if (chunk.length > 0) chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return [...chunks, Buffer.from('0\r\n\r\n')];
}

function check<T>(arbitrary: fc.Arbitrary<T>, holds: (value: T) => Promise<void>): Promise<void> {
  return fc.assert(fc.asyncProperty(arbitrary, holds), {
    seed,
    numRuns: runs,
    interruptAfterTimeLimit: timeout - 5_000,
    markInterruptAsFailure: true,
  });
}

function expectSound(answer: string, kind: { readonly hasBody: boolean; readonly anthropic: boolean }): void {
  for (const secret of secrets) expect(answer).not.toContain(secret);
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
  expect(status, 'a status line').toBeGreaterThanOrEqual(200);
  expect(status, answer.slice(0, 2_000)).toBeLessThan(500);
  if (status < 400 || !kind.hasBody) return;
  const { error } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as { error: unknown };
  expect(error).toMatchObject({ message: expect.any(String), type: expect.any(String) });
  if (!kind.anthropic) expect(error).toHaveProperty('code');
}

/** Everything that comes back until the proxy closes; rejects when it does not. */
function send(bytes: Buffer, options: { readonly halfClose: boolean }): Promise<string> {
  const { hostname, port } = new URL(proxy.url);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no end of the answer within ${answerMs} ms`));
    }, answerMs);
    if (options.halfClose) socket.end(bytes);
    else socket.write(bytes);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => socket.destroy());
    // A reset after the answer is a close as well.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).toString());
    });
  });
}
