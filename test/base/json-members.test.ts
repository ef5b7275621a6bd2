import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { spliceMembers, topLevelMembers } from '../../src/base/json-members.ts';

function splice(text: string, values: Record<string, string>): string {
  const bytes = Buffer.from(text);
  return spliceMembers(bytes, topLevelMembers(bytes), values).toString();
}

describe('splicing a member of a JSON object', () => {
  test('replaces the value and leaves every other byte', () => {
    const text = '{ "n":1.0, "big":12345678901234567890,\n\t"model" : "auto" ,"x":"mo\\"del","y":{"model":"inner"}}';
    expect(splice(text, { model: '"small"' })).toBe(text.replace('"auto"', '"small"'));
  });

  test('replaces every duplicate, since parsers take the last', () => {
    expect(splice('{"model":"a","model":"b"}', { model: '"c"' })).toBe('{"model":"c","model":"c"}');
  });

  test('finds a key that is spelled with escapes', () => {
    expect(splice('{"\\u006dodel":"a"}', { model: '"c"' })).toBe('{"\\u006dodel":"c"}');
  });

  test('adds members that do not occur at the front, also beside replaced ones', () => {
    expect(splice(' {"model":"a"}', { model: '"b"', stream_options: '{"include_usage":true}' })).toBe(
      ' {"stream_options":{"include_usage":true},"model":"b"}',
    );
    expect(splice('{}', { model: '"b"' })).toBe('{"model":"b"}');
  });

  test('agrees with parsing and setting for any object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (object, model) => {
        for (const indent of [0, 2]) {
          const text = JSON.stringify({ ...object, model: 'auto', last: ['"', '\\', { a: '}' }] }, null, indent);
          const expected = { ...(JSON.parse(text) as object), model };
          expect(JSON.parse(splice(text, { model: JSON.stringify(model) }))).toEqual(expected);
        }
      }),
    );
  });
});
