/** Conversations keep their model, or move up; over the wire. */
import { beforeAll, describe, expect, test } from 'vitest';
import { post, startProxy, type TestProxy } from '../proxy-harness.ts';

type Message = Record<string, unknown>;
let proxy: TestProxy;

async function turn(
  messages: Message[],
  headers: Record<string, string> = {},
): Promise<{ model: string; reason: string }> {
  const response = await post(`${proxy.url}/v1/chat/completions`, JSON.stringify({ model: 'auto', messages }), headers);
  await response.arrayBuffer();
  return { model: response.headers.get('x-shunt-model') ?? '', reason: response.headers.get('x-shunt-reason') ?? '' };
}
const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });

beforeAll(async () => {
  proxy = await startProxy();
});

const hard = 'Analyse the failure modes of a two-phase commit and propose a better protocol';
const easy = 'Translate to French: good evening';

describe('a conversation', () => {
  test('that began on the fallback stays there, whatever comes', async () => {
    expect((await turn([user(hard)])).model).toBe('large');
    expect(await turn([user(hard), assistant('First…'), user(easy)])).toEqual({ model: 'large', reason: 'pinned' });
    expect(await turn([user(hard), assistant('First…'), user(easy), assistant('Bonsoir'), user(easy)])).toEqual({
      model: 'large',
      reason: 'pinned',
    });
  });

  test('that began on the cheap model stays there for the same kind of request, and escalates for good otherwise', async () => {
    const opening = 'Translate to French: the night train';
    expect((await turn([user(opening)])).model).toBe('small');
    const second = [user(opening), assistant('le train de nuit'), user('How do you say good evening in Japanese?')];
    expect((await turn(second)).model).toBe('small');
    const third = [...second, assistant('Konbanwa'), user(hard)];
    expect((await turn(third)).model).toBe('large');
    const fourth = [...third, assistant('Well…'), user(easy)];
    expect(await turn(fourth)).toEqual({ model: 'large', reason: 'pinned' });
  });

  test('keeps one model through a tool loop of many turns', async () => {
    const messages: Message[] = [user('Translate to French: the early bus')];
    const models = new Set<string>();
    models.add((await turn(messages)).model);
    for (let i = 0; i < 14; i++) {
      messages.push(
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: `c${i}`, type: 'function', function: { name: 'run', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: `c${i}`, content: `${hard} ${i}` },
      );
      models.add((await turn(messages)).model);
    }
    expect([...models]).toEqual(['small']);
  });

  test('whose pin is lost inside a tool loop goes to the fallback', async () => {
    const loop = [
      user('What is the boiling point of water?'),
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'run', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'c', content: '100' },
    ];
    expect(await turn(loop, { authorization: 'Bearer other' })).toEqual({
      model: 'large',
      reason: 'tool-loop-without-pin',
    });
  });

  test('is not touched by a side request about it', async () => {
    const opening = 'Translate to French: the last ferry';
    await turn([user(opening)]);
    const talk = [user(opening), assistant('le dernier ferry')];
    await turn([...talk, user('Generate a concise 3-5 word title for this conversation, with no quotes.')]);
    expect((await turn([...talk, user('Translate to French: the first ferry')])).model).toBe('small');
  });

  test('can be named by a session header instead', async () => {
    const session = { 'x-shunt-session': 'abc' };
    await turn([user(hard)], session);
    expect((await turn([user('other'), assistant('x'), user(easy)], session)).reason).toBe('pinned');
  });
});
