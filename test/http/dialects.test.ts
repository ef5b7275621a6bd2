/** Completions, Responses and messages are routed, pinned, metered and refused like chat. */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { post, simulatedServer, startProxy, type TestProxy } from '../proxy-harness.ts';

const easy = 'Translate to French: good afternoon';
const hard = 'Design a storage engine for time series and discuss its trade-offs in depth';
const user = (content: unknown) => ({ role: 'user', content });

let proxy: TestProxy;
beforeAll(async () => {
  const [haiku, opus] = [await simulatedServer(), await simulatedServer()];
  proxy = await startProxy({
    backends: {
      cheap: { base_url: haiku.url, kind: 'openai', api_key: 'sk-cheap', max_retries: 0 },
      strong: { base_url: opus.url, api_key: 'sk-strong', max_retries: 0 },
    },
  });
});

async function ask(path: string, body: unknown, to = proxy): Promise<{ response: Response; text: string }> {
  const response = await post(`${to.url}/v1${path}`, JSON.stringify(body));
  return { response, text: await response.text() };
}
const shown = (response: Response) =>
  ['route', 'model', 'reason'].map((name) => response.headers.get(`x-shunt-${name}`));

async function record(response: Response, to = proxy): Promise<Record<string, unknown>> {
  const id = response.headers.get('x-shunt-request-id');
  for (let i = 0; i < 200; i++) {
    const found = await fetch(`${to.url}/v1/decisions/${id}`);
    if (found.ok) return (await found.json()) as Record<string, unknown>;
    await sleep(10);
  }
  throw new Error(`no decision ${id}`);
}

describe('completions', () => {
  test('are routed by their prompt', async () => {
    const { response, text } = await ask('/completions', { model: 'auto', prompt: easy });
    expect(shown(response)).toEqual(['translation', 'small', 'matched']);
    expect(JSON.parse(text)).toMatchObject({ object: 'text_completion', model: 'sim-small' });
    expect(shown((await ask('/completions', { model: 'auto', prompt: hard })).response)[1]).toBe('large');
    expect(await record(response)).toMatchObject({ endpoint: 'completions', usage: { source: 'reported' } });
  });

  test('stream, with usage metered and not shown', async () => {
    const { response, text } = await ask('/completions', { model: 'auto', prompt: [easy], stream: true });
    expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true);
    expect(text).not.toContain('"usage"');
    expect(await record(response)).toMatchObject({ usage: { source: 'reported' }, finish_reason: 'stop' });
  });

  test('of tokens have no text to match', async () => {
    expect(shown((await ask('/completions', { model: 'auto', prompt: [1, 2, 3] })).response)[2]).toBe('empty-text');
  });
});

describe('Responses', () => {
  test('are routed by the last user message of their input', async () => {
    for (const input of [easy, [user(easy)], [user([{ type: 'input_text', text: easy }])]]) {
      const { response, text } = await ask('/responses', { model: 'auto', input });
      expect(shown(response)).toEqual(['translation', 'small', 'matched']);
      expect(JSON.parse(text)).toMatchObject({ object: 'response', status: 'completed', model: 'sim-small' });
    }
    expect(shown((await ask('/responses', { model: 'auto', input: hard })).response)[1]).toBe('large');
  });

  test('are metered in both forms', async () => {
    const whole = await record((await ask('/responses', { model: 'auto', input: easy })).response);
    const streamed = await ask('/responses', { model: 'auto', input: easy, stream: true });
    expect(streamed.text).toContain('event: response.completed');
    expect(await record(streamed.response)).toMatchObject({
      endpoint: 'responses',
      usage: whole.usage,
      finish_reason: 'stop',
      truncated: false,
      stream: true,
    });
  });

  test('stay on their model through a tool loop', async () => {
    const input: unknown[] = [user('Translate to French: the slow train')];
    expect(shown((await ask('/responses', { model: 'auto', input })).response)[1]).toBe('small');
    for (let i = 0; i < 12; i++) {
      input.push(
        { type: 'reasoning', summary: [] },
        { type: 'function_call', call_id: `c${i}`, name: 'look', arguments: '{}' },
        { type: 'function_call_output', call_id: `c${i}`, output: hard },
      );
      expect(shown((await ask('/responses', { model: 'auto', input })).response).slice(1)).toEqual([
        'small',
        'pinned-tool-loop',
      ]);
    }
  });

  test('that ask for a JSON schema go to a model that can', async () => {
    const text = { format: { type: 'json_schema', name: 'x', schema: { type: 'object', properties: {} } } };
    expect(shown((await ask('/responses', { model: 'auto', input: easy, text })).response)).toEqual([
      'fallback',
      'large',
      'target-lacks-json-schema',
    ]);
  });

  test('whose stream is cut end with an error event that SDKs take for one', async () => {
    const response = await post(
      `${proxy.url}/v1/responses`,
      JSON.stringify({ model: 'large', input: 'hello', stream: true }),
      { 'x-sim': 'truncate=1' },
    );
    const text = await response.text();
    expect(text).toMatch(/event: error\ndata: \{"type":"error","code":"backend_error".*"error":\{/);
    expect(await record(response)).toMatchObject({ truncated: true });
  });
});

describe('messages', () => {
  let claude: TestProxy;
  const body = (content: unknown, more: object = {}) => ({
    model: 'auto',
    max_tokens: 100,
    messages: [user(content)],
    ...more,
  });
  beforeAll(async () => {
    const [haiku, opus] = [await simulatedServer(), await simulatedServer()];
    claude = await startProxy({
      backends: {
        cheap: { kind: 'anthropic', base_url: haiku.url, api_key: 'sk-ant-cheap' },
        strong: {
          kind: 'anthropic',
          base_url: opus.url.replace(/\/v1$/, ''),
          api_key: 'sk-ant-strong',
          max_retries: 0,
        },
      },
    });
  });

  test('are routed among the models of Anthropic backends', async () => {
    const { response, text } = await ask('/messages', body([{ type: 'text', text: easy }]), claude);
    expect(shown(response)).toEqual(['translation', 'small', 'matched']);
    expect(JSON.parse(text)).toMatchObject({ type: 'message', model: 'sim-small', stop_reason: 'end_turn' });
    expect(shown((await ask('/messages', body(hard), claude)).response)[1]).toBe('large');
  });

  test('are metered in both forms', async () => {
    const whole = await record((await ask('/messages', body(easy), claude)).response, claude);
    expect(whole).toMatchObject({ endpoint: 'messages', finish_reason: 'stop', usage: { source: 'reported' } });
    const streamed = await ask('/messages', body(easy, { stream: true }), claude);
    expect(await record(streamed.response, claude)).toMatchObject({
      usage: whole.usage,
      finish_reason: 'stop',
      truncated: false,
    });
  });

  test('stay on their model through a tool loop, also when text stands beside the results', async () => {
    const messages: unknown[] = [user('Translate to French: the fast train')];
    const turn = async () =>
      shown((await ask('/messages', { model: 'auto', max_tokens: 50, messages }, claude)).response);
    expect((await turn())[1]).toBe('small');
    for (let i = 0; i < 12; i++) {
      messages.push(
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'I look.' },
            { type: 'tool_use', id: `t${i}`, name: 'look', input: {} },
          ],
        },
        user([
          { type: 'tool_result', tool_use_id: `t${i}`, content: hard },
          { type: 'text', text: '<system-reminder>be brief</system-reminder>' },
        ]),
      );
      expect((await turn()).slice(1)).toEqual(['small', 'pinned-tool-loop']);
    }
  });

  test('count tokens at the fallback', async () => {
    const { response, text } = await ask('/messages/count_tokens', body(easy), claude);
    expect([response.status, JSON.parse(text)]).toEqual([200, { input_tokens: expect.any(Number) as number }]);
  });

  test('that cannot be served are refused in Anthropic’s shape, and say why', async () => {
    const elsewhere = await ask('/messages', body(easy));
    expect(elsewhere.response.status).toBe(400);
    expect(JSON.parse(elsewhere.text)).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
    expect(elsewhere.text).toContain("'large' is on backend 'strong' of kind openai");
    const unknown = await ask('/messages', { ...body(easy), model: 'claude-nothing' }, claude);
    expect(JSON.parse(unknown.text)).toMatchObject({
      type: 'error',
      error: { type: 'not_found_error', code: 'model_not_found' },
    });
    const chat = await ask('/chat/completions', { model: 'auto', messages: [user(easy)] }, claude);
    expect(JSON.parse(chat.text)).toMatchObject({ error: { code: 'invalid_request', param: 'model' } });
  });

  test('that the client leaves are paid for as far as they went', async () => {
    const controller = new AbortController();
    const response = await fetch(`${claude.url}/v1/messages`, {
      method: 'POST',
      body: JSON.stringify(body(easy, { stream: true })),
      headers: { 'content-type': 'application/json', 'x-sim': 'token=5; tokens=2000' },
      signal: controller.signal,
    });
    const reader = response.body?.getReader();
    for (let i = 0; i < 10; i++) await reader?.read();
    controller.abort();
    const { status, usage } = await record(response, claude);
    expect([status, usage]).toEqual([499, expect.objectContaining({ source: 'estimated' })]);
    expect((usage as { output: number }).output).toBeGreaterThan(3);
  });

  test('whose stream breaks off end with an error event', async () => {
    const response = await post(
      `${claude.url}/v1/messages`,
      JSON.stringify(body('hi', { model: 'large', stream: true })),
      { 'x-sim': 'truncate=1' },
    );
    expect(await response.text()).toMatch(/event: error\ndata: \{"type":"error","error":\{"type":"api_error"/);
  });
});
