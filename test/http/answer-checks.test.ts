/** What an automatic look finds wrong with an answer, seen where it is kept: in the decision. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { post, simulatedServer, startProxy, type TestProxy } from '../proxy-harness.ts';
import { recordingServer } from '../recording-server.ts';

const schema = {
  type: 'object',
  properties: { city: { type: 'string' }, people: { type: 'integer' } },
  required: ['city', 'people'],
  additionalProperties: false,
};
const prompt = 'How many people live in the city of Bern?';
const chat = { messages: [{ role: 'user', content: prompt }] };
const asJson = { response_format: { type: 'json_schema', json_schema: { name: 'city', schema } } };
const anyJson = { response_format: { type: 'json_object' } };

/** What the backend behind the model `told` says next. */
let says: Record<string, unknown> = {};
let proxy: TestProxy;
beforeAll(async () => {
  const claude = await simulatedServer();
  afterAll(() => claude.close());
  const told = await recordingServer((_, response) => {
    const { message, ...rest } = says;
    const choices = [{ index: 0, message: { role: 'assistant', ...(message as object) }, finish_reason: 'stop' }];
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion', choices, ...rest }));
  });
  proxy = await startProxy({
    backends: {
      claude: { kind: 'anthropic', base_url: claude.url, api_key: 'sk-ant' },
      told: { base_url: told.url, api_key: 'sk-told', max_retries: 0 },
    },
    models: {
      claude: { backend: 'claude', model: 'sim-claude', abilities: ['json_schema'] },
      told: { backend: 'told', model: 'told', abilities: ['json_schema'] },
    },
  });
});

async function verdict(path: string, body: Record<string, unknown>, headers: Record<string, string> = {}) {
  const response = await post(`${proxy.url}/v1/${path}`, JSON.stringify(body), headers);
  await response.text();
  const id = response.headers.get('x-shunt-request-id');
  for (let i = 0; i < 500; i++) {
    const found = await fetch(`${proxy.url}/v1/decisions/${id}`);
    if (found.ok) return ((await found.json()) as { verdict: string | null }).verdict;
    await sleep(10);
  }
  throw new Error(`no decision ${id}`);
}

const told = (message: object, format: object = asJson, rest: object = {}) => {
  says = { message, ...rest };
  return verdict('chat/completions', { model: 'told', ...chat, ...format });
};

describe('an answer for which a JSON schema was asked', () => {
  test.each([
    ['chat/completions', { model: 'large', ...chat, ...asJson }],
    ['responses', { model: 'large', input: prompt, text: { format: { type: 'json_schema', name: 'city', schema } } }],
    ['messages', { model: 'claude', max_tokens: 500, ...chat, output_format: { type: 'json_schema', schema } }],
  ])('passes in /v1/%s, streamed or not', async (path, body) => {
    expect(await verdict(path, body)).toBe('passed');
    expect(await verdict(path, { ...body, stream: true })).toBe('passed');
  });

  test('may be of another form, no JSON, nothing, or a refusal', async () => {
    expect(await told({ content: '{"city":"Bern","people":1}' })).toBe('passed');
    expect(await told({ content: '{"city":"Bern"}' })).toBe('schema-mismatch');
    expect(await told({ content: '```json\n{"city":"Bern","people":1}\n```' })).toBe('not-json');
    expect(await told({ content: '{"city":"Bern","peo' })).toBe('not-json');
    expect(await told({ content: ' ' })).toBe('empty');
    expect(await told({ content: null, refusal: 'I will not.' })).toBe('refused');
  });

  test('is no matter of schemas when it is a call of a tool', async () => {
    const call = { id: 'call_1', type: 'function', function: { name: 'find', arguments: '{}' } };
    expect(await told({ content: null, tool_calls: [call] })).toBeNull();
  });

  test('may be any JSON object when no more was asked', async () => {
    expect(await told({ content: '{"x":1}' }, anyJson)).toBe('passed');
    expect(await told({ content: '[1]' }, anyJson)).toBe('not-json');
  });

  test('is not held against a schema that cannot be checked', async () => {
    const conditional: unknown = JSON.parse('{"if":{"type":"string"},"then":{"minLength":2}}');
    const recursive = {
      $ref: '#/$defs/tree',
      $defs: { tree: { anyOf: [{ $ref: '#/$defs/tree' }, { type: 'null' }] } },
    };
    for (const one of [conditional, recursive]) {
      const format = { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: one } } };
      expect(await told({ content: '"a"' }, format)).toBeNull();
      expect(await told({ content: 'a' }, format)).toBe('not-json');
    }
  });

  test('costs no more than it may, whatever the schema (an unbounded check would run into the time limit)', async () => {
    const levels = Array.from({ length: 40 }, (_, i) => [
      `l${i}`,
      { anyOf: [{ $ref: `#/$defs/l${i + 1}` }, { $ref: `#/$defs/l${i + 1}` }] },
    ]);
    const exploding = { $ref: '#/$defs/l0', $defs: { ...Object.fromEntries(levels), l40: { type: 'null' } } };
    const pattern = { type: 'string', pattern: '^(a+)+$' };
    for (const [one, content] of [
      [exploding, '"x"'],
      [pattern, `"${'a'.repeat(40)}!"`],
    ] as const) {
      const format = { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: one } } };
      expect(['passed', null]).toContain(await told({ content }, format));
    }
    const deep = `${'{"items":'.repeat(3_000)}{}${'}'.repeat(3_000)}`;
    const format = { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: JSON.parse(deep) } } };
    expect(await told({ content: '[]' }, format)).not.toBe('error');
  });
});

describe('any other answer', () => {
  test('has no verdict when nothing was wrong with it, as far as anybody looked', async () => {
    expect(await told({ content: 'About 146,000.' }, {})).toBeNull();
    expect(await verdict('chat/completions', { model: 'large', ...chat, stream: true })).toBeNull();
  });

  test('has one when it was cut, empty, refused, or an error', async () => {
    expect(await verdict('chat/completions', { model: 'large', ...chat, max_tokens: 3 })).toBe('cut');
    expect(await verdict('chat/completions', { model: 'large', ...chat }, { 'x-sim': 'error=400' })).toBe('error');
    const usage = { usage: { prompt_tokens: 9, completion_tokens: 0 } };
    expect(await told({ content: '' }, {}, usage)).toBe('empty');
    const filtered = [{ index: 0, message: { role: 'assistant', content: '' }, finish_reason: 'content_filter' }];
    expect(await told({}, {}, { choices: filtered })).toBe('refused');
  });
});
