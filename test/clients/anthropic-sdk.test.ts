/** @anthropic-ai/sdk against the proxy, in front of backends that speak its API. */
import Anthropic from '@anthropic-ai/sdk';
import { beforeAll, describe, expect, test } from 'vitest';
import { simulatedServer, startProxy } from '../proxy-harness.ts';

let client: Anthropic;
const translate = [{ role: 'user' as const, content: 'Translate to French: good evening' }];
const hard = [
  { role: 'user' as const, content: 'Design a sharded event store with exactly-once delivery and explain it' },
];
const base = { model: 'auto', max_tokens: 200 };

beforeAll(async () => {
  const server = await simulatedServer();
  const claude = { kind: 'anthropic', base_url: server.url, api_key: 'sk-ant-operator', max_retries: 0 };
  const proxy = await startProxy({ backends: { cheap: claude, strong: claude } });
  client = new Anthropic({ baseURL: proxy.url, apiKey: 'sk-client', maxRetries: 0 });
});

describe('the Anthropic SDK', () => {
  test('chats, and is routed', async () => {
    const easy = await client.messages.create({ ...base, messages: translate }).withResponse();
    expect(easy.data.model).toBe('sim-small');
    expect(easy.data.stop_reason).toBe('end_turn');
    expect(easy.response.headers.get('x-shunt-route')).toBe('translation');
    expect((await client.messages.create({ ...base, messages: hard })).model).toBe('sim-large');
  });

  test('streams the same answer, with usage', async () => {
    const whole = await client.messages.create({ ...base, messages: translate });
    const final = await client.messages.stream({ ...base, messages: translate }).finalMessage();
    expect(final.content).toMatchObject(whole.content.map(({ type }) => ({ type })));
    expect(final.content[0]).toMatchObject({ text: (whole.content[0] as Anthropic.TextBlock).text });
    expect(final.usage.output_tokens).toBe(whole.usage.output_tokens);
  });

  test('calls tools and stays on one model through the loop', async () => {
    const tools: Anthropic.Tool[] = [
      { name: 'lookup_word', input_schema: { type: 'object', properties: { word: { type: 'string' } } } },
    ];
    const messages: Anthropic.MessageParam[] = [...translate];
    const first = await client.messages.create({ ...base, messages, tools, tool_choice: { type: 'any' } });
    const call = first.content.find((block) => block.type === 'tool_use');
    if (!call) throw new Error('no tool was called');
    messages.push(
      { role: 'assistant', content: first.content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'bonsoir' }] },
    );
    const second = await client.messages.create({ ...base, messages, tools }).withResponse();
    expect(second.data.model).toBe(first.model);
    expect(second.response.headers.get('x-shunt-reason')).toBe('pinned-tool-loop');
  });

  test('gets structured output, from a model that can', async () => {
    const schema = {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
      additionalProperties: false,
    };
    const answer = await client.messages
      .create({ ...base, messages: translate, output_config: { format: { type: 'json_schema', schema } } })
      .withResponse();
    expect(answer.response.headers.get('x-shunt-reason')).toBe('target-lacks-json-schema');
    expect(JSON.parse((answer.data.content[0] as Anthropic.TextBlock).text)).toHaveProperty('city');
  });

  test('lists models and finds one', async () => {
    const names: string[] = [];
    for await (const model of client.models.list()) names.push(model.id);
    expect(names).toEqual(expect.arrayContaining(['auto', 'small', 'large']));
    expect((await client.models.retrieve('auto')).type).toBe('model');
  });

  test('counts tokens', async () => {
    expect((await client.messages.countTokens({ model: 'auto', messages: translate })).input_tokens).toBeGreaterThan(3);
  });

  test('aborts in mid-stream', async () => {
    const stream = await client.messages.create(
      { ...base, messages: translate, stream: true },
      { headers: { 'x-sim': 'token=50; tokens=200' } },
    );
    let events = 0;
    for await (const _event of stream) {
      events++;
      stream.controller.abort();
    }
    expect(events).toBeLessThan(100);
  });

  test.each<[string, object, new (...args: never[]) => Error]>([
    ['an unknown model', { model: 'claude-nothing', messages: translate }, Anthropic.NotFoundError],
    ['no messages', { messages: [] }, Anthropic.BadRequestError],
  ])('%s is the typed error of the SDK', async (_name, more, type) => {
    const failure = await client.messages.create({ ...base, messages: hard, ...more }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(type);
    expect((failure as InstanceType<typeof Anthropic.APIError>).error).toMatchObject({ type: 'error' });
  });

  test.each<[number, new (...args: never[]) => Error]>([
    [429, Anthropic.RateLimitError],
    [529, Anthropic.InternalServerError],
  ])('a %i of the backend is the typed error of the SDK', async (status, type) => {
    const asked = client.messages.create(
      { ...base, model: 'large', messages: hard },
      { headers: { 'x-sim': `error=${status}` } },
    );
    await expect(asked).rejects.toBeInstanceOf(type);
  });

  test('a stream that breaks off throws instead of passing for whole', async () => {
    const stream = client.messages.stream(
      { ...base, model: 'large', messages: hard },
      { headers: { 'x-sim': 'truncate=1' } },
    );
    await expect(stream.finalMessage()).rejects.toBeInstanceOf(Anthropic.APIError);
  });

  test('does not retry what the proxy has tried already', async () => {
    const eager = new Anthropic({ baseURL: client.baseURL, apiKey: 'x', maxRetries: 2 });
    const started = eager.messages.create(
      { ...base, model: 'large', messages: hard },
      { headers: { 'x-sim': 'error=500' } },
    );
    const failure = (await started.catch((error: unknown) => error)) as InstanceType<typeof Anthropic.APIError>;
    expect(failure.status).toBe(500);
    expect(failure.headers?.get('x-should-retry')).toBe('false');
  });
});
