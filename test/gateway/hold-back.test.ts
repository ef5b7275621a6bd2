import { describe, expect, test } from 'vitest';
import { choiceStream } from '../../src/gateway/choice-stream.ts';
import { createHoldBack } from '../../src/gateway/hold-back.ts';
import { messageStream } from '../../src/gateway/message-stream.ts';
import { responseStream } from '../../src/gateway/response-stream.ts';
import type { StreamForm } from '../../src/gateway/stream-form.ts';

const data = (value: unknown) => Buffer.from(`data: ${JSON.stringify(value)}\n\n`);
const choice = (delta: object, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason }],
});
const lets = (form: StreamForm, value: unknown) => createHoldBack(form).add(data(value));

describe('holding back', () => {
  test.each<[string, StreamForm, unknown, boolean]>([
    ['a role', choiceStream, choice({ role: 'assistant', content: '' }), false],
    ['a refusal that is null', choiceStream, choice({ role: 'assistant', content: null, refusal: null }), false],
    ['no choices, as Azure begins', choiceStream, { choices: [], prompt_filter_results: [] }, false],
    ['a word', choiceStream, choice({ content: 'a' }), true],
    ['a thought', choiceStream, choice({ reasoning_content: 'hm' }), true],
    ['a tool call', choiceStream, choice({ tool_calls: [{ index: 0 }] }), true],
    ['the end', choiceStream, choice({}, 'stop'), true],
    ['a completion’s text', choiceStream, { choices: [{ text: 'a', index: 0, finish_reason: null }] }, true],
    ['response.created', responseStream, { type: 'response.created' }, false],
    ['response.output_item.added', responseStream, { type: 'response.output_item.added' }, true],
    ['message_start', messageStream, { type: 'message_start' }, false],
    ['content_block_start', messageStream, { type: 'content_block_start' }, true],
  ])('%s', (_name, form, value, goes) => {
    expect(lets(form, value)).toBe(goes);
  });

  test('gives back every byte in order, however they came', () => {
    const bytes = Buffer.concat([
      Buffer.from(': x\r\n\r\n'),
      data(choice({ role: 'assistant' })),
      data(choice({ content: 'é' })),
    ]);
    const held = createHoldBack(choiceStream);
    const before: boolean[] = [];
    for (let i = 0; i < bytes.length; i++) before.push(held.add(bytes.subarray(i, i + 1)));
    expect(before.indexOf(true)).toBe(bytes.length - 1);
    expect(held.take().equals(bytes)).toBe(true);
  });

  test('gives up past 256 KiB', () => {
    const held = createHoldBack(choiceStream);
    expect(held.add(Buffer.alloc(200_000, ':'))).toBe(false);
    expect(held.add(Buffer.alloc(70_000, ':'))).toBe(true);
  });
});
