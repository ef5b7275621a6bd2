/** Several addresses or keys of one backend: what one cannot do another does, and the model stays the same. */
import { describe, expect, test } from 'vitest';
import { chatBody, post } from '../proxy-harness.ts';
import { replyJson } from '../recording-server.ts';
import { askChat, failing, hangingUp, type Mood, reloadedProxy, silent, stateOf, unsteady, well } from './unsteady.ts';

const hard = chatBody('Design a storage engine and discuss its trade-offs in depth');
const proxyWith = reloadedProxy();
const uncached = { 'cache-control': 'no-store' };

async function twoAddresses(keys: Record<string, unknown> = {}) {
  const [one, two] = [await unsteady(), await unsteady()];
  const endpoints = [
    { name: 'one', base_url: one.url },
    { name: 'two', base_url: two.url },
  ];
  const proxy = await proxyWith({
    backends: { cheap: { base_url: one.url }, strong: { max_retries: 0, ...keys, endpoints } },
  });
  const ask = (count: number) => Promise.all(Array.from({ length: count }, () => askChat(proxy, hard, uncached)));
  return { proxy, one, two, ask };
}

describe('two endpoints', () => {
  test.each([
    ['breaks connections', hangingUp, {}],
    ['answers 503', failing(503), {}],
    // Long enough for the sound one on a machine that is busy with other tests.
    ['does not answer', silent, { first_byte_ms: 2_500 }],
  ])('lose no request when one of them %s', async (_name, mood, limits) => {
    const { proxy, one, two, ask } = await twoAddresses({ ...limits, breaker: { open_ms: 600_000 } });
    await ask(4);
    one.mood = mood;
    const answers = [...(await ask(20)), ...(await ask(20))];
    expect(answers.map(({ status, model }) => `${status} ${model}`)).toEqual(Array(40).fill('200 large'));
    expect((await stateOf(proxy, { backend: 'strong', endpoint: 'one', model: 'large' })).state).toBe('open');
    const before = one.asked.length;
    await ask(10);
    expect(one.asked).toHaveLength(before);
    expect(two.asked.length).toBeGreaterThan(40);
  });

  test('take a stream over as long as nothing of it was passed on', async () => {
    const { proxy, one, two } = await twoAddresses();
    const dying: Mood = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const role = { choices: [{ index: 0, delta: { role: 'assistant' }, finish_reason: null }] };
      response.write(`data: ${JSON.stringify(role)}\n\n`, () => response.socket?.resetAndDestroy());
    };
    const whole: Mood = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const word = { choices: [{ index: 0, delta: { content: 'Bon' }, finish_reason: 'stop' }] };
      response.end(`data: ${JSON.stringify(word)}\n\ndata: [DONE]\n\n`);
    };
    one.mood = dying;
    two.mood = whole;
    const body = chatBody('hello there', { model: 'large', stream: true });
    const answers = await Promise.all(Array.from({ length: 8 }, () => askChat(proxy, body)));
    for (const { text } of answers) {
      expect(text).toContain('[DONE]');
      expect(text).not.toContain('"role"');
    }
    expect(one.asked.length).toBeGreaterThan(0);
  });

  test('are both tried once before the error of the last one is passed on', async () => {
    const { one, two, ask } = await twoAddresses();
    one.mood = failing(500);
    two.mood = failing(502);
    const [answer] = await ask(1);
    expect([one.asked.length, two.asked.length]).toEqual([1, 1]);
    expect([500, 502]).toContain(answer.status);
    expect(answer.headers.get('x-should-retry')).toBe('false');
  });

  test('answer a conversation in turn, always with its model', async () => {
    const { proxy, one, two } = await twoAddresses();
    const messages: { role: string; content: string }[] = [];
    for (let turn = 0; turn < 12; turn++) {
      messages.push({ role: 'user', content: `Design a storage engine in depth, part ${turn}` });
      const body = JSON.stringify({ model: 'auto', messages });
      const answer = await askChat(proxy, body, { ...uncached, 'x-shunt-session': 's' });
      expect([answer.status, answer.model]).toEqual([200, 'large']);
      messages.push({ role: 'assistant', content: 'Bonjour.' });
    }
    expect(Math.min(one.asked.length, two.asked.length)).toBeGreaterThan(0);
    const models = [...one.asked, ...two.asked].map(({ body }) => (JSON.parse(body) as { model: string }).model);
    expect(new Set(models)).toEqual(new Set(['sim-large']));
  });

  test('are each asked for what they store, and not for what the other does', async () => {
    const { proxy, one, two } = await twoAddresses();
    const storing =
      (name: string): Mood =>
      (response, { line, body }) => {
        const asked = line.startsWith('GET')
          ? line.split('/').at(-1)
          : (JSON.parse(body) as Asked).previous_response_id;
        if (asked && !asked.startsWith(`resp_${name}`)) failing(404)(response, { line, body, headers: {} });
        else replyJson(response, { id: `resp_${name}_${Math.random()}`, object: 'response', status: 'completed' });
      };
    interface Asked {
      readonly previous_response_id?: string;
    }
    one.mood = storing('one');
    two.mood = storing('two');
    const create = (more: Record<string, unknown> = {}) =>
      post(`${proxy.url}/v1/responses`, JSON.stringify({ model: 'large', input: 'hello', ...more }));
    for (let i = 0; i < 6; i++) {
      const { id } = (await (await create()).json()) as { id: string };
      expect((await fetch(`${proxy.url}/v1/responses/${id}`)).status).toBe(200);
      expect((await create({ previous_response_id: id })).status).toBe(200);
    }
    expect(Math.min(one.asked.length, two.asked.length)).toBeGreaterThan(0);
  });

  test('do not both get what must not be done twice, unless the first could not be reached or refused', async () => {
    const { proxy, one, two } = await twoAddresses();
    one.mood = two.mood = failing(500);
    const form = new FormData();
    form.append('prompt', 'a lighthouse');
    expect((await fetch(`${proxy.url}/v1/images/edits`, { method: 'POST', body: form })).status).toBe(500);
    expect(one.asked.length + two.asked.length).toBe(1);

    const worked: Mood = (response) => replyJson(response, { object: 'list', data: [], usage: { prompt_tokens: 1 } });
    one.mood = failing(500);
    two.mood = worked;
    const embed = () => post(`${proxy.url}/v1/embeddings`, JSON.stringify({ model: 'large', input: 'x' }));
    const answers = await Promise.all(Array.from({ length: 4 }, embed));
    expect(answers.map(({ status }) => status)).toEqual(Array(4).fill(200));
  });
});

describe('two keys', () => {
  const goodKey = 'sk-canary-good-0123456789';
  const badKey = 'sk-canary-bad-0123456789';

  async function twoKeys(status: number) {
    const far = await unsteady((response, asked) => {
      if (asked.headers.authorization === `Bearer ${badKey}`) failing(status)(response, asked);
      else well(response, asked);
    });
    const endpoints = [
      { name: 'good', api_key: goodKey },
      { name: 'bad', api_key: badKey, weight: 3 },
    ];
    const proxy = await proxyWith({
      backends: {
        cheap: { base_url: far.url },
        strong: { base_url: far.url, max_retries: 0, breaker: { rate_limited_ms: 600_000 }, endpoints },
      },
    });
    const askedWith = (key: string) => far.asked.filter(({ headers }) => headers.authorization === `Bearer ${key}`);
    return { proxy, askedWith };
  }

  test.each([401, 402])('of which one is refused with %s: nobody notices, and it is left alone', async (status) => {
    const { proxy, askedWith } = await twoKeys(status);
    for (let i = 0; i < 20; i++) expect((await askChat(proxy, hard, uncached)).status).toBe(200);
    expect(askedWith(badKey)).toHaveLength(1);
    const bad = await stateOf(proxy, { backend: 'strong', endpoint: 'bad', model: null });
    expect([bad.state, bad.cause]).toEqual(['open', 'refusal']);
    expect((await stateOf(proxy, { backend: 'strong', endpoint: 'good', model: null })).state).toBe('closed');
    const shown = await Promise.all(
      ['/readyz?verbose', '/metrics'].map(async (path) => (await fetch(`${proxy.url}${path}`)).text()),
    );
    for (const text of shown) expect(text).not.toContain('canary');
  });

  test('are not doubted because of one client’s headers', async () => {
    const { proxy, askedWith } = await twoKeys(401);
    for (let i = 0; askedWith(badKey).length === 0 && i < 50; i++) {
      await askChat(proxy, hard, { ...uncached, 'openai-organization': 'org-nobody' });
    }
    expect((await stateOf(proxy, { backend: 'strong', endpoint: 'bad', model: null })).state).toBe('closed');
  });

  test('of which one is limited: the other answers at once, whatever the retries', async () => {
    const { proxy, askedWith } = await twoKeys(429);
    for (let i = 0; i < 12; i++) expect((await askChat(proxy, hard, uncached)).status).toBe(200);
    expect(askedWith(badKey)).toHaveLength(1);
  });

  test('share requests by their weights', async () => {
    const { proxy, askedWith } = await twoKeys(200);
    for (let i = 0; i < 60; i++) await askChat(proxy, hard, uncached);
    // 45 of 60 are expected, give or take 3.4: fewer than 24 or more than 59 would be a fault, and not bad luck.
    expect(askedWith(goodKey).length).toBeGreaterThan(0);
    expect(askedWith(badKey).length).toBeGreaterThan(24);
  });
});
