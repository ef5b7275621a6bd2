import { describe, expect, it } from 'vitest';
import { answerText } from '../../src/gateway/answer-text.ts';
import { dialects } from '../../src/gateway/dialect.ts';
import { countUsage } from '../../src/gateway/estimate-usage.ts';
import { nothingSent } from '../../src/gateway/exchange-result.ts';

/** Words are tokens here, so that the sums can be made by hand. */
const words = (text: string) => text.split(/\s+/).filter((word) => word !== '').length;
const events = (...values: unknown[]) =>
  Buffer.from(`${values.map((v) => `data: ${JSON.stringify(v)}\n\n`).join('')}data: [DONE]\n\n`);

describe('the words of an answer', () => {
  const said = 'one two three';
  it.each([
    ['chat', { choices: [{ message: { role: 'assistant', content: said } }], model: 'a b c' }],
    ['completions', { choices: [{ text: said }] }],
    [
      'responses',
      { object: 'response', output: [{ type: 'message', content: [{ type: 'output_text', text: said }] }] },
    ],
    ['messages', { type: 'message', content: [{ type: 'text', text: said }], stop_reason: 'end_turn' }],
  ])('are read out of a plain answer of %s', (_name, answer) => {
    expect(words(answerText(Buffer.from(JSON.stringify(answer)), false))).toBe(3);
  });

  it.each([
    [
      'chat',
      events(
        { choices: [{ delta: { role: 'assistant', content: 'one ' } }] },
        { choices: [{ delta: { content: 'two three' } }] },
      ),
    ],
    ['completions', events({ choices: [{ text: 'one two' }] }, { choices: [{ text: ' three' }] })],
    [
      'responses',
      events(
        { type: 'response.output_text.delta', delta: 'one two ' },
        { type: 'response.output_text.delta', delta: 'three' },
        { type: 'response.output_text.done', text: said },
        { type: 'response.completed', response: { output: [{ content: [{ text: said }] }] } },
      ),
    ],
    ['messages', events({ type: 'content_block_delta', delta: { type: 'text_delta', text: said } })],
  ])('are read once out of a stream of %s', (_name, bytes) => {
    expect(answerText(bytes, true)).toBe(said);
  });

  it('hold the arguments of tool calls and what was thought', () => {
    const call = {
      choices: [
        { delta: { reasoning_content: 'hm ', tool_calls: [{ function: { name: 'f', arguments: '{"a":1}' } }] } },
      ],
    };
    expect(answerText(events(call), true)).toBe('hm {"a":1}');
  });

  it('are none in what is no JSON, or nests without end', () => {
    expect(answerText(Buffer.from('<html>busy</html>'), false)).toBe('');
    expect(answerText(Buffer.from(`${'{"content":'.repeat(5_000)}1${'}'.repeat(5_000)}`), false)).toBe('');
  });
});

describe('counted usage', () => {
  const parse = (body: unknown) => dialects.chat.parse(Buffer.from(JSON.stringify(body)));
  const chat = parse({
    model: 'auto',
    messages: [
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'say one two' },
    ],
  });
  const bytes = events({ choices: [{ delta: { content: 'one two' } }] });
  const result = { ...nothingSent, model: 'small', status: 200, stream: true };

  it('is what went in and out, marked as an estimate', () => {
    const usage = countUsage(chat, { ...result, sample: bytes, sentBytes: bytes.length }, words);
    expect(usage).toEqual({ input: 2 + 3 + 2 * 3, cachedInput: 0, output: 2, reasoning: 0, source: 'estimated' });
  });

  it('counts a long answer by its beginning', () => {
    const usage = countUsage(chat, { ...result, sample: bytes, sentBytes: bytes.length * 10 }, words);
    expect(usage.output).toBe(20);
  });

  it('counts tools as part of the input', () => {
    const tools = [{ type: 'function', function: { name: 'look it up' } }];
    const asked = parse({ model: 'auto', messages: [{ role: 'user', content: 'hi' }], tools });
    expect(countUsage(asked, { ...result, sample: null, sentBytes: 0 }, words).input).toBe(
      1 + 3 + words(JSON.stringify(tools)),
    );
  });
});
