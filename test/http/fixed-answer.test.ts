/** A route whose target is a text that somebody approved: in all dialects, without a backend. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { beforeAll, describe, expect, test } from 'vitest';
import { chatBody, post, startProxy, type TestProxy } from '../proxy-harness.ts';

const text = 'We are open from 9 to 17 o’clock, Monday to Friday. 🙂';
const card = `name: opening-hours
target: { answer: "${text}", approved: 2026-11-01, owner: support }
examples:
  - "When are you open?"
  - "What are your opening hours?"
  - "Until what time is the shop open today?"
  - "Are you open on Saturday?"
counter_examples:
  - "Design an opening for a chess engine"
threshold: 0.3
`;
const prompt = 'What are your opening hours?';

let proxy: TestProxy;
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  // Both backends of the simulation speak every dialect; a fixed answer must not need it.
  proxy = await startProxy({ backends: { cheap: { kind: 'simulated' }, strong: { kind: 'simulated' } } });
  await writeFile(join(proxy.folder, 'routes', 'opening-hours.yaml'), card);
  expect(await proxy.proxy.reload('test')).toBe(true);
  openai = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: 'none', maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: proxy.url, apiKey: 'none', maxRetries: 0 });
});

const ask = (extra: object = {}, said = prompt) =>
  post(`${proxy.url}/v1/chat/completions`, chatBody(said, { ...extra }));

describe('a fixed answer', () => {
  test('is told with its route, for nothing, and recorded as what it saved', async () => {
    const response = await ask();
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-shunt-route': 'opening-hours',
      'x-shunt-reason': 'matched',
      'x-shunt-model': 'fixed-answer',
      'x-shunt-cache': 'bypass',
      'content-type': 'application/json',
    });
    expect(await response.json()).toMatchObject({
      object: 'chat.completion',
      model: 'fixed-answer',
      choices: [{ message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
      usage: { total_tokens: expect.any(Number) as number },
    });
    const id = response.headers.get('x-shunt-request-id');
    const found = () => fetch(`${proxy.url}/v1/decisions/${id}`);
    await expect.poll(async () => (await found()).status, { timeout: 10_000 }).toBe(200);
    const decision = (await (await found()).json()) as Record<string, unknown>;
    expect(decision).toMatchObject({
      route: 'opening-hours',
      model: null,
      backend: null,
      attempts: 0,
      cost_nano_usd: '0',
      status: 200,
      usage: { source: 'cached' },
    });
    expect(Number(decision.fallback_cost_nano_usd)).toBeGreaterThan(0);
  });

  test('reads alike through the SDKs, plain and streamed', async () => {
    const chat = { model: 'auto', messages: [{ role: 'user' as const, content: prompt }] };
    expect((await openai.chat.completions.create(chat)).choices[0].message.content).toBe(text);
    let streamed = '';
    let usage: unknown = null;
    const options = { stream: true as const, stream_options: { include_usage: true } };
    for await (const chunk of await openai.chat.completions.create({ ...chat, ...options })) {
      streamed += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    expect(streamed).toBe(text);
    expect(usage).toMatchObject({ completion_tokens: expect.any(Number) as number });

    expect((await openai.completions.create({ model: 'auto', prompt })).choices[0].text).toBe(text);
    let completed = '';
    for await (const chunk of await openai.completions.create({ model: 'auto', prompt, stream: true }))
      completed += chunk.choices[0]?.text ?? '';
    expect(completed).toBe(text);

    expect((await openai.responses.create({ model: 'auto', input: prompt })).output_text).toBe(text);
    const response = await openai.responses.stream({ model: 'auto', input: prompt }).finalResponse();
    expect(response.output_text).toBe(text);

    const message = { model: 'auto', max_tokens: 100, messages: [{ role: 'user' as const, content: prompt }] };
    expect((await anthropic.messages.create(message)).content).toMatchObject([{ type: 'text', text }]);
    expect(await anthropic.messages.stream(message).finalText()).toBe(text);
  });

  test.each([
    ['tools', 'target-lacks-tools', { tools: [{ type: 'function', function: { name: 'book', parameters: {} } }] }],
    [
      'a JSON schema',
      'target-lacks-json-schema',
      { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' } } } },
    ],
    ['several choices', 'target-lacks-choices', { n: 2 }],
  ])('does not do for a request with %s: the fallback answers', async (_, reason, extra) => {
    const response = await ask(extra);
    expect(response.headers.get('x-shunt-reason')).toBe(reason);
    expect(response.headers.get('x-shunt-model')).toBe('large');
    await response.arrayBuffer();
  });

  test('leaves other prompts and explained decisions as they are', async () => {
    const other = await ask({}, 'Translate to French: good morning');
    expect(other.headers.get('x-shunt-model')).toBe('small');
    await other.arrayBuffer();
    const explained = await post(`${proxy.url}/v1/route`, JSON.stringify({ text: prompt }));
    expect(await explained.json()).toMatchObject({ route: 'opening-hours', target: 'fixed-answer' });
  });

  test('pins no conversation: the next turn is matched afresh', async () => {
    const turn = (content: string) => ({ role: 'user', content });
    const messages = [turn(prompt), { role: 'assistant', content: text }, turn('Translate to French: good morning')];
    const say = (said: object[]) =>
      post(`${proxy.url}/v1/chat/completions`, JSON.stringify({ model: 'auto', messages: said }), {
        'x-shunt-session': 'one',
      });
    await (await say(messages.slice(0, 1))).arrayBuffer();
    const response = await say(messages);
    expect(response.headers.get('x-shunt-route')).toBe('translation');
    await response.arrayBuffer();
  });
});
