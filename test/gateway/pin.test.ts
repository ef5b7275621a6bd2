import { describe, expect, test } from 'vitest';
import { parseChatRequest } from '../../src/gateway/chat-request.ts';
import { conversationOf, createPinStore } from '../../src/gateway/pin.ts';

type Message = Record<string, unknown>;
const user = (content: unknown): Message => ({ role: 'user', content });
const assistant = (content: unknown, calls = 0): Message => ({
  role: 'assistant',
  content,
  ...(calls > 0 && {
    tool_calls: Array.from({ length: calls }, (_, i) => ({ id: `c${i}`, type: 'function', function: {} })),
  }),
});
const tool = (id: string): Message => ({ role: 'tool', tool_call_id: id, content: 'result' });

function conversation(messages: Message[], tenant = 'a', session: string | null = null) {
  const body = Buffer.from(JSON.stringify({ model: 'auto', messages }));
  return conversationOf(parseChatRequest(body).messages, tenant, session);
}
const pins = () => createPinStore({ max: 100, ttlMs: 60_000 });

describe('pins', () => {
  test('a request without an assistant message never reads a pin', () => {
    expect(conversation([user('hello')]).readKeys).toEqual([]);
    expect(conversation([user('hello')], 'a', 's1').readKeys).toEqual([]);
  });

  test('the second request of a conversation finds the pin of the first', () => {
    const store = pins();
    store.keep(conversation([user('hello')]), { model: 'small', route: 'small-talk' });
    expect(store.find(conversation([user('hello'), assistant('hi'), user('bye')]))?.model).toBe('small');
  });

  test('from then on the first answer tells conversations with the same opening apart', () => {
    const store = pins();
    store.keep(conversation([user('hello'), assistant('hi'), user('x')]), { model: 'large', route: null });
    store.keep(conversation([user('hello')]), { model: 'small', route: null });
    expect(
      store.find(conversation([user('hello'), assistant('hi'), user('y'), assistant('z'), user('q')]))?.model,
    ).toBe('large');
    expect(store.find(conversation([user('hello'), assistant('good day'), user('y')]))?.model).toBe('small');
  });

  test('tenants never share a pin, with or without a session name', () => {
    const store = pins();
    store.keep(conversation([user('hello')], 'a'), { model: 'small', route: null });
    store.keep(conversation([user('hello')], 'a', 's'), { model: 'small', route: null });
    expect(store.find(conversation([user('hello'), assistant('hi'), user('x')], 'b'))).toBeNull();
    expect(store.find(conversation([user('hello'), assistant('hi'), user('x')], 'b', 's'))).toBeNull();
  });

  test('the count is bounded', () => {
    const store = createPinStore({ max: 10, ttlMs: 60_000 });
    for (let i = 0; i < 50; i++) store.keep(conversation([user(`hello ${i}`)]), { model: 'small', route: null });
    expect(store.size).toBe(10);
  });
});

describe('the tool loop', () => {
  test.each([
    ['results at the end', [user('x'), assistant(null, 1), tool('c0')], true],
    ['calls that wait', [user('x'), assistant(null, 1)], true],
    [
      'one of two calls answered, then the user speaks',
      [user('x'), assistant(null, 2), tool('c0'), user('and?')],
      true,
    ],
    [
      'all calls answered and summed up',
      [user('x'), assistant(null, 1), tool('c0'), assistant('done'), user('next')],
      false,
    ],
    ['all calls answered, a new user turn', [user('x'), assistant(null, 1), tool('c0'), user('next')], false],
    ['plain talk', [user('x'), assistant('y'), user('z')], false],
  ])('%s: %#', (_name, messages, open) => {
    expect(conversation(messages as Message[]).inToolLoop).toBe(open);
  });
});
