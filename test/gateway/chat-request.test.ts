import { describe, expect, test } from 'vitest';
import { ShuntError } from '../../src/base/errors.ts';
import { parseChatRequest } from '../../src/gateway/chat-request.ts';
import { lastUserText, promptText } from '../../src/gateway/prompt-text.ts';
import { isSideRequest } from '../../src/gateway/side-request.ts';

const parse = (body: unknown) => parseChatRequest(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
const messages = [{ role: 'user', content: 'hi' }];

function faultOf(body: unknown): { code: string; param: string | null } {
  try {
    parse(body);
  } catch (error) {
    if (error instanceof ShuntError) return { code: error.code, param: error.param };
    throw error;
  }
  throw new Error('no fault');
}

describe('reading a chat request', () => {
  test.each([
    ['not JSON', '{"model":', 'invalid_json', null],
    ['nothing', '', 'invalid_json', null],
    ['an array', '[]', 'invalid_json', null],
    ['no model', { messages }, 'invalid_request', 'model'],
    ['no messages', { model: 'auto' }, 'invalid_request', 'messages'],
    ['empty messages', { model: 'auto', messages: [] }, 'invalid_request', 'messages'],
    [
      'a message without a role',
      { model: 'auto', messages: [...messages, { content: 'x' }] },
      'invalid_request',
      'messages[1]',
    ],
  ])('%s is refused with the field at fault', (_name, body, code, param) => {
    expect(faultOf(body)).toEqual({ code, param });
  });

  test('finds the abilities that a model must have', () => {
    expect(parse({ model: 'auto', messages, tools: [{}], response_format: { type: 'json_schema' } }).needs).toEqual([
      'tools',
      'json_schema',
    ]);
    const image = [
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: 'x' } },
          { type: 'text', text: 'what?' },
        ],
      },
    ];
    expect(parse({ model: 'auto', messages: image }).needs).toEqual(['vision']);
    expect(parse({ model: 'auto', messages, reasoning_effort: 'high', tools: [] }).needs).toEqual(['reasoning']);
  });

  test('temperature absent counts as 1', () => {
    expect(parse({ model: 'auto', messages }).temperature).toBe(1);
    expect(parse({ model: 'auto', messages, temperature: 0 }).temperature).toBe(0);
  });
});

describe('the text that is embedded', () => {
  const talk = [
    { role: 'system', content: 'Be brief.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is' },
        { type: 'image_url', image_url: {} },
        { type: 'text', text: 'this?' },
      ],
    },
    { role: 'assistant', content: 'A cat.' },
    { role: 'user', content: 'And that?' },
  ];

  test('is the last user message by default, its text parts when it is an array', () => {
    expect(promptText(parse({ model: 'auto', messages: talk }).messages, 'last_user')).toBe('And that?');
    expect(lastUserText(parse({ model: 'auto', messages: talk.slice(0, 2) }).messages)).toBe('What is\nthis?');
  });

  test('can take the system prompt or the conversation in', () => {
    const parsed = parse({ model: 'auto', messages: talk }).messages;
    expect(promptText(parsed, 'system_and_last_user')).toBe('Be brief.\nAnd that?');
    expect(promptText(parsed, 'conversation')).toBe('Be brief.\nWhat is\nthis?\nA cat.\nAnd that?');
  });
});

describe('side requests', () => {
  test.each([
    'Generate a concise 3-5 word title for this conversation.',
    '### Task:\nGenerate 1-3 broad tags categorizing the main themes',
    'Please write a short title (max 6 words) summarising the following chat:\nUser: hi',
    'Summarize our conversation so far so that it can be continued.',
  ])('%s', (text) => expect(isSideRequest(text)).toBe(true));

  test.each(['Write a title for my blog post about bees', 'Summarise this article: …', 'What is a conversation?'])(
    '%s is none',
    (text) => expect(isSideRequest(text)).toBe(false),
  );
});
