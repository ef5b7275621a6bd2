import { beforeAll, describe, expect, test } from 'vitest';
import { chatBody, post, startProxy, type TestProxy } from '../proxy-harness.ts';

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
