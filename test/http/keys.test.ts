/** Keys: who may come in, how often, for how much, and what they may see. */
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { chatBody, post, startProxy, type TestProxy } from '../proxy-harness.ts';

const hashOf = (key: string) => `sha256:${createHash('sha256').update(key).digest('hex')}`;
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
let proxy: TestProxy;
let chat: (headers: Record<string, string>, extra?: Record<string, unknown>) => Promise<Response>;

beforeAll(async () => {
  proxy = await startProxy({
    auth: {
      keys: [
        { name: 'app', hash: hashOf('key-app') },
        { name: 'slow', hash: hashOf('key-slow'), requests_per_minute: 2 },
        { name: 'poor', hash: hashOf('key-poor'), budget_usd_per_day: 0.000001 },
        { name: 'boss', hash: hashOf('key-boss'), admin: true },
        { name: 'force', hash: hashOf('key-force'), may_force: true },
      ],
    },
  });
  chat = (headers, extra) =>
    post(`${proxy.url}/v1/chat/completions`, chatBody('Translate to French: good day', extra), headers);
});

const codeOf = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code;

describe('a reload', () => {
  test('limits a new key, and gives a known one its new rate', async () => {
    const own = await startProxy({ auth: { keys: [{ name: 'old', hash: hashOf('old'), requests_per_minute: 1 }] } });
    const ask = async (key: string) =>
      (await post(`${own.url}/v1/chat/completions`, chatBody('Translate to French: good day'), bearer(key))).status;
    expect([await ask('old'), await ask('old')]).toEqual([200, 429]);
    await own.reconfigure({
      auth: {
        keys: [
          { name: 'old', hash: hashOf('old') },
          { name: 'new', hash: hashOf('new'), requests_per_minute: 1 },
        ],
      },
    });
    expect([await ask('old'), await ask('new'), await ask('new')]).toEqual([200, 200, 429]);
  });
});

describe('with keys configured', () => {
  test('no key and a wrong key are 401 in the shape of OpenAI', async () => {
    for (const headers of [{}, bearer('wrong')]) {
      const response = await chat(headers);
      expect(response.status).toBe(401);
      expect(await codeOf(response)).toBe('invalid_api_key');
    }
    expect((await chat({ 'api-key': 'key-app' })).status).toBe(200);
  });

  test('a key without may_force cannot force a route', async () => {
    const refused = await chat({ ...bearer('key-app'), 'x-shunt-route': 'facts' });
    expect([refused.status, await codeOf(refused)]).toEqual([403, 'route_forbidden']);
    expect((await chat({ ...bearer('key-force'), 'x-shunt-route': 'facts' })).status).toBe(200);
    expect((await chat({ ...bearer('key-app'), 'x-shunt-route': 'off' })).status).toBe(200);
  });

  test('a key over its rate gets 429 with retry-after', async () => {
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await chat(bearer('key-slow'))).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect((await chat(bearer('key-slow'))).headers.get('retry-after')).toMatch(/^\d+$/);
  });

  test('a key over its budget gets 429, until tomorrow', async () => {
    expect((await chat(bearer('key-poor'))).status).toBe(200);
    const second = await chat(bearer('key-poor'));
    expect([second.status, await codeOf(second)]).toEqual([429, 'budget_exceeded']);
  });

  test('only the creating key and admins see a decision', async () => {
    const made = await chat(bearer('key-app'));
    const id = made.headers.get('x-shunt-request-id');
    await made.arrayBuffer();
    const look = async (key: string) =>
      (await fetch(`${proxy.url}/v1/decisions/${id}`, { headers: bearer(key) })).status;
    await expect.poll(() => look('key-app')).toBe(200);
    expect([await look('key-force'), await look('key-boss')]).toEqual([404, 200]);
  });

  test('metrics need an admin key, and hold no secret', async () => {
    expect((await fetch(`${proxy.url}/metrics`, { headers: bearer('key-app') })).status).toBe(403);
    const metrics = await (await fetch(`${proxy.url}/metrics`, { headers: bearer('key-boss') })).text();
    expect(metrics).toContain('translation');
    for (const secret of ['key-app', 'sk-cheap', 'sk-strong', 'good day']) expect(metrics).not.toContain(secret);
  });
});

describe('credentials', () => {
  test("the client's credential never reaches a backend of the operator", async () => {
    const { createServer } = await import('node:http');
    const seen: (string | undefined)[] = [];
    const backend = createServer((request, response) => {
      seen.push(
        request.headers.authorization,
        request.headers['api-key'] as string | undefined,
        request.headers.cookie,
      );
      response.end('{"choices":[]}');
    });
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    const address = backend.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const other = await startProxy({
      backends: { strong: { base_url: `http://127.0.0.1:${port}/v1`, api_key: 'sk-operator' } },
    });
    await post(`${other.url}/v1/chat/completions`, chatBody('x', { model: 'large' }), {
      ...bearer('sk-client'),
      cookie: 'a=b',
      'api-key': 'sk-client',
    });
    backend.close();
    expect(seen).toEqual(['Bearer sk-operator', undefined, undefined]);
  });
});
