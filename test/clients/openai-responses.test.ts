/** The openai SDK over Responses and completions; chat is in test/http/openai-client.test.ts. */
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startProxy } from '../proxy-harness.ts';
import { recordingServer, replyJson } from '../recording-server.ts';

let client: OpenAI;
const input = 'Translate to French: good evening';
beforeAll(async () => {
  client = new OpenAI({ baseURL: `${(await startProxy()).url}/v1`, apiKey: 'sk-client', maxRetries: 0 });
});

describe('the openai SDK over Responses', () => {
  test('answers, and is routed', async () => {
    const { data, response } = await client.responses.create({ model: 'auto', input }).withResponse();
    expect(data.output_text).toContain('sim-small');
    expect(response.headers.get('x-shunt-route')).toBe('translation');
  });

  test('streams the same answer', async () => {
    const whole = await client.responses.create({ model: 'auto', input });
    const stream = await client.responses.create({ model: 'auto', input, stream: true });
    let text = '';
    for await (const event of stream) if (event.type === 'response.output_text.delta') text += event.delta;
    expect(text).toBe(whole.output_text);
  });

  test('continues a response at the model that made it, and follows it up', async () => {
    const first = await client.responses.create({ model: 'auto', input });
    const next = await client.responses
      .create({
        model: 'auto',
        input: 'Prove the theorem that you have just translated',
        previous_response_id: first.id,
      })
      .withResponse();
    expect([next.data.model, next.response.headers.get('x-shunt-reason')]).toEqual(['sim-small', 'pinned-response']);
    expect((await client.responses.retrieve(first.id)).id).toBe(first.id);
    expect((await client.responses.inputItems.list(first.id)).data).toEqual([]);
    expect((await client.responses.cancel(first.id)).status).toBe('cancelled');
    await client.responses.delete(first.id);
    await expect(client.responses.retrieve(first.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  test('calls tools and stays on one model', async () => {
    const tools: OpenAI.Responses.FunctionTool[] = [
      {
        type: 'function',
        name: 'lookup_word',
        parameters: { type: 'object', properties: { word: { type: 'string' } } },
        strict: false,
      },
    ];
    const asked: OpenAI.Responses.ResponseInputItem[] = [
      { role: 'user', content: 'Translate to French: lookup the word evening' },
    ];
    const first = await client.responses.create({ model: 'auto', input: asked, tools, store: false });
    const call = first.output.find((item) => item.type === 'function_call');
    if (!call) throw new Error('no function was called');
    const answered = [
      ...asked,
      call,
      { type: 'function_call_output' as const, call_id: call.call_id, output: 'bonsoir' },
    ];
    const second = await client.responses
      .create({ model: 'auto', input: answered, tools, store: false })
      .withResponse();
    expect([second.data.model, second.response.headers.get('x-shunt-reason')]).toEqual([
      first.model,
      'pinned-tool-loop',
    ]);
  });

  test('parses structured output', async () => {
    const shape = z.object({ city: z.string() });
    const answer = await client.responses.parse({
      model: 'auto',
      input,
      text: { format: zodTextFormat(shape, 'city') },
    });
    expect(shape.safeParse(answer.output_parsed).success).toBe(true);
  });

  test('hears of a stream that breaks off', async () => {
    const stream = await client.responses.create(
      { model: 'large', input, stream: true },
      { headers: { 'x-sim': 'truncate=1' } },
    );
    const read = async () => {
      for await (const _event of stream);
    };
    await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError);
  });

  test('an unknown previous response is its typed error', async () => {
    const asked = client.responses.create({ model: 'auto', input, previous_response_id: 'resp_unknown' });
    await expect(asked).rejects.toMatchObject({
      status: 400,
      code: 'previous_response_not_found',
      param: 'previous_response_id',
    });
  });

  test('is told not to try again what the proxy has tried already', async () => {
    const broken = await recordingServer((_asked, response) =>
      replyJson(response, { error: { message: 'oops' } }, 500),
    );
    const proxy = await startProxy({ backends: { strong: { base_url: broken.url, max_retries: 1 } } });
    const eager = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: 'x', maxRetries: 2 });
    const asked = eager.responses.create({ model: 'large', input });
    await expect(asked).rejects.toBeInstanceOf(OpenAI.InternalServerError);
    expect(broken.asked).toHaveLength(2);
  });
});

describe('the openai SDK over completions', () => {
  test('answers and streams', async () => {
    const whole = await client.completions.create({ model: 'auto', prompt: input });
    let text = '';
    for await (const chunk of await client.completions.create({ model: 'auto', prompt: input, stream: true }))
      text += chunk.choices[0].text;
    expect(text).toBe(whole.choices[0].text);
    expect(whole.model).toBe('sim-small');
  });

  test('makes speech and images, raw', async () => {
    const speech = await client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'hello' });
    expect((await speech.arrayBuffer()).byteLength).toBeGreaterThan(100);
    expect((await client.images.generate({ model: 'dall-e-3', prompt: 'a boat' })).data?.length).toBe(1);
    const file = new File([Buffer.alloc(5_000)], 'a.wav');
    expect((await client.audio.transcriptions.create({ model: 'whisper-1', file })).text).toBeTypeOf('string');
    expect((await client.moderations.create({ input: 'x' })).results).toHaveLength(1);
  });
});
