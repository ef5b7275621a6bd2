import { describe, expect, it } from 'vitest';
import { topLevelMembers } from '../../src/base/json-members.ts';
import { exactKey } from '../../src/cache/exact-key.ts';

const body = {
  model: 'auto',
  messages: [{ role: 'user', content: 'hello' }],
  temperature: 0,
  max_tokens: 20,
  stream: false,
};

interface Parts {
  readonly namespace: string;
  readonly tenant: string;
  readonly endpoint: string;
  readonly model: string;
  readonly aim: string;
}

const parts: Parts = { namespace: 'n1', tenant: 'app-a', endpoint: 'chat', model: 'auto', aim: '' };

function keyOf(text: string, changed: Partial<Parts> = {}): string {
  const bytes = Buffer.from(text);
  return exactKey({ ...parts, ...changed, bytes, members: topLevelMembers(bytes) });
}

const original = keyOf(JSON.stringify(body));

describe('the exact key', () => {
  it('is the same for the same request', () => {
    expect(keyOf(JSON.stringify(body))).toBe(original);
  });

  it.each(['namespace', 'tenant', 'endpoint', 'model', 'aim'] as const)('differs when the %s alone does', (part) => {
    expect(keyOf(JSON.stringify(body), { [part]: 'other' })).not.toBe(original);
  });

  it.each([
    ['messages', [{ role: 'user', content: 'hello!' }]],
    ['messages', [{ role: 'system', content: 'hello' }]],
    ['messages', [...body.messages, { role: 'assistant', content: '' }]],
    ['temperature', 0.1],
    ['max_tokens', 21],
    ['max_completion_tokens', 20],
    ['top_p', 0.5],
    ['seed', 1],
    ['stop', ['\n']],
    ['n', 1],
    ['tools', []],
    ['tool_choice', 'none'],
    ['response_format', { type: 'json_object' }],
    ['logit_bias', { 50256: -100 }],
    ['presence_penalty', 0.1],
    ['frequency_penalty', 0.1],
    ['logprobs', true],
    ['reasoning_effort', 'low'],
    ['verbosity', 'low'],
    ['modalities', ['text']],
    ['user', 'someone'],
    ['service_tier', 'flex'],
    ['an_unknown_field', 1],
  ])('differs when the member %s alone does (%j)', (member, value) => {
    expect(keyOf(JSON.stringify({ ...body, [member]: value }))).not.toBe(original);
  });

  it.each(Object.keys(body).filter((member) => member !== 'stream' && member !== 'model'))(
    'differs when the member %s is missing',
    (member) => {
      const { [member as keyof typeof body]: _, ...rest } = body;
      expect(keyOf(JSON.stringify(rest))).not.toBe(original);
    },
  );

  it('is the same whatever the order of the members and the form of the answer', () => {
    const turned = Object.fromEntries(Object.entries(body).reverse());
    expect(keyOf(JSON.stringify(turned))).toBe(original);
    expect(keyOf(JSON.stringify({ ...body, stream: true }))).toBe(original);
    expect(keyOf(JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }))).toBe(original);
    expect(keyOf(JSON.stringify(body).replace(',"temperature"', ' ,\n "temperature"'))).toBe(original);
  });

  it('keeps big integers and spellings of numbers apart', () => {
    const seeded = (seed: string) => keyOf(`{"messages":[],"seed":${seed}}`);
    expect(seeded('9007199254740993')).not.toBe(seeded('9007199254740992'));
    expect(seeded('1')).not.toBe(seeded('1.0'));
  });

  it('knows which duplicate of a member comes last', () => {
    expect(keyOf('{"seed":1,"seed":2}')).not.toBe(keyOf('{"seed":2,"seed":1}'));
  });

  it('does not confuse where one part ends and the next begins', () => {
    expect(keyOf('{}', { namespace: 'ab', tenant: 'c' })).not.toBe(keyOf('{}', { namespace: 'a', tenant: 'bc' }));
    expect(keyOf('{"a":1,"b":2}')).not.toBe(keyOf('{"a":"1b2"}'));
  });
});
