/** Keys: who may come in, how often, for how much, and what they may see. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { changeKeysFile } from '../../src/config/keys-file.ts';
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
        { name: 'one-token', hash: hashOf('key-one-token'), tokens_per_minute: 10 },
        { name: 'old', hash: hashOf('key-old'), expires: '2026-01-31' },
        { name: 'tagged', hash: hashOf('key-tagged'), tags: ['team-a'] },
        { name: 'narrow', hash: hashOf('key-narrow'), allowed_models: ['auto'], allowed_routes: ['facts'] },
        { name: 'narrow-force', hash: hashOf('key-narrow-force'), allowed_routes: ['facts'], may_force: true },
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

describe('a key that is revoked', () => {
  test('is refused even while something broken keeps the rest from being taken over', async () => {
    const own = await startProxy();
    const keysFile = join(own.folder, '.shunt/keys.yaml');
    await changeKeysFile(keysFile, () => [{ name: 'app', hash: hashOf('secret') }]);
    expect(await own.proxy.reload('test')).toBe(true);
    const ask = async () =>
      (await post(`${own.url}/v1/chat/completions`, chatBody('Translate to French: tree'), bearer('secret'))).status;
    expect(await ask()).toBe(200);
    await writeFile(join(own.folder, 'routes/broken.yaml'), 'nonsense: [');
    await changeKeysFile(keysFile, () => []);
    expect(await own.proxy.reload('test')).toBe(false);
    expect(await ask()).toBe(401);
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

  test('a key over its tokens a minute gets 429 with retry-after', async () => {
    const statuses = [];
    for (let i = 0; i < 2; i++) statuses.push((await chat(bearer('key-one-token'))).status);
    expect(statuses).toEqual([200, 429]);
    const refused = await chat(bearer('key-one-token'));
    expect([refused.headers.get('retry-after'), await codeOf(refused)]).toEqual([
      expect.stringMatching(/^\d+$/),
      'rate_limit_exceeded',
    ]);
  });

  test('a key that has expired is told so', async () => {
    const refused = await chat(bearer('key-old'));
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({
      error: { code: 'invalid_api_key', message: expect.stringContaining('expired (2026-01-31') },
    });
  });

  test("a key's own tags stand in its records, beside those of the request", async () => {
    const made = await chat({ ...bearer('key-tagged'), 'x-shunt-tags': 'batch, team-a' });
    const decision = `${proxy.url}/v1/decisions/${made.headers.get('x-shunt-request-id')}`;
    await expect
      .poll(async () => (await fetch(decision, { headers: bearer('key-tagged') })).json(), { timeout: 20_000 })
      .toMatchObject({ tags: ['team-a', 'batch'] });
  });

  test('a key may name only the models that it is allowed', async () => {
    const refused = await chat(bearer('key-narrow'), { model: 'large' });
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({
      error: { code: 'model_forbidden', type: 'permission_error', param: 'model' },
    });
    const embedding = JSON.stringify({ model: 'default', input: 'x' });
    expect((await post(`${proxy.url}/v1/embeddings`, embedding, bearer('key-narrow'))).status).toBe(403);
    expect((await chat(bearer('key-narrow'))).status).toBe(200);
    const listed = (await (await fetch(`${proxy.url}/v1/models`, { headers: bearer('key-narrow') })).json()) as {
      data: { id: string }[];
    };
    expect(listed.data.map(({ id }) => id)).toEqual(['auto', 'auto:facts']);
  });

  test('a prompt of a route that the key may not take goes to the fallback, and forcing that route is 403', async () => {
    const elsewhere = await chat(bearer('key-narrow'));
    const shown = ['route', 'reason', 'model'].map((name) => elsewhere.headers.get(`x-shunt-${name}`));
    expect(shown).toEqual(['fallback', 'route-not-allowed', 'large']);
    const forced = await chat({ ...bearer('key-narrow-force'), 'x-shunt-route': 'translation' });
    expect([forced.status, await codeOf(forced)]).toEqual([403, 'route_forbidden']);
    expect((await chat({ ...bearer('key-narrow-force'), 'x-shunt-route': 'facts' })).status).toBe(200);
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
