/** Money: what a key and a route may spend, before and after it is spent, across restarts, and who is told. */
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { beforeAll, describe, expect, test } from 'vitest';
import { chatBody, type Overrides, post, startProxy, type TestProxy } from '../proxy-harness.ts';
import { type Asked, type RecordingServer, recordingServer, replyJson } from '../recording-server.ts';

const patience = { timeout: 20_000 };
const picture = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }];
const easy = { model: 'auto', max_tokens: 100, messages: [{ role: 'user', content: 'Translate to French: good day' }] };

const keyOf = (name: string, limits: Record<string, unknown>) => {
  const hash = `sha256:${createHash('sha256').update(`secret-${name}`).digest('hex')}`;
  return { name, hash, ...limits };
};

/** `large` answers with 1,000 output tokens, worth 15 dollars a million; so much is asked for as well. */
const answering = (_asked: Asked, response: ServerResponse) =>
  replyJson(response, {
    choices: [{ message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 0, completion_tokens: 1_000 },
  });

async function proxyWith(overrides: Overrides, answer = answering) {
  const strong = await recordingServer(answer);
  const backends = { strong: { base_url: strong.url, max_retries: 0 } };
  return { strong, proxy: await startProxy({ ...overrides, backends }) };
}

function asker(proxy: TestProxy, key: string) {
  const authorization = { authorization: `Bearer secret-${key}` };
  return (extra: Record<string, unknown> = {}) =>
    post(
      `${proxy.url}/v1/chat/completions`,
      chatBody('hello', { model: 'large', max_tokens: 1_000, ...extra }),
      authorization,
    );
}

describe('the budget of a key', () => {
  let proxy: TestProxy;
  let strong: RecordingServer;
  beforeAll(async () => {
    const keys = [
      keyOf('daily', { budget_usd_per_day: 0.04 }),
      keyOf('routed', { budget_usd_per_day: 0.01 }),
      keyOf('cheap', { budget_usd_per_day: 0.02, on_exceeded: 'cheap' }),
      keyOf('embedding', { budget_usd_per_day: 0.001 }),
      keyOf('monthly', { budget_usd_per_month: 0.031 }),
    ];
    ({ proxy, strong } = await proxyWith({ auth: { keys } }));
  });

  test('refuses before anything is sent, in the shape of OpenAI, with the time until it starts anew', async () => {
    const ask = asker(proxy, 'daily');
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 200]);
    const before = strong.asked.length;
    const refused = await ask();
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({
      error: { type: 'insufficient_quota', code: 'budget_exceeded', message: expect.stringContaining('$0.0300 of') },
    });
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(86_400);
    expect(refused.headers.get('x-should-retry')).toBe('false');
    expect(strong.asked).toHaveLength(before);
    expect((await ask({ max_tokens: 100 })).status).toBe(200);
  });

  test('counts the dearest model that a routed request may reach', async () => {
    const ask = asker(proxy, 'routed');
    const refused = await ask({ ...easy, max_tokens: 1_000 });
    expect([refused.status, await refused.text()]).toEqual([429, expect.stringContaining('may cost up to $0.015')]);
    expect((await ask({ model: 'small' })).status).toBe(200);
  });

  test('lets the cheap model answer where that is configured, and says so', async () => {
    const ask = asker(proxy, 'cheap');
    expect((await ask()).headers.get('x-shunt-model')).toBe('large');
    const before = strong.asked.length;
    const cheap = await ask();
    const shown = ['model', 'reason'].map((name) => cheap.headers.get(`x-shunt-${name}`));
    expect([cheap.status, ...shown]).toEqual([200, 'small', 'budget']);
    // What the cheap model cannot do is refused.
    expect((await ask({ messages: [{ role: 'user', content: picture }] })).status).toBe(429);
    expect(strong.asked).toHaveLength(before);
  });

  test('covers embeddings that a backend makes', async () => {
    const embed = (input: string) =>
      post(`${proxy.url}/v1/embeddings`, JSON.stringify({ model: 'large', input }), {
        authorization: 'Bearer secret-embedding',
      });
    expect((await embed('long '.repeat(2_000))).status).toBe(429);
    expect((await embed('short')).status).toBe(200);
  });

  test('of a month outlives a restart, by the ledger', async () => {
    expect([(await asker(proxy, 'monthly')()).status, (await asker(proxy, 'monthly')()).status]).toEqual([200, 200]);
    await proxy.restart();
    const refused = await asker(proxy, 'monthly')();
    expect([refused.status, await refused.text()]).toEqual([429, expect.stringContaining('for this month')]);
  });

  test('is not spent twice by requests that are under way together', async () => {
    const held: ServerResponse[] = [];
    const own = await proxyWith(
      { auth: { keys: [keyOf('app', { budget_usd_per_day: 0.04 })] } },
      (_asked, response) => {
        held.push(response);
      },
    );
    const ask = asker(own.proxy, 'app');
    const answers = Array.from({ length: 6 }, () => ask());
    await expect.poll(() => held.length, patience).toBe(2);
    const usage = { prompt_tokens: 0, completion_tokens: 1 };
    for (const response of held) replyJson(response, { choices: [], usage });
    const statuses = (await Promise.all(answers)).map((answer) => answer.status);
    expect(statuses.sort()).toEqual([200, 200, 429, 429, 429, 429]);
    const again = ask();
    await expect.poll(() => held.length, patience).toBe(3);
    replyJson(held[2], { choices: [] });
    expect((await again).status).toBe(200);
  });
});

describe('the budget of a route', () => {
  test('refuses its prompts, and no others', async () => {
    const { proxy } = await proxyWith({ budgets: { routes: { translation: { usd_per_day: 0.001 } } } });
    const ask = asker(proxy, 'nobody');
    const refused = await ask(easy);
    expect([refused.status, await refused.text()]).toEqual([
      429,
      expect.stringContaining("budget of route 'translation' has no room"),
    ]);
    expect((await ask()).status).toBe(200);
  });

  test('counts what the ledger has of it', async () => {
    const routes = { translation: { usd_per_month: 0.0017 } };
    const { proxy } = await proxyWith({ budgets: { soft_at: 0.01, routes } });
    const notice = async () => {
      const answer = await post(`${proxy.url}/v1/chat/completions`, JSON.stringify(easy), { 'x-sim': 'tokens=100' });
      return [answer.status, answer.headers.get('x-shunt-budget')];
    };
    expect(await notice()).toEqual([200, null]);
    await proxy.restart();
    expect(await notice()).toEqual([200, 'route:translation; period=month; used=0.02']);
  });
});

describe('nearing a budget', () => {
  test('is said in a header, and told to the webhook once', async () => {
    const hook = await recordingServer((_asked, response) => replyJson(response, {}));
    const { proxy } = await proxyWith({
      auth: { keys: [keyOf('app', { budget_usd_per_day: 0.05 })] },
      budgets: { soft_at: 0.5, webhook: `${hook.url}/alerts` },
    });
    const ask = asker(proxy, 'app');
    const headers = [];
    for (let i = 0; i < 3; i++) headers.push((await ask()).headers.get('x-shunt-budget'));
    expect(headers).toEqual([null, null, 'key:app; period=day; used=0.60']);
    await expect.poll(() => hook.asked.length, patience).toBe(1);
    expect(hook.asked[0].line).toBe('POST /v1/alerts');
    const amounts = { spent_usd: 0.03, limit_usd: 0.05 };
    const alert = { type: 'budget', level: 'soft', scope: 'key', name: 'app', period: 'day', ...amounts };
    expect(JSON.parse(hook.asked[0].body)).toMatchObject(alert);
    expect((await ask()).status).toBe(429);
    const levels = () => hook.asked.map(({ body }) => (JSON.parse(body) as { level: string }).level);
    await expect.poll(levels, patience).toEqual(['soft', 'limit']);
  });

  test('is tried again at a webhook that fails, and holds up no request', async () => {
    const hook = await recordingServer((_asked, response) => replyJson(response, {}, 500));
    const { proxy } = await proxyWith({
      auth: { keys: [keyOf('app', { budget_usd_per_day: 0.05 })] },
      budgets: { soft_at: 0.1, webhook: hook.url },
    });
    const ask = asker(proxy, 'app');
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 200]);
    await expect.poll(() => hook.asked.length, patience).toBeGreaterThan(1);
  });
});
