import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { chatBody, type Overrides, post, startProxy, type TestProxy } from '../proxy-harness.ts';

function toolResults(id: string) {
  const call = { id, type: 'function', function: { name: 'f', arguments: '{}' } };
  return {
    messages: [
      { role: 'user', content: 'What is the capital of Peru?' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: id, content: 'Lima' },
    ],
  };
}

let proxy: TestProxy;
let ask: (
  extra?: Record<string, unknown>,
  headers?: Record<string, string>,
) => Promise<{ cache: string | null; body: string; response: Response }>;

beforeAll(async () => {
  proxy = await startProxy();
  ask = async (extra, headers) => {
    const response = await post(
      `${proxy.url}/v1/chat/completions`,
      chatBody('What is the capital of Peru?', extra),
      headers,
    );
    return { cache: response.headers.get('x-shunt-cache'), body: await response.text(), response };
  };
});

describe('the exact cache', () => {
  test('answers the same request with the same bytes, for nothing', async () => {
    const first = await ask({ seed: 1 });
    const second = await ask({ seed: 1 });
    expect([first.cache, second.cache]).toEqual(['miss', 'hit']);
    expect(second.body).toBe(first.body);
    expect(second.response.headers.get('x-shunt-route')).toBe('facts');
    expect(second.response.headers.get('age')).toBe('0');
  });

  test('replays a plain answer as a stream, and a stream as a plain answer', async () => {
    const plain = JSON.parse((await ask({ seed: 2 })).body) as { choices: { message: { content: string } }[] };
    const streamed = await ask({ seed: 2, stream: true, stream_options: { include_usage: true } });
    expect(streamed.cache).toBe('hit');
    const pieces = streamed.body.split('\n\n').filter((event) => event.startsWith('data: {'));
    const chunks = pieces.map(
      (event) => JSON.parse(event.slice(6)) as { choices: { delta: { content?: string } }[]; usage?: object },
    );
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(
      plain.choices[0].message.content,
    );
    expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: expect.any(Number) as number });
    expect(streamed.body.trimEnd().endsWith('[DONE]')).toBe(true);

    expect((await ask({ seed: 3, stream: true })).cache).toBe('miss');
    const whole = await ask({ seed: 3 });
    expect(whole.cache).toBe('hit');
    expect(JSON.parse(whole.body)).toMatchObject({ object: 'chat.completion', choices: [{ finish_reason: 'stop' }] });
  });

  test('never mixes tenants, models or anything else that changes an answer', async () => {
    await ask({ seed: 4 });
    expect((await ask({ seed: 4 }, { authorization: 'Bearer someone-else' })).cache).toBe('miss');
    expect((await ask({ seed: 5 })).cache).toBe('miss');
    expect((await ask({ seed: 4, temperature: 0.5 })).cache).toBe('miss');
    expect((await ask({ seed: 4, model: 'small' })).cache).toBe('bypass');
    expect((await ask({ seed: 4 })).cache).toBe('hit');
  });

  test('honours cache-control', async () => {
    await ask({ seed: 6 });
    expect((await ask({ seed: 6 }, { 'cache-control': 'no-cache' })).cache).toBe('miss');
    expect((await ask({ seed: 7 }, { 'cache-control': 'no-store' })).cache).toBe('bypass');
    expect((await ask({ seed: 7 })).cache).toBe('miss');
  });

  test('answers only-if-cached from what is stored, or with 504', async () => {
    const only = { 'cache-control': 'only-if-cached' };
    const missing = await ask({ seed: 20 }, only);
    expect(missing.response.status).toBe(504);
    expect(JSON.parse(missing.body)).toMatchObject({ error: { code: 'not_cached' } });
    expect(missing.response.headers.get('x-should-retry')).toBe('false');
    await ask({ seed: 20 });
    expect((await ask({ seed: 20 }, only)).cache).toBe('hit');
    expect((await ask({ seed: 20, model: 'small' }, only)).response.status).toBe(504);
  });

  test('gives no answer that is older than max-age', async () => {
    await ask({ seed: 21 });
    expect((await ask({ seed: 21 }, { 'cache-control': 'max-age=600' })).cache).toBe('hit');
    await new Promise((later) => setTimeout(later, 20));
    expect((await ask({ seed: 21 }, { 'cache-control': 'max-age=0' })).cache).toBe('miss');
  });

  test.each([
    ['tools', { tools: [{ type: 'function', function: { name: 'f', parameters: {} } }] }],
    ['several choices', { n: 2 }],
    ['tool results', toolResults('call_1')],
  ])('leaves a request with %s alone', async (_, extra) => {
    const once = async () => (await ask({ seed: 22, ...extra })).cache;
    expect([await once(), await once()]).toEqual(['bypass', 'bypass']);
  });

  test('keeps no answer that erred or was cut', async () => {
    await ask({ seed: 8 }, { 'x-sim': 'error=400' });
    expect((await ask({ seed: 8 })).cache).toBe('miss');
    await ask({ seed: 9, stream: true }, { 'x-sim': 'truncate=1' });
    expect((await ask({ seed: 9 })).cache).toBe('miss');
  });

  test('is not used by a route that did not opt in', async () => {
    const once = async () =>
      (await post(`${proxy.url}/v1/chat/completions`, chatBody('Translate to French: bread'))).headers.get(
        'x-shunt-cache',
      );
    expect([await once(), await once()]).toEqual(['bypass', 'bypass']);
  });
});

const caching: Overrides = { cache: { fallback: { mode: 'exact', max_temperature: 2 } } };

/** Which of two equal requests, one after the other, the cache answers. */
async function twice(to: TestProxy, body: string, headers?: Record<string, string>): Promise<(string | null)[]> {
  const seen: (string | null)[] = [];
  for (let i = 0; i < 2; i++) {
    const response = await post(`${to.url}/v1/chat/completions`, body, headers);
    await response.arrayBuffer();
    seen.push(response.headers.get('x-shunt-cache'));
  }
  return seen;
}

async function changeCard(of: TestProxy, route: string, change: (card: string) => string): Promise<void> {
  const file = join(of.folder, 'routes', `${route}.yaml`);
  await writeFile(file, change(await readFile(file, 'utf8')));
  expect(await of.proxy.reload('test')).toBe(true);
}

describe('what is cached only by opting in', () => {
  const hard = chatBody('Prove that the square root of 2 is irrational, in depth');

  test('is not cached otherwise: forced routes and the fallback', async () => {
    expect(await twice(proxy, hard)).toEqual(['bypass', 'bypass']);
    const forced = chatBody('How many legs does a spider have?');
    expect(await twice(proxy, forced, { 'x-shunt-route': 'facts' })).toEqual(['bypass', 'bypass']);
    expect(await twice(proxy, chatBody('Hello', { model: 'auto:facts' }))).toEqual(['bypass', 'bypass']);
  });

  test('the fallback, by cache.fallback; off and models by name never', async () => {
    const own = await startProxy(caching);
    const { cache, ...rest } = await decisionAfter(own, hard);
    expect([cache, await twice(own, hard)]).toEqual(['miss', ['hit', 'hit']]);
    expect(rest).toMatchObject({ route: null, model: 'large' });
    expect(await twice(own, hard, { 'x-shunt-route': 'off' })).toEqual(['bypass', 'bypass']);
    expect(await twice(own, chatBody('Hello', { model: 'large' }))).toEqual(['bypass', 'bypass']);
  });

  test('forced routes, by their own card, and apart from what was not forced', async () => {
    const own = await startProxy();
    await changeCard(own, 'facts', (card) => card.replace('cache: {', 'cache: { forced: true,'));
    const forced = { 'x-shunt-route': 'facts' };
    const body = chatBody('Translate to French: spider');
    expect(await twice(own, body, forced)).toEqual(['miss', 'hit']);
    expect((await twice(own, body))[0]).toBe('bypass');
  });

  test('what a failing target left to the fallback', async () => {
    const own = await startProxy(caching, { small: { error_rate: 1, error_status: 503 } });
    const fact = chatBody('What is the capital of Peru?');
    expect(await twice(own, fact)).toEqual(['miss', 'hit']);
    const plain = await startProxy({}, { small: { error_rate: 1, error_status: 503 } });
    expect(await twice(plain, fact)).toEqual(['miss', 'miss']);
  });
});

describe('a stored answer', () => {
  const fact = chatBody('What is the capital of Peru?');

  test('outlives a restart in the database of the ledger, but not a change of its route, nor of its model', async () => {
    // A busy machine may take longer than the usual wait.
    const patient = { cache: { exact: { store_wait_ms: 1_000 } } };
    const own = await startProxy(patient);
    expect(await twice(own, fact)).toEqual(['miss', 'hit']);
    await own.restart();
    // Answered once the database is open.
    await (await fetch(`${own.url}/admin/cache`)).arrayBuffer();
    const again = await decisionAfter(own, fact);
    expect(again).toMatchObject({ cache: 'hit', reason: 'cache-hit', cost_nano_usd: '0', usage: { source: 'cached' } });
    await changeCard(own, 'facts', (card) => card.replace('max_temperature: 2', 'max_temperature: 2, ttl: 0ms'));
    expect((await twice(own, fact))[0]).toBe('miss');
    await changeCard(own, 'facts', (card) => card.replace('mode: exact', 'mode: none'));
    expect((await twice(own, fact))[0]).toBe('bypass');
    await changeCard(own, 'facts', (card) => card.replace('mode: none', 'mode: exact').replace(', ttl: 0ms', ''));
    expect((await twice(own, fact))[0]).toBe('hit');
    expect(await own.reconfigure({ ...patient, models: { small: { backend: 'cheap', model: 'sim-newer' } } })).toBe(
      true,
    );
    expect((await twice(own, fact))[0]).toBe('miss');
  });

  test('stays in memory alone where the ledger has no database, or none is wanted', async () => {
    for (const overrides of [{ ledger: { url: 'none' } }, { cache: { exact: { store_mb: 0 } } }] as Overrides[]) {
      const own = await startProxy(overrides);
      expect(await twice(own, fact)).toEqual(['miss', 'hit']);
      await own.restart();
      expect((await twice(own, fact))[0]).toBe('miss');
    }
  });
});

async function decisionAfter(of: TestProxy, body: string): Promise<Record<string, unknown>> {
  const response = await post(`${of.url}/v1/chat/completions`, body);
  await response.arrayBuffer();
  const found = () => fetch(`${of.url}/v1/decisions/${response.headers.get('x-shunt-request-id')}`);
  await expect.poll(async () => (await found()).status, { timeout: 10_000 }).toBe(200);
  return (await (await found()).json()) as Record<string, unknown>;
}
