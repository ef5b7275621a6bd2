import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { choiceStream } from '../../src/gateway/choice-stream.ts';
import { createStreamMeter } from '../../src/gateway/stream-meter.ts';

const chunk = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const text = chunk({ choices: [{ delta: { content: 'héllo 🙂' }, finish_reason: null }], usage: null });
const last = chunk({ choices: [{ delta: {}, finish_reason: 'stop' }], usage: null });
const usage = chunk({
  choices: [],
  usage: { prompt_tokens: 9, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 4 } },
});
const unasked = (event: string) => event.replace(',"usage":null', '');
const done = 'data: [DONE]\n\n';

function run(stream: string, options: { stripUsage: boolean }, cuts: number[] = []) {
  const bytes = Buffer.from(stream);
  const meter = createStreamMeter({ form: choiceStream, ...options });
  const out: Buffer[] = [];
  let from = 0;
  for (const cut of [...cuts.map((c) => c % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    out.push(Buffer.from(meter.push(bytes.subarray(from, cut))));
    from = cut;
  }
  out.push(meter.flush());
  return { out: Buffer.concat(out).toString(), reading: meter.reading };
}

describe('metering a stream', () => {
  test('reads usage, finish reason and end, and passes every byte', () => {
    const { out, reading } = run(text + last + usage + done, { stripUsage: false });
    expect(out).toBe(text + last + usage + done);
    expect(reading).toMatchObject({ finishReason: 'stop', complete: true, errorCode: null, events: 4 });
    expect(reading.usage).toEqual({ input: 9, cachedInput: 4, output: 3, reasoning: 0, source: 'reported' });
  });

  test('cuts out the usage that the client did not ask for, chunk and null members, and nothing else', () => {
    const talk = chunk({ choices: [{ delta: { content: ',"usage":null' }, usage: null }] });
    const stream = text + talk + last + usage + done;
    expect(run(stream, { stripUsage: true }).out).toBe(unasked(text) + talk + unasked(last) + done);
    const first = 'data: {"usage": null , "choices":[]}\n\ndata: {"usage":null}\n\n';
    expect(run(first, { stripUsage: true }).out).toBe('data: {"choices":[]}\n\ndata: {}\n\n');
  });

  test('keeps usage that rides on a chunk with choices', () => {
    const riding = chunk({
      choices: [{ delta: {}, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1, completion_tokens: 2 },
    });
    const { out, reading } = run(text + riding + done, { stripUsage: true });
    expect(out).toBe(unasked(text) + riding + done);
    expect(reading.usage).toMatchObject({ input: 1, output: 2 });
  });

  test('gives the same bytes and the same reading however the stream is cut into chunks', () => {
    for (const eol of ['\n', '\r\n']) {
      const stream = `: comment\n\n${text}${text}${last}${usage}${done}`.replaceAll('\n', eol);
      for (const stripUsage of [true, false]) {
        const whole = run(stream, { stripUsage });
        fc.assert(
          fc.property(fc.array(fc.nat(2_000), { maxLength: 12 }), (cuts) => {
            expect(run(stream, { stripUsage }, cuts)).toEqual(whole);
          }),
        );
      }
    }
  });

  test('knows a stream that stopped without its end', () => {
    expect(run(text + text, { stripUsage: false }).reading).toMatchObject({ complete: false, finishReason: null });
  });

  test('names an error inside the stream, but does not take the word in an answer for one', () => {
    const error = chunk({ error: { message: 'overloaded', code: 'server_overloaded' } });
    expect(run(text + error, { stripUsage: true }).reading.errorCode).toBe('server_overloaded');
    const talk = chunk({ choices: [{ delta: { content: 'say "error": {}' } }] });
    expect(run(talk + last + done, { stripUsage: true }).reading.errorCode).toBeNull();
  });

  test('lets an event without end pass once it is longer than the bound', () => {
    const huge = `data: ${'x'.repeat(3 << 20)}`;
    const { out } = run(huge, { stripUsage: true }, [1 << 20, 2 << 20]);
    expect(out.length).toBe(huge.length);
  });
});
