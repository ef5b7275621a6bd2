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
    },
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

const method = fc.oneof(
  { weight: 20, arbitrary: fc.constant('POST') },
  { weight: 3, arbitrary: fc.constantFrom('GET', 'HEAD', 'DELETE', 'OPTIONS', 'PUT', 'PATCH') },
);

const segment = fc.oneof(
  fc.constantFrom(
    'v1',
    '..',
    '.',
    '',
    '%2e%2e',
    '%00',
    '%',
    '%ff',
    ';',
    'models',
    'auto:facts',
    'chat',
    'admin',
    'decisions',
  ),
  fc.string({ unit: fc.constantFrom(...'ab0-_~!$&()*+,;=:@%.?#[]{}|^"<>`') }),
);
const path = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      '/v1/chat/completions',
      '/v1/completions',
      '/v1/responses',
      '/v1/messages',
      '/v1/embeddings',
      '/v1/route',
      '/v1/moderations',
      '/v1/files',
    ),
  },
  { weight: 2, arbitrary: fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join('/')}`) },
);

const headerName = fc.constantFrom(
  ...['x-shunt-route', 'x-shunt-session', 'x-shunt-tags', 'cache-control', 'content-type', 'authorization', 'api-key'],
  ...['accept', 'accept-encoding', 'traceparent', 'idempotency-key', 'openai-organization', 'te', 'range'],
  ...['anthropic-version', 'x-api-key', 'x-request-id', 'if-none-match', 'cookie', 'forwarded'],
);
const headerValue = fc.oneof(
  fc.constantFrom('off', 'facts', 'fallback', 'auto', 'no-store', 'no-cache, max-age=0', 'application/json', 'gzip'),
  fc.constantFrom('Bearer x', 'multipart/form-data; boundary=', 'a'.repeat(2_000), 'text/event-stream', ',,,;=', '{}'),
  // Every byte that a header may hold, Latin-1 included.
  fc
    .array(fc.oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff }), fc.constant(9)), {
      maxLength: 30,
    })
    .map((codes) => String.fromCharCode(...codes)),
);
const headers = fc.array(
  fc.tuple(headerName, headerValue).map(([name, value]) => `${name}: ${value}`),
  { maxLength: 5 },
);

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('Translate to French: good day', 'What is the capital of Italy?', '\ud800', '\0', 'x'.repeat(20_000)),
);
const anything = fc.oneof(fc.jsonValue({ maxDepth: 4 }), text, fc.constantFrom(null, -1, 1e308, 0.1, true, [], {}));
const part = fc.record(
  {
    type: fc.constantFrom('text', 'image_url', 'input_audio', 'tool_result', 'x'),
    text: anything,
    image_url: anything,
  },
  { requiredKeys: ['type'] },
);
/** Mostly what is meant, at times anything: a request that fails at its first field tests nothing behind it. */
const mostly = <T>(meant: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 12, arbitrary: meant }, { weight: 1, arbitrary: anything });
const message = mostly(
  fc.record(
    {
      role: mostly(fc.constantFrom('user', 'user', 'assistant', 'system', 'tool', 'developer')),
      content: mostly(fc.oneof(text, fc.array(mostly(part), { maxLength: 3 }))),
      tool_calls: fc.oneof(fc.array(anything, { maxLength: 2 }), anything),
      tool_call_id: anything,
    },
    { requiredKeys: ['role', 'content'] },
  ),
);
const fields = fc.record(
  {
    model: mostly(fc.constantFrom('auto', 'auto', 'small', 'large', 'default', 'auto:facts', '__proto__', 'nobody')),
    messages: mostly(fc.array(message, { minLength: 1, maxLength: 5 })),
    input: mostly(fc.oneof(text, fc.array(fc.oneof(text, message), { maxLength: 4 }))),
    prompt: mostly(text),
    text: mostly(text),
    stream: mostly(fc.boolean()),
    stream_options: mostly(fc.record({ include_usage: fc.boolean() })),
    temperature: mostly(fc.constantFrom(0, 0.5, 1)),
    n: fc.constantFrom(0, 1, 2, null, 'x'),
    max_tokens: fc.constantFrom(1, 50, 50, 0, -1, null, 'x'),
    tools: anything,
    response_format: anything,
    dimensions: fc.constantFrom(1, 8, 0, -1, 1e9, 'x', null),
    encoding_format: fc.constantFrom('float', 'base64', 'x', null),
    previous_response_id: mostly(fc.constant(null)),
    system: anything,
  },
  { requiredKeys: ['model', 'messages', 'input', 'prompt', 'text'] },
);
const json = fields.map((value) => Buffer.from(JSON.stringify(value)));
const body = fc.oneof(
  { weight: 20, arbitrary: json },
  // Cut somewhere, or with a member twice, or with bytes that are no UTF-8.
  { weight: 2, arbitrary: fc.tuple(json, fc.nat(2_000)).map(([bytes, end]) => bytes.subarray(0, end)) },
  {
    weight: 2,
    arbitrary: fc.tuple(json, fc.nat(500), fc.uint8Array({ minLength: 1, maxLength: 8 })).map(([bytes, at, noise]) => {
      return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(json, json)
      .map(([a, b]) => Buffer.concat([a.subarray(0, -1), Buffer.from(','), b.subarray(1)])),
  },
  { weight: 1, arbitrary: fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 100_000 }).map((depth) => {
      const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`;
      return Buffer.from(`{"model":"auto","messages":[{"role":"user","content":${nested}}],"input":${nested}}`);
    }),
  },
);

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
