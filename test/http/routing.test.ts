/** What happens to a request at the door and on its way: over real sockets, with plain fetch. */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { chatBody, post, startProxy, type TestProxy } from '../proxy-harness.ts';

let proxy: TestProxy;
let chat: (content: unknown, extra?: Record<string, unknown>, headers?: Record<string, string>) => Promise<Response>;

beforeAll(async () => {
  proxy = await startProxy();
  chat = (content, extra, headers) => post(`${proxy.url}/v1/chat/completions`, chatBody(content, extra), headers);
});

const easy = 'Translate to French: good afternoon';
const hard = 'Design a storage engine for time series and discuss its trade-offs in depth';
const header = (response: Response, name: string) => response.headers.get(`x-shunt-${name}`);

async function decided(response: Response): Promise<Record<string, unknown>> {
  await response.arrayBuffer();
  const id = header(response, 'request-id');
  for (let i = 0; i < 100; i++) {
    const found = await fetch(`${proxy.url}/v1/decisions/${id}`);
    if (found.ok) return (await found.json()) as Record<string, unknown>;
    await sleep(10);
  }
  throw new Error(`no decision ${id}`);
}

describe('where a prompt goes', () => {
  test('a confident match goes to the cheap target, and the answer says why', async () => {
    const response = await chat(easy);
    expect(response.status).toBe(200);
    expect(header(response, 'route')).toBe('translation');
    expect(header(response, 'model')).toBe('small');
    expect(Number(header(response, 'score'))).toBeGreaterThan(0.3);
    expect(response.headers.get('server-timing')).toMatch(/^shunt;dur=/);
  });

  test('everything else goes to the fallback, with the reason', async () => {
    const response = await chat(hard);
    expect(header(response, 'route')).toBe('fallback');
    expect(header(response, 'model')).toBe('large');
    expect(header(response, 'reason')).toMatch(/below-threshold|out-of-scope|margin-too-small|language-not-covered/);
  });

  test('empty text and images fall back instead of failing', async () => {
    expect(header(await chat(''), 'reason')).toBe('empty-text');
    const image = await chat([
      { type: 'text', text: easy },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } },
    ]);
    expect(image.status).toBe(200);
    expect(header(image, 'reason')).toBe('target-lacks-vision');
    expect(header(image, 'model')).toBe('large');
  });

  test('a prompt longer than the small context goes to the large model', async () => {
    const response = await chat(`${easy} ${'word '.repeat(8_000)}`);
    expect(header(response, 'model')).toBe('large');
  });

  test('a route can be forced, by header or by name, and routing can be switched off', async () => {
    expect(header(await chat(hard, {}, { 'x-shunt-route': 'facts' }), 'reason')).toBe('forced');
    expect(header(await chat(hard, { model: 'auto:facts' }), 'model')).toBe('small');
    const off = await chat(easy, {}, { 'x-shunt-route': 'off' });
    expect([header(off, 'model'), header(off, 'reason')]).toEqual(['large', 'off']);
    expect((await chat(hard, {}, { 'x-shunt-route': 'nonsense' })).status).toBe(404);
  });

  test('a configured model is called as asked', async () => {
    const response = await chat(hard, { model: 'small' });
    expect([header(response, 'model'), header(response, 'reason'), header(response, 'route')]).toEqual([
      'small',
      'explicit-model',
      'none',
    ]);
    expect(((await response.json()) as { model: string }).model).toBe('sim-small');
  });

  test('the dry run explains without calling a backend', async () => {
    const response = await post(`${proxy.url}/v1/route`, JSON.stringify({ text: easy }));
    const decision = (await response.json()) as Record<string, unknown>;
    expect(decision).toMatchObject({ route: 'translation', target: 'small', reason: 'matched' });
    expect(Object.keys(decision)).toEqual(
      expect.arrayContaining([
        'score',
        'parts',
        'threshold',
        'promise',
        'margin',
        'candidates',
        'timings_ms',
        'snapshot',
      ]),
    );
  });
});

describe('what is recorded', () => {
  test('the decision with tokens, cost, fallback price and latency split, without the prompt in clear', async () => {
    const record = await decided(await chat(easy));
    expect(record).toMatchObject({
      route: 'translation',
      model: 'small',
      status: 200,
      reason: 'matched',
      cache: 'bypass',
    });
    const usage = record.usage as { input: number; output: number; source: string };
    expect(usage.source).toBe('reported');
    expect(BigInt(record.cost_nano_usd as string)).toBe(BigInt(usage.input) * 100n + BigInt(usage.output) * 400n);
    expect(BigInt(record.fallback_cost_nano_usd as string)).toBe(
      BigInt(usage.input) * 2500n + BigInt(usage.output) * 15000n,
    );
    expect(String(record.prompt)).toMatch(/^hmac:/);
    expect(JSON.stringify(record)).not.toContain('afternoon');
  });

  test('a stream costs what the same answer costs unstreamed', async () => {
    const [whole, streamed] = [await decided(await chat(easy)), await decided(await chat(easy, { stream: true }))];
    expect(streamed.usage).toEqual(whole.usage);
    expect(streamed.cost_nano_usd).toBe(whole.cost_nano_usd);
  });

  test('a client that goes away is recorded as such, and the backend call ends', async () => {
    const controller = new AbortController();
    const response = await fetch(`${proxy.url}/v1/chat/completions`, {
      method: 'POST',
      body: chatBody(easy, { stream: true }),
      headers: { 'content-type': 'application/json', 'x-sim': 'token=20; tokens=500' },
      signal: controller.signal,
    });
    const reader = response.body?.getReader();
    await reader?.read();
    controller.abort();
    const id = header(response, 'request-id');
    let record: Record<string, unknown> = {};
    for (let i = 0; i < 200 && record.status === undefined; i++) {
      const found = await fetch(`${proxy.url}/v1/decisions/${id}`);
      if (found.ok) record = (await found.json()) as Record<string, unknown>;
      else await sleep(10);
    }
    expect(record).toMatchObject({ status: 499, truncated: true, error_code: 'client_closed_request' });
    expect((record.usage as { source: string }).source).toBe('estimated');
  });
});

describe('bad requests', () => {
  test.each([
    ['malformed JSON', '{"model": "auto", ', 400, 'invalid_json'],
    ['no body', '', 400, 'invalid_json'],
    ['empty messages', '{"model":"auto","messages":[]}', 400, 'invalid_request'],
    ['an unknown model', '{"model":"gpt-9","messages":[{"role":"user","content":"x"}]}', 404, 'model_not_found'],
  ])('%s', async (_name, body, status, code) => {
    const response = await post(`${proxy.url}/v1/chat/completions`, body);
    expect(response.status).toBe(status);
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    expect(error).toMatchObject({ code, type: 'invalid_request_error' });
    expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type']);
  });

  test('a 30 MB body is refused while it is read', async () => {
    const response = await post(`${proxy.url}/v1/chat/completions`, 'x'.repeat(30 << 20)).catch(() => null);
    if (response) {
      expect(response.status).toBe(413);
      expect(((await response.json()) as { error: { code: string } }).error.code).toBe('body_too_large');
    }
    expect((await fetch(`${proxy.url}/healthz`)).status).toBe(200);
  });

  test('paths and methods that are not served', async () => {
    expect((await fetch(`${proxy.url}/v1/nothing`)).status).toBe(404);
    const wrong = await fetch(`${proxy.url}/v1/chat/completions`);
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await post(`${proxy.url}/v1/audio/../files`, '{}')).status).toBe(404);
    expect((await post(`${proxy.url}/v1/files`, '{}')).status).toBe(404);
  });

  test('a web page of another origin is refused, and so is a foreign host name', async () => {
    const page = await chat(easy, {}, { origin: 'https://evil.example' });
    expect(page.status).toBe(403);
    expect((await chat(easy, {}, { origin: 'http://localhost:3000' })).status).toBe(200);
  });
});

describe('bytes', () => {
  test('an answer passes byte for byte, and so does a backend error', async () => {
    for (const sim of ['', 'error=400', 'error=401', 'html']) {
      const body = chatBody(hard, { model: 'sim-large', seed: 7 }).replace(
        '"seed":7',
        '"seed":12345678901234567890,"x":1.0',
      );
      const direct = await post(`${proxy.large.url}/chat/completions`, body, { 'x-sim': sim });
      const through = await post(`${proxy.url}/v1/chat/completions`, body.replace('"sim-large"', '"large"'), {
        'x-sim': sim,
      });
      expect(through.status).toBe(direct.status);
      expect((await through.text()).replace(/"(id|created)":("[^"]*"|\d+)/g, '')).toBe(
        (await direct.text()).replace(/"(id|created)":("[^"]*"|\d+)/g, ''),
      );
    }
  });

  test('pass-through endpoints go to the fallback backend raw', async () => {
    const moderation = await post(`${proxy.url}/v1/moderations`, '{"input":"x"}');
    expect(moderation.status).toBe(200);
    const speech = await post(`${proxy.url}/v1/audio/speech`, '{"model":"tts","input":"x","voice":"a"}');
    const direct = await post(`${proxy.large.url}/audio/speech`, '{"model":"tts","input":"x","voice":"a"}');
    expect(Buffer.from(await speech.arrayBuffer()).equals(Buffer.from(await direct.arrayBuffer()))).toBe(true);
    const form = new FormData();
    form.append('model', 'whisper');
    form.append('file', new Blob([Buffer.alloc(300_000, 7)]), 'a.wav');
    const heard = await fetch(`${proxy.url}/v1/audio/transcriptions`, { method: 'POST', body: form });
    expect(heard.status).toBe(200);
  });
});

describe('requests that no route decides', () => {
  test('leave a record too: embeddings of our own for nothing, what a backend answers at its price', async () => {
    const own = await post(`${proxy.url}/v1/embeddings`, '{"model":"default","input":"good morning"}');
    expect(await decided(own)).toMatchObject({ endpoint: 'embeddings', reason: 'own-embedding', cost_nano_usd: '0' });
    const bought = await post(`${proxy.url}/v1/embeddings`, '{"model":"large","input":"good morning"}');
    const record = await decided(bought);
    expect(record).toMatchObject({ endpoint: 'embeddings', reason: 'pass-through', model: 'large', backend: 'strong' });
    expect(Number(record.cost_nano_usd)).toBe(2_500 * (record.usage as { input: number }).input);
    const speech = await post(`${proxy.url}/v1/audio/speech`, '{"model":"tts","input":"x","voice":"a"}');
    expect(await decided(speech)).toMatchObject({ endpoint: 'audio/speech', cost_nano_usd: null });
  });
});
