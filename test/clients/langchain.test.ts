/** @langchain/openai against the proxy. */
import { type AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startProxy } from '../proxy-harness.ts';

let baseURL: string;
const chat = (model = 'auto', headers: Record<string, string> = {}, maxRetries = 0) =>
  new ChatOpenAI({ model, apiKey: 'sk-client', maxRetries, configuration: { baseURL, defaultHeaders: headers } });
const prompt = 'Translate to French: good evening';

beforeAll(async () => {
  baseURL = `${(await startProxy()).url}/v1`;
});

describe('LangChain', () => {
  test('invokes, and is routed', async () => {
    const answer = await chat().invoke(prompt);
    expect(answer.content).toContain('sim-small');
    expect(answer.response_metadata.model_name).toBe('sim-small');
    expect(answer.usage_metadata?.output_tokens).toBeGreaterThan(0);
  });

  test('streams, with the usage that it asks for', async () => {
    let whole = '';
    let tokens = 0;
    for await (const chunk of await chat().stream(prompt)) {
      whole += String(chunk.content);
      tokens = chunk.usage_metadata?.output_tokens ?? tokens;
    }
    expect(whole).toBe((await chat().invoke(prompt)).content);
    expect(tokens).toBeGreaterThan(0);
  });

  test('runs a tool loop on one model', async () => {
    const lookup = tool(({ word }: { word: string }) => `${word}: bonsoir`, {
      name: 'lookup_word',
      description: 'A dictionary',
      schema: z.object({ word: z.string() }),
    });
    const bound = chat().bindTools([lookup]);
    const messages: (HumanMessage | AIMessage | ToolMessage)[] = [
      new HumanMessage('Translate to French: lookup the word evening'),
    ];
    const first = await bound.invoke(messages);
    const call = first.tool_calls?.[0];
    if (!call?.id) throw new Error('no tool was called');
    messages.push(first, new ToolMessage({ content: 'bonsoir', tool_call_id: call.id }));
    const second = await bound.invoke(messages);
    expect(second.response_metadata.model_name).toBe(first.response_metadata.model_name);
    expect(second.content).toContain('The tool says');
  });

  test('gets structured output', async () => {
    const shape = z.object({ city: z.string(), population: z.number() });
    const answer = await chat().withStructuredOutput(shape, { method: 'jsonSchema' }).invoke(prompt);
    expect(shape.safeParse(answer).success).toBe(true);
  });

  test('aborts', async () => {
    const asked = chat('auto', { 'x-sim': 'latency=5000' }).invoke(prompt, { signal: AbortSignal.timeout(100) });
    await expect(asked).rejects.toThrow(/abort|timeout/i);
  });

  test('speaks Responses too', async () => {
    const model = new ChatOpenAI({ model: 'auto', apiKey: 'x', useResponsesApi: true, configuration: { baseURL } });
    expect(JSON.stringify((await model.invoke(prompt)).content)).toContain('sim-small');
  });

  test('embeds', async () => {
    const embeddings = new OpenAIEmbeddings({ model: 'default', apiKey: 'x', configuration: { baseURL } });
    expect(Math.hypot(...(await embeddings.embedQuery('good morning')))).toBeCloseTo(1, 3);
  });

  test('throws errors that keep their status', async () => {
    await expect(chat('nothing').invoke(prompt)).rejects.toMatchObject({ status: 404 });
    await expect(chat('large', { 'x-sim': 'error=401' }).invoke(prompt)).rejects.toMatchObject({ status: 401 });
  });
});
