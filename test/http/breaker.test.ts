/** Breakers through real sockets: what fails is left alone, nobody waits for it who need not, and it is taken back. */
import { describe, expect, test } from 'vitest';
import { chatBody, startProxy, type TestProxy } from '../proxy-harness.ts';
import {
  askChat,
  failing,
  hangingUp,
  inTurn,
  reloadedProxy,
  silent,
  stateOf,
  type Unsteady,
  unsteady,
  well,
} from './unsteady.ts';

const easy = chatBody('Translate to French: good afternoon');
const hard = chatBody('Design a storage engine and discuss its trade-offs in depth');
const proxyWith = reloadedProxy();
const uncached = { 'cache-control': 'no-store' };
const askEasy = (proxy: TestProxy) => askChat(proxy, easy, uncached);
const small = { backend: 'cheap', model: 'small' };

interface Stage {
  readonly proxy: TestProxy;
  readonly cheap: Unsteady;
  readonly strong: Unsteady;
}

async function stage(cheapKeys: Record<string, unknown> = {}, more: Record<string, Record<string, unknown>> = {}) {
  const [cheap, strong] = [await unsteady(), await unsteady()];
  const backends = {
    cheap: { base_url: cheap.url, max_retries: 0, ...cheapKeys },
    strong: { base_url: strong.url, max_retries: 0 },
  };
  const proxy = await proxyWith({ backends, ...more });
  return { proxy, cheap, strong } satisfies Stage;
}

describe('a target that keeps failing', () => {
  test('is passed over for the fallback after five failures, and the decision says so', async () => {
    const { proxy, cheap } = await stage({ breaker: { open_ms: 600_000 } });
    cheap.mood = failing(503);
    const reasons: (string | null)[] = [];
    for (let i = 0; i < 8; i++) {
      const { status, model, reason } = await askEasy(proxy);
      expect([status, model]).toEqual([200, 'large']);
      reasons.push(reason);
    }
    expect(reasons).toEqual([...Array(5).fill('failover'), ...Array(3).fill('target-unavailable')]);
    expect(cheap.asked).toHaveLength(5);
    expect(await stateOf(proxy, small)).toMatchObject({ state: 'open', cause: 'failures', failures: 5 });
  });

  test.each([
    ['connections that break', hangingUp, {}],
    ['time-outs', silent, { first_byte_ms: 40 }],
  ])('is passed over after %s too', async (_name, mood, limits) => {
    const { proxy, cheap } = await stage({ ...limits, breaker: { failures: 2, open_ms: 600_000 } });
    cheap.mood = mood;
    for (let i = 0; i < 4; i++) expect((await askEasy(proxy)).status).toBe(200);
    expect(cheap.asked).toHaveLength(2);
  });

  test('is not judged by errors that are the request’s own', async () => {
    const { proxy, cheap } = await stage({ breaker: { failures: 2 } });
    cheap.mood = failing(400);
    for (let i = 0; i < 4; i++) expect((await askEasy(proxy)).model).toBe('large');
    expect(cheap.asked).toHaveLength(4);
    expect((await stateOf(proxy, small)).state).toBe('closed');
  });

  test('is tried by one request at a time when its time is over, and taken back when that is answered', async () => {
    const { proxy, cheap } = await stage({ breaker: { failures: 1, open_ms: 50 } });
    cheap.mood = failing(500);
    await askEasy(proxy);
    await expect.poll(async () => Date.parse((await stateOf(proxy, small)).until ?? '') < Date.now()).toBe(true);

    let answerNow: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      answerNow = resolve;
    });
    cheap.mood = (response, asked) => void held.then(() => well(response, asked));
    const probe = askEasy(proxy);
    await expect.poll(() => cheap.asked.length).toBe(2);
    const others = await Promise.all(Array.from({ length: 6 }, () => askEasy(proxy)));
    expect(others.map(({ model, reason }) => `${model} ${reason}`)).toEqual(Array(6).fill('large target-unavailable'));
    expect(cheap.asked).toHaveLength(2);
    answerNow();
    expect((await probe).model).toBe('small');
    expect((await stateOf(proxy, small)).state).toBe('closed');
    expect((await askEasy(proxy)).model).toBe('small');
  });

  test('is taken back with the first words of a stream, and not with its end', async () => {
    const { proxy, cheap } = await stage({ breaker: { failures: 1, open_ms: 1 } });
    cheap.mood = failing(500);
    await askEasy(proxy);
    let endNow: () => void = () => undefined;
    const word = { choices: [{ index: 0, delta: { content: 'Bon' }, finish_reason: null }] };
    cheap.mood = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify(word)}\n\n`);
      endNow = () => response.end('data: [DONE]\n\n');
    };
    const streamed = askChat(proxy, chatBody('Translate to French: good afternoon', { stream: true }), uncached);
    await expect.poll(async () => (await stateOf(proxy, small)).state).toBe('closed');
    endNow();
    expect((await streamed).text).toContain('[DONE]');
  });

  test('loses no request of an outage that ends', async () => {
    const { proxy, cheap } = await stage({ breaker: { failures: 3, open_ms: 30 } });
    const answers: Awaited<ReturnType<typeof askEasy>>[] = [];
    const rounds = async (count: number) => {
      for (let i = 0; i < count; i++) answers.push(...(await Promise.all([askEasy(proxy), askEasy(proxy)])));
    };
    await rounds(3);
    cheap.mood = hangingUp;
    await rounds(20);
    cheap.mood = well;
    await expect.poll(async () => (await askEasy(proxy)).model).toBe('small');
    await rounds(3);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(answers.slice(-6).map(({ model }) => model)).toEqual(Array(6).fill('small'));
  });
});

describe('a target that is limited', () => {
  test('is left alone for as long as it asks, while a storm of requests goes to the fallback', async () => {
    const { proxy, cheap } = await stage();
    cheap.mood = failing(429, { 'retry-after': '120' });
    await askEasy(proxy);
    const storm = await Promise.all(Array.from({ length: 30 }, () => askEasy(proxy)));
    expect(storm.map(({ status, model }) => `${status} ${model}`)).toEqual(Array(30).fill('200 large'));
    expect(cheap.asked).toHaveLength(1);
    const row = await stateOf(proxy, small);
    expect([row.state, row.cause]).toEqual(['open', 'rate-limit']);
    const seconds = (Date.parse(row.until ?? '') - Date.now()) / 1_000;
    expect(seconds).toBeGreaterThan(60);
    expect(seconds).toBeLessThanOrEqual(121);
  });

  test('is left alone for itself only: another model there is still asked', async () => {
    const { proxy, cheap } = await stage({}, { models: { other: { backend: 'cheap', model: 'sim-other' } } });
    cheap.mood = failing(429, { 'retry-after': '120' });
    await askEasy(proxy);
    cheap.mood = well;
    expect((await askChat(proxy, chatBody('hello', { model: 'other' }))).status).toBe(200);
    expect((await askEasy(proxy)).model).toBe('large');
  });
});

describe('a model that nobody else can answer for', () => {
  test('is asked all the same while it is left alone, and is taken back by the first answer', async () => {
    const { proxy, strong } = await stage();
    strong.mood = failing(500);
    for (let i = 0; i < 7; i++) expect((await askChat(proxy, hard, uncached)).status).toBe(500);
    expect((await stateOf(proxy, { backend: 'strong', model: 'large' })).state).toBe('open');
    expect(strong.asked).toHaveLength(7);
    strong.mood = well;
    expect((await askChat(proxy, hard, uncached)).status).toBe(200);
    expect((await stateOf(proxy, { backend: 'strong', model: 'large' })).state).toBe('closed');
  });

  test('that hangs does not fill the proxy: half of it stays free for those whose backends work', async () => {
    const cheap = await unsteady();
    const strong = await unsteady(failing(500));
    const proxy = await startProxy({
      server: { port: 0, max_in_flight: 8, drain_ms: 100 },
      backends: {
        cheap: { base_url: cheap.url },
        strong: { base_url: strong.url, max_retries: 0, breaker: { failures: 1, open_ms: 600_000 } },
      },
    });
    await askChat(proxy, hard, uncached);
    strong.mood = silent;
    const gone = new AbortController();
    const waiting = Array.from({ length: 4 }, () =>
      fetch(`${proxy.url}/v1/chat/completions`, {
        method: 'POST',
        body: hard,
        headers: uncached,
        signal: gone.signal,
      }).catch(() => undefined),
    );
    await expect.poll(() => strong.asked.length).toBe(5);
    const refused = await askChat(proxy, hard, uncached);
    expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([503, null]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(JSON.parse(refused.text)).toMatchObject({ error: { code: 'backend_unavailable' } });
    expect((await askEasy(proxy)).model).toBe('small');
    gone.abort();
    await Promise.all(waiting);
    await expect.poll(async () => (await stateOf(proxy, { backend: 'strong', model: 'large' })).in_flight).toBe(0);
  });
});

describe('a reload', () => {
  test('keeps the state of backends that it does not change, and starts changed ones afresh', async () => {
    const keys = { breaker: { failures: 1, open_ms: 600_000 } };
    const { proxy, cheap, strong } = await stage(keys);
    cheap.mood = inTurn(failing(500), well);
    await askEasy(proxy);
    const cheapConfig = { base_url: cheap.url, max_retries: 0, ...keys };
    const strongConfig = { base_url: strong.url, max_retries: 2 };
    expect(await proxy.reconfigure({ backends: { cheap: cheapConfig, strong: strongConfig } })).toBe(true);
    expect((await stateOf(proxy, small)).state).toBe('open');
    expect((await askEasy(proxy)).model).toBe('large');
    const cured = { ...cheapConfig, api_key: 'sk-new' };
    expect(await proxy.reconfigure({ backends: { cheap: cured, strong: strongConfig } })).toBe(true);
    expect((await askEasy(proxy)).model).toBe('small');
  });
});
