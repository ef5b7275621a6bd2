/** Vercel's AI SDK with its OpenAI provider against the proxy: chat completions and Responses. */
import { createOpenAI } from '@ai-sdk/openai';
import { APICallError, generateText, type LanguageModel, Output, stepCountIs, streamText, tool } from 'ai';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startProxy } from '../proxy-harness.ts';

let provider: ReturnType<typeof createOpenAI>;
beforeAll(async () => {
  const proxy = await startProxy();
  provider = createOpenAI({ baseURL: `${proxy.url}/v1`, apiKey: 'sk-client' });
});

const prompt = 'Translate to French: good evening';

describe.each<[string, (model: string) => LanguageModel]>([
  ['chat completions', (model) => provider.chat(model)],
  ['Responses', (model) => provider.responses(model)],
])('the AI SDK over %s', (name, model) => {
  test('generates text, and is routed', async () => {
    const { text, response, usage } = await generateText({ model: model('auto'), prompt });
    expect(text).toContain('sim-small');
    expect(response.headers?.['x-shunt-route']).toBe('translation');
    expect(usage.outputTokens).toBeGreaterThan(0);
  });

  test('streams text, with usage', async () => {
    const stream = streamText({ model: model('auto'), prompt });
    let text = '';
    for await (const part of stream.textStream) text += part;
    expect(text).toContain('sim-small');
    expect((await stream.usage).outputTokens).toBeGreaterThan(0);
    expect(await stream.finishReason).toBe('stop');
  });

  test('runs a tool loop on one model', async () => {
    const lookup = tool({ inputSchema: z.object({ word: z.string() }), execute: ({ word }) => `${word}: bonsoir` });
    const { steps } = await generateText({
      model: model('auto'),
      prompt: 'Translate to French: lookup the word evening',
      tools: { lookup_word: lookup },
      stopWhen: stepCountIs(3),
    });
    expect(steps.length).toBeGreaterThan(1);
    const models = new Set(steps.map((step) => step.response.headers?.['x-shunt-model']));
    expect(models.size).toBe(1);
    // The Responses provider refers to its own stored items, by id or by previous_response_id.
    if (name === 'chat completions') expect(steps[1].response.headers?.['x-shunt-reason']).toBe('pinned-tool-loop');
  });

  test('gets structured output', async () => {
    const shape = z.object({ city: z.string(), population: z.number() });
    const { output } = await generateText({ model: model('auto'), prompt, output: Output.object({ schema: shape }) });
    expect(shape.safeParse(output).success).toBe(true);
  });

  test('aborts', async () => {
    const controller = new AbortController();
    const asked = generateText({
      model: model('auto'),
      prompt,
      abortSignal: controller.signal,
      headers: { 'x-sim': 'latency=5000' },
    });
    setTimeout(() => controller.abort(), 100);
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('throws its typed error, and does not retry what is in vain', async () => {
    const asked = generateText({
      model: model('large'),
      prompt,
      maxRetries: 0,
      headers: { 'x-sim': 'error=429; retry-after=30' },
    });
    const failure: unknown = await asked.catch((error: unknown) => error);
    expect(APICallError.isInstance(failure)).toBe(true);
    expect(failure).toMatchObject({ statusCode: 429, isRetryable: true });
    const unknown: unknown = await generateText({ model: model('nothing'), prompt }).catch((error: unknown) => error);
    expect(unknown).toMatchObject({ statusCode: 404, isRetryable: false });
  });
});
