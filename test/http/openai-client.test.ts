/** The npm SDK against the proxy, as an application uses it: only the base URL is changed. */
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startProxy, type TestProxy } from '../proxy-harness.ts';

let proxy: TestProxy;
let client: OpenAI;

beforeAll(async () => {
  proxy = await startProxy();
  client = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: 'sk-client', maxRetries: 0 });
});

const translate = [{ role: 'user' as const, content: 'Translate to French: good evening' }];
const hard = [
  {
    role: 'user' as const,
    content: 'Design a sharded event store with exactly-once delivery and explain the trade-offs',
  },
];

describe('the openai SDK', () => {
  test('chats: a translation is answered by the small model, a hard question by the large one', async () => {
    const easy = await client.chat.completions.create({ model: 'auto', messages: translate }).withResponse();
    expect(easy.data.model).toBe('sim-small');
    expect(easy.data.choices[0].message.content).toContain('sim-small');
    expect(easy.response.headers.get('x-shunt-route')).toBe('translation');
    expect(easy.response.headers.get('x-shunt-reason')).toBe('matched');
    const tough = await client.chat.completions.create({ model: 'auto', messages: hard }).withResponse();
    expect(tough.data.model).toBe('sim-large');
    expect(tough.response.headers.get('x-shunt-route')).toBe('fallback');
  });

  test('streams: the pieces make the same answer, and no usage chunk appears unasked', async () => {
    const whole = await client.chat.completions.create({ model: 'auto', messages: translate });
    const stream = await client.chat.completions.create({ model: 'auto', messages: translate, stream: true });
    let text = '';
    let finish: string | null = null;
    for await (const chunk of stream) {
      expect(chunk.choices).toHaveLength(1);
      text += chunk.choices[0].delta.content ?? '';
      finish = chunk.choices[0].finish_reason ?? finish;
    }
    expect(text).toBe(whole.choices[0].message.content);
    expect(finish).toBe('stop');
  });

  test('streams usage when asked', async () => {
    const stream = await client.chat.completions.create({
      model: 'auto',
      messages: translate,
      stream: true,
      stream_options: { include_usage: true },
    });
    let tokens = 0;
    for await (const chunk of stream) tokens = chunk.usage?.total_tokens ?? tokens;
    expect(tokens).toBeGreaterThan(0);
  });

  test('calls tools and stays on one model through the loop', async () => {
    const tools: OpenAI.Chat.ChatCompletionTool[] = [
      {
        type: 'function',
        function: {
          name: 'lookup_word',
          parameters: { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] },
        },
      },
    ];
    const messages: OpenAI.Chat.ChatCompletionMessageParam[] = [...translate];
    const first = await client.chat.completions.create({ model: 'auto', messages, tools, tool_choice: 'required' });
    const call = first.choices[0].message.tool_calls?.[0];
    expect(first.choices[0].finish_reason).toBe('tool_calls');
    if (call?.type !== 'function') throw new Error('no function was called');
    expect(JSON.parse(call.function.arguments)).toHaveProperty('word');
    messages.push(first.choices[0].message, { role: 'tool', tool_call_id: call.id, content: 'bonsoir' });
    const second = await client.chat.completions.create({ model: 'auto', messages, tools }).withResponse();
    expect(second.data.model).toBe(first.model);
    expect(second.response.headers.get('x-shunt-reason')).toBe('pinned-tool-loop');
  });

  test('parses structured output, on a model that can', async () => {
    const shape = z.object({ city: z.string(), population: z.number() });
    const answer = await client.chat.completions
      .parse({
        model: 'auto',
        messages: [{ role: 'user', content: 'What is the capital of Peru?' }],
        response_format: zodResponseFormat(shape, 'city'),
      })
      .withResponse();
    expect(shape.safeParse(answer.data.choices[0].message.parsed).success).toBe(true);
    expect(answer.response.headers.get('x-shunt-reason')).toBe('target-lacks-json-schema');
    expect(answer.data.model).toBe('sim-large');
  });

  test('embeds: unit vectors, the same in float and base64, cut to fewer dimensions', async () => {
    const input = ['good morning', 'a sharded event store'];
    const plain = await client.embeddings.create({ model: 'default', input, encoding_format: 'float' });
    const packed = await client.embeddings.create({ model: 'default', input });
    expect(packed.data[1].embedding).toEqual(plain.data[1].embedding.map((value) => Math.fround(value)));
    const length = Math.hypot(...plain.data[0].embedding);
    expect(length).toBeCloseTo(1, 4);
    const short = await client.embeddings.create({ model: 'default', input: 'good morning', dimensions: 64 });
    expect(short.data[0].embedding).toHaveLength(64);
    expect(Math.hypot(...short.data[0].embedding)).toBeCloseTo(1, 4);
    expect(plain.usage.prompt_tokens).toBeGreaterThan(3);
  });

  test('embeds with a model of a backend', async () => {
    const answer = await client.embeddings.create({ model: 'small', input: 'good morning' });
    expect(answer.data[0].embedding.length).toBeGreaterThan(0);
  });

  test('lists models and finds one', async () => {
    const names: string[] = [];
    for await (const model of client.models.list()) names.push(model.id);
    expect(names).toEqual(
      expect.arrayContaining(['auto', 'small', 'large', 'auto:translation', 'auto:facts', 'default']),
    );
    expect((await client.models.retrieve('auto')).object).toBe('model');
    await expect(client.models.retrieve('nothing')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  test('aborts in mid-stream', async () => {
    const stream = await client.chat.completions.create(
      { model: 'auto', messages: translate, stream: true },
      { headers: { 'x-sim': 'token=50; tokens=200' } },
    );
    let pieces = 0;
    for await (const _chunk of stream) {
      pieces++;
      stream.controller.abort();
    }
    expect(pieces).toBeLessThan(100);
  });

  test.each([
    ['an unknown model', { model: 'gpt-nothing', messages: translate }, OpenAI.NotFoundError, 'model_not_found'],
    ['no messages', { model: 'auto', messages: [] }, OpenAI.BadRequestError, 'invalid_request'],
  ])('%s is the typed error of the SDK', async (_name, body, type, code) => {
    const failure = await client.chat.completions.create(body).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(type);
    expect((failure as InstanceType<typeof OpenAI.APIError>).code).toBe(code);
  });

  test('a rate limit of the backend reaches the SDK with its retry-after', async () => {
    const failure = await client.chat.completions
      .create({ model: 'large', messages: hard }, { headers: { 'x-sim': 'error=429; retry-after=7' } })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OpenAI.RateLimitError);
    expect((failure as InstanceType<typeof OpenAI.APIError>).headers?.get('retry-after')).toBe('7');
  });
});
