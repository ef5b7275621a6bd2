import { describe, expect, test } from 'vitest';
import { parseChatRequest } from '../../src/gateway/chat-request.ts';
import { createRejections } from '../../src/gateway/rejections.ts';

function clockAt() {
  let now = 1_000;
  return { now: () => now, monotonic: () => now, later: (ms: number) => (now += ms) };
}
const chat = (more: object) =>
  parseChatRequest(Buffer.from(JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'x' }], ...more })));
const learn = (body: unknown, more: object) =>
  createRejections({ clock: clockAt() }).learn(
    'm',
    chat(more),
    Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  );

describe('learning from a refusal', () => {
  test.each<[string, unknown, object, string | null]>([
    [
      'OpenAI',
      {
        error: {
          message:
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
          param: 'max_tokens',
          code: 'unsupported_parameter',
        },
      },
      { max_tokens: 5 },
      'max_tokens',
    ],
    [
      'an unknown argument',
      { error: { message: 'Unrecognized request argument supplied: reasoning_effort', type: 'invalid_request_error' } },
      { reasoning_effort: 'low' },
      'reasoning_effort',
    ],
    [
      'vLLM',
      {
        object: 'error',
        message:
          "[{'type': 'extra_forbidden', 'loc': ('body', 'parallel_tool_calls'), 'msg': 'Extra inputs are not permitted'}]",
        code: 400,
      },
      { parallel_tool_calls: true },
      'parallel_tool_calls',
    ],
    [
      'a server without schemas',
      { error: { message: 'This model does not support structured outputs' } },
      { response_format: { type: 'json_schema' } },
      'response_format',
    ],
    [
      'a server without tools',
      { error: 'registry.ollama.ai/library/gemma does not support tools' },
      { tools: [{}] },
      'tools',
    ],
    ['plain words', 'unknown field logit_bias', { logit_bias: {} }, 'logit_bias'],
    [
      'a parameter that the request has not',
      { error: { message: "Unknown parameter: 'seed'", param: 'seed' } },
      { n: 1 },
      null,
    ],
    [
      'a word that is not a parameter',
      { error: { message: "Unknown parameter: 'frobnicate'", param: 'frobnicate' } },
      { frobnicate: 1 },
      null,
    ],
    [
      'a value out of range',
      { error: { message: 'max_tokens is too large: 90000. This model supports at most 4096', param: 'max_tokens' } },
      { max_tokens: 90_000 },
      null,
    ],
    ['bad input', { error: { message: 'messages: at least one message is required' } }, { temperature: 0 }, null],
  ])('%s', (_name, body, more, parameter) => {
    expect(learn(body, more)).toBe(parameter);
  });

  test('lasts ten minutes, for that model alone', () => {
    const clock = clockAt();
    const rejections = createRejections({ clock });
    const request = chat({ seed: 1 });
    rejections.learn('m', request, Buffer.from('unknown parameter "seed"'));
    expect([rejections.of('m', request), rejections.of('other', request), rejections.of('m', chat({}))]).toEqual([
      'seed',
      null,
      null,
    ]);
    clock.later(600_001);
    expect(rejections.of('m', request)).toBeNull();
  });

  test('of a schema does not stand in the way of plain JSON', () => {
    const rejections = createRejections({ clock: clockAt() });
    rejections.learn(
      'm',
      chat({ response_format: { type: 'json_schema', json_schema: {} } }),
      Buffer.from('response_format json_schema is not supported'),
    );
    expect(rejections.of('m', chat({ response_format: { type: 'json_schema' } }))).toBe('response_format');
    expect(rejections.of('m', chat({ response_format: { type: 'json_object' } }))).toBeNull();
  });
});
