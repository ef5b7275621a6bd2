import { describe, expect, it } from 'vitest';
import { replay } from '../../src/cache/answer-form.ts';
import type { CacheEntry } from '../../src/cache/exact-cache.ts';

const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'demo-small',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'Bonjour 🙂\n"là"', refusal: null, annotations: [] },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage,
  system_fingerprint: 'fp_1',
};

const chunk = (delta: object, finish_reason: string | null = null, more: object = {}) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_700_000_000,
  model: 'demo-small',
  system_fingerprint: 'fp_1',
  choices: [{ index: 0, delta, logprobs: null, finish_reason }],
  ...more,
});
const deltas = [
  chunk({ role: 'assistant', content: '' }),
  chunk({ content: 'Bonjour 🙂' }),
  chunk({ content: '\n"là"' }),
  chunk({}, 'stop'),
];
const usageChunk = { ...chunk({}), choices: [], usage };

function entry(form: 'json' | 'sse', body: string): CacheEntry {
  const contentType = form === 'json' ? 'application/json' : 'text/event-stream';
  const counted = { input: 5, cachedInput: 1, output: 2, reasoning: 0, source: 'reported' } as const;
  const whose = { tenant: 'app-a', person: null, tags: [], storedAt: 0 };
  return { route: 'r', model: 'small', contentType, form, body: Buffer.from(body), usage: counted, ...whose };
}

const stored = entry('json', JSON.stringify(completion));
const sse = (chunks: readonly object[], end = '\n\n') =>
  [...chunks.map((one) => JSON.stringify(one)), '[DONE]'].map((data) => `data: ${data}${end}`).join('');
const streamed = entry('sse', sse(deltas));
const streamedWithUsage = entry('sse', sse([...deltas, usageChunk]));

const asStream = (from: CacheEntry, includeUsage: boolean) => replay(from, { stream: true, includeUsage });
const asPlain = (from: CacheEntry) => replay(from, { stream: false, includeUsage: false });
const dataOf = (body: Buffer | undefined) =>
  (body?.toString() ?? '')
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.replace(/^data: /, ''));

describe('a replay in the stored form', () => {
  it('is the same bytes', () => {
    expect(asPlain(stored)?.body).toBe(stored.body);
    expect(asStream(streamed, false)?.body).toBe(streamed.body);
    expect(asStream(streamedWithUsage, true)?.body).toBe(streamedWithUsage.body);
  });

  it('gains or loses the chunk of usage as the client asks', () => {
    const gained = dataOf(asStream(streamed, true)?.body);
    expect(JSON.parse(gained.at(-2) ?? '')).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 5, total_tokens: 7 },
    });
    expect(JSON.parse(gained[0])).toMatchObject({ usage: null });
    const lost = dataOf(asStream(streamedWithUsage, false)?.body);
    expect(lost.join('')).not.toContain('usage');
    expect(lost.at(-1)).toBe('[DONE]');
  });
});

describe('a stored completion replayed as a stream', () => {
  it('has the role, the text, the finish reason and the end', () => {
    const answer = asStream(stored, false);
    expect(answer?.contentType).toContain('text/event-stream');
    const data = dataOf(answer?.body);
    expect(data.pop()).toBe('[DONE]');
    const chunks = data.map((text) => JSON.parse(text));
    expect(chunks.map((one) => one.choices[0].delta)).toEqual([
      { role: 'assistant', content: '' },
      { content: 'Bonjour 🙂\n"là"' },
      {},
    ]);
    expect(chunks.map((one) => one.choices[0].finish_reason)).toEqual([null, null, 'stop']);
    for (const one of chunks) {
      expect(one).toMatchObject({
        id: 'chatcmpl-1',
        object: 'chat.completion.chunk',
        model: 'demo-small',
        created: 1_700_000_000,
      });
      expect(one).not.toHaveProperty('usage');
    }
  });

  it('has usage when asked for it', () => {
    const data = dataOf(asStream(stored, true)?.body);
    expect(JSON.parse(data.at(-2) ?? '')).toMatchObject({ choices: [], usage });
  });
});

describe('a stored stream replayed as a completion', () => {
  it('is the completion that it came from', () => {
    const answer = asPlain(streamedWithUsage);
    expect(answer?.contentType).toBe('application/json');
    expect(JSON.parse(answer?.body.toString() ?? '')).toEqual({
      ...completion,
      choices: [
        { ...completion.choices[0], message: { role: 'assistant', content: 'Bonjour 🙂\n"là"', refusal: null } },
      ],
    });
  });

  it('takes usage from the entry when the stream has none', () => {
    const { usage: found } = JSON.parse(asPlain(streamed)?.body.toString() ?? '');
    expect(found).toMatchObject({
      prompt_tokens: 5,
      completion_tokens: 2,
      prompt_tokens_details: { cached_tokens: 1 },
    });
  });

  it('reads CRLF, comments, names and usage on a chunk with a choice', () => {
    const odd = `: hi\n\n${sse([...deltas.slice(0, 3), chunk({}, 'stop', { usage })]).replaceAll('data:', 'event: x\ndata:')}`;
    const answer = asPlain(entry('sse', odd.replaceAll('\n', '\r\n')));
    expect(JSON.parse(answer?.body.toString() ?? '')).toMatchObject({
      usage,
      choices: completion.choices.map(() => ({ finish_reason: 'stop' })),
    });
  });

  it('survives the way there and back', () => {
    const there = asStream(stored, true);
    const back = asPlain({ ...streamed, body: there?.body ?? Buffer.alloc(0) });
    expect(JSON.parse(back?.body.toString() ?? '').choices[0].message.content).toBe('Bonjour 🙂\n"là"');
  });
});

describe('an answer that cannot be converted is a miss', () => {
  const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } };
  const withMessage = (message: object) =>
    entry('json', JSON.stringify({ ...completion, choices: [{ ...completion.choices[0], message }] }));

  it.each([
    ['a tool call', withMessage({ role: 'assistant', content: null, tool_calls: [call] })],
    ['audio', withMessage({ role: 'assistant', content: null, audio: { id: 'a' } })],
    ['no JSON', entry('json', '<html>')],
    ['an error', entry('json', '{"error":{"message":"no"}}')],
    [
      'two choices',
      entry('json', JSON.stringify({ ...completion, choices: [completion.choices[0], completion.choices[0]] })),
    ],
  ])('as a stream: %s', (_, from) => {
    expect(asStream(from, false)).toBeNull();
  });

  it.each([
    ['a tool call', sse([chunk({ tool_calls: [{ index: 0, ...call }] }), chunk({}, 'tool_calls')])],
    ['no end', sse(deltas).replace('data: [DONE]\n\n', '')],
    ['an end without its blank line', sse(deltas).trimEnd()],
    ['no finish reason', sse(deltas.slice(0, 3))],
    ['an error in its midst', sse([deltas[0], { error: { message: 'no' } }])],
    [
      'log probabilities',
      sse([{ ...deltas[1], choices: [{ index: 0, delta: { content: 'a' }, logprobs: { content: [1] } }] }, deltas[3]]),
    ],
    ['a second choice', sse([{ ...deltas[1], choices: [{ index: 1, delta: { content: 'a' } }] }, deltas[3]])],
  ])('as a completion: %s', (_, body) => {
    expect(asPlain(entry('sse', body))).toBeNull();
  });

  it('with usage asked for and none known', () => {
    expect(asStream({ ...streamed, usage: null }, true)).toBeNull();
  });
});
