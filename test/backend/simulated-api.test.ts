/** The simulated API through the real SDK over a real socket: what OpenAI's client accepts is OpenAI's shape. */
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SimulatedServer, startSimulatedServer } from '../../src/backend/simulated-server.ts';
import { backendConfig } from './recording-sink.ts';

let server: SimulatedServer;
let client: OpenAI;

beforeAll(async () => {
  server = await startSimulatedServer({ host: '127.0.0.1', port: 0, config: backendConfig() });
  client = new OpenAI({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => server.close());

const messages = [{ role: 'user' as const, content: "What's the weather in Paris?" }];
const weather = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, unit: { enum: ['C', 'F'] } },
      required: ['city', 'unit'],
    },
  },
};
const fault = (sim: string) => ({ headers: { 'x-sim': sim } });

describe('chat', () => {
  it('says which model spoke and what was asked, the same every time', async () => {
    const first = await client.chat.completions.create({ model: 'demo-small', messages });
    const again = await client.chat.completions.create({ model: 'demo-small', messages });
    expect(first.choices[0].message.content).toMatch(/^\[demo-small\] You said: "What's the weather in Paris\?"\./);
    expect(first.choices[0].finish_reason).toBe('stop');
    expect({ ...again, created: 0 }).toEqual({ ...first, created: 0 });
    expect(first.usage?.completion_tokens).toBe(32);
    expect(first.usage?.total_tokens).toBe(32 + (first.usage?.prompt_tokens ?? 0));
  });

  it('streams the same text that it answers whole, with usage only when asked for', async () => {
    const whole = await client.chat.completions.create({ model: 'demo-small', messages });
    const body = { model: 'demo-small', messages, stream: true } as const;
    const streams = [
      { stream: await client.chat.completions.create(body), usage: undefined },
      {
        stream: await client.chat.completions.create({ ...body, stream_options: { include_usage: true } }),
        usage: whole.usage,
      },
    ];
    for (const { stream, usage } of streams) {
      let text = '';
      let found: unknown;
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? '';
        found = chunk.usage ?? found;
      }
      expect(text).toBe(whole.choices[0].message.content);
      expect(found).toEqual(usage);
    }
  });

  it('stops at max_tokens and gives n answers', async () => {
    const answer = await client.chat.completions.create({ model: 'm', messages, max_completion_tokens: 5, n: 3 });
    expect(answer.choices.map((choice) => choice.finish_reason)).toEqual(['length', 'length', 'length']);
    expect(answer.usage?.completion_tokens).toBe(15);
    expect(answer.choices.map((choice) => choice.index)).toEqual([0, 1, 2]);
  });

  it('calls a tool that the prompt is about, then speaks of its result', async () => {
    const runner = client.chat.completions.runTools({
      model: 'demo-large',
      messages,
      tools: [
        {
          type: 'function',
          function: { ...weather.function, description: 'Looks', function: () => 'rain, 12 °C', parse: JSON.parse },
        },
      ],
    });
    expect(await runner.finalContent()).toMatch(/^\[demo-large\] The tool says: rain, 12 °C\./);
    const call = runner.messages.find((message) => message.role === 'assistant' && message.tool_calls);
    expect(call).toMatchObject({
      tool_calls: [{ function: { name: 'get_weather', arguments: '{"city":"Paris","unit":"C"}' } }],
    });
  });

  it('streams a tool call', async () => {
    const stream = client.chat.completions.stream({ model: 'm', messages, tools: [weather], tool_choice: 'required' });
    const answer = await stream.finalChatCompletion();
    expect(answer.choices[0].finish_reason).toBe('tool_calls');
    expect(answer.choices[0].message.tool_calls?.[0]).toMatchObject({ function: { name: 'get_weather' } });
  });

  it('calls no tool that nobody asked for', async () => {
    const tools = [weather];
    const about = { model: 'm', messages: [{ role: 'user' as const, content: 'Tell me a joke' }], tools };
    expect((await client.chat.completions.create(about)).choices[0].finish_reason).toBe('stop');
    const none = await client.chat.completions.create({ model: 'm', messages, tools, tool_choice: 'none' });
    expect(none.choices[0].finish_reason).toBe('stop');
  });

  it('answers in the JSON schema that was asked for', async () => {
    const schema = {
      type: 'object',
      properties: {
        title: { type: 'string', minLength: 3, maxLength: 8 },
        score: { type: 'integer', minimum: 4, maximum: 9 },
        kind: { enum: ['a', 'b'] },
        when: { type: 'string', format: 'date' },
        tags: { type: 'array', items: { type: 'string' }, minItems: 2 },
        note: { anyOf: [{ type: 'string' }, { type: 'null' }] },
        tree: { $ref: '#/$defs/node' },
      },
      $defs: {
        node: {
          type: 'object',
          properties: { child: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
        },
      },
    };
    const answer = await client.chat.completions.parse({
      model: 'm',
      messages,
      response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } },
    });
    const parsed = JSON.parse(answer.choices[0].message.content ?? '');
    expect(parsed).toMatchObject({ title: expect.stringMatching(/^.{3,8}$/), score: 4, kind: 'a', when: '2026-01-31' });
    expect(parsed.tags.length).toBe(2);
    expect(parsed.tree).toHaveProperty('child');
    const object = await client.chat.completions.create({
      model: 'm',
      messages,
      response_format: { type: 'json_object' },
    });
    expect(JSON.parse(object.choices[0].message.content ?? '')).toMatchObject({ model: 'm' });
  });
});

describe('the other endpoints', () => {
  it('embed, as floats and as base64, in the dimensions asked for', async () => {
    const ask = (input: string | string[], encoding_format: 'float' | 'base64') =>
      client.embeddings.create({ model: 'demo-embed', input, dimensions: 8, encoding_format });
    const floats = await ask(['a', 'b'], 'float');
    expect(floats.data.map((one) => one.embedding.length)).toEqual([8, 8]);
    const length = Math.hypot(...floats.data[0].embedding);
    expect(length).toBeCloseTo(1, 5);
    const coded = await ask('b', 'base64');
    const bytes = Buffer.from(String(coded.data[0].embedding), 'base64');
    const values = Array.from({ length: 8 }, (_, i) => bytes.readFloatLE(i * 4));
    expect(values).toEqual(floats.data[1].embedding);
    const usual = await client.embeddings.create({ model: 'demo-embed', input: 'b' });
    expect(usual.data[0].embedding.length).toBe(1_536);
  });

  it('complete a bare prompt, whole and streamed', async () => {
    const whole = await client.completions.create({ model: 'm', prompt: 'Once' });
    const stream = await client.completions.create({ model: 'm', prompt: 'Once', stream: true });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0].text;
    expect(text).toBe(whole.choices[0].text);
  });

  it('speak the Responses API, whole and streamed', async () => {
    const whole = await client.responses.create({ model: 'm', input: 'Hello' });
    expect(whole.output_text).toMatch(/^\[m\] You said: "Hello"\./);
    expect(whole.usage?.output_tokens).toBe(32);
    const stream = client.responses.stream({ model: 'm', input: 'Hello' });
    const types: string[] = [];
    for await (const event of stream) types.push(event.type);
    expect(types[0]).toBe('response.created');
    expect(types.at(-1)).toBe('response.completed');
    expect((await stream.finalResponse()).output_text).toBe(whole.output_text);
  });

  it('list models and know one from another', async () => {
    const ids = (await client.models.list()).data.map((model) => model.id);
    expect(ids).toContain('demo-small');
    expect((await client.models.retrieve('demo-large')).owned_by).toBe('simulated');
    await expect(client.models.retrieve('nothing')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });

  it('moderate, speak, listen and draw', async () => {
    const verdict = await client.moderations.create({ input: ['hello', 'I will kill you'] });
    expect(verdict.results.map((result) => result.flagged)).toEqual([false, true]);
    const speech = await client.audio.speech.create({ model: 'm', voice: 'alloy', input: 'hello' });
    const sound = Buffer.from(await speech.arrayBuffer());
    expect(sound.toString('latin1', 0, 4)).toBe('RIFF');
    const file = await toFile(sound, 'sound.wav');
    const heard = await client.audio.transcriptions.create({ model: 'whisper', file });
    expect(heard.text).toContain(`[whisper] A recording of ${sound.length} bytes`);
    const images = await client.images.generate({ model: 'm', prompt: 'a cat', n: 2 });
    expect(images.data?.map((image) => image.b64_json?.slice(0, 5))).toEqual(['iVBOR', 'iVBOR']);
  });
});

describe('errors', () => {
  it('have the classes and fields that the SDK knows', async () => {
    const create = (body: object, sim = '') =>
      client.chat.completions.create({ model: 'm', messages, ...body }, fault(sim));
    await expect(create({ messages: [] })).rejects.toMatchObject({ status: 400, param: 'messages' });
    await expect(create({ model: 'no-such-model' })).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(create({}, 'error=429')).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    await expect(create({}, 'error=401')).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(create({}, 'error=503')).rejects.toMatchObject({ status: 503, type: 'server_error' });
    const rejected = create({ reasoning_effort: 'low' }, 'reject=reasoning_effort');
    await expect(rejected).rejects.toMatchObject({
      status: 400,
      code: 'unsupported_parameter',
      param: 'reasoning_effort',
    });
    await expect(create({}, 'reset=before')).rejects.toBeInstanceOf(OpenAI.APIConnectionError);
  });

  it.each([
    ['POST', '/chat/completions', '{"model":', 400],
    ['POST', '/chat/completions', '[]', 400],
    ['POST', '/chat/completions', '{}', 400],
    ['POST', '/nothing', '{}', 404],
    ['DELETE', '/chat/completions', undefined, 404],
    ['GET', '/models/%E0%A4%A', undefined, 404],
    ['POST', '/audio/transcriptions', 'x', 400],
    ['POST', '/embeddings', '{"model":"m","input":[]}', 400],
    ['POST', '/embeddings', '{"model":"m","input":"a","dimensions":-1}', 400],
  ])('answer %s %s %s with %i', async (method, path, body, status) => {
    const answer = await fetch(server.url + path, { method, body });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ error: { message: expect.any(String) } });
  });
});

describe('faults on demand', () => {
  const stream = async (sim: string, more: object = {}) => {
    const body = JSON.stringify({ model: 'm', messages, stream: true, ...more });
    return (await fetch(`${server.url}/chat/completions`, { method: 'POST', body, ...fault(sim) })).text();
  };

  it('write events with CRLF, comments between them, and in pieces', async () => {
    const plain = (await stream('')).replaceAll(/"created":\d+/g, '');
    expect((await stream('crlf')).replaceAll('\r\n', '\n').replaceAll(/"created":\d+/g, '')).toBe(plain);
    expect(await stream('comments')).toContain(': keep-alive\n\ndata: ');
    expect((await stream('chunk=7')).replaceAll(/"created":\d+/g, '')).toBe(plain);
  });

  it('cut a stream, put an error in it, leave usage out', async () => {
    expect(await stream('truncate')).not.toContain('"finish_reason":"');
    expect(await stream('stream-error')).toContain('data: {"error":{');
    expect(await stream('no-usage', { stream_options: { include_usage: true } })).not.toContain('"usage"');
  });

  it('answer HTML', async () => {
    expect(await stream('html')).toContain('<html>');
  });
});
