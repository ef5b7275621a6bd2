import { describe, expect, it } from 'vitest';
import { capText, openTokenizer, type TokenizerSettings } from '../../src/embedding/tokenizer.ts';
import { bertTokenizer, idsOf, vocabulary } from './tiny-models.ts';
import { wordRulesTokenizer } from './word-rules-tokenizer.ts';

const plain: TokenizerSettings = { truncation: 'right', specialTokens: true, dropUnknown: false };

function bert(settings: Partial<TokenizerSettings> = {}) {
  return openTokenizer(
    { json: bertTokenizer(true), file: 'tokenizer.json', config: { pad_token: '[PAD]' } },
    { ...plain, ...settings },
  );
}

const encoded = (tokenizer: ReturnType<typeof bert>, text: string, max: number) => {
  const { ids, truncated } = tokenizer.encode(text, max);
  return { ids: [...ids], truncated };
};

const text = 'hello world code good morning';
const [cls, ...rest] = idsOf(text);
const sep = rest[rest.length - 1];
const inner = rest.slice(0, -1);

describe('a tokenizer', () => {
  it('adds the special tokens of its template', () => {
    expect(encoded(bert(), text, 100)).toEqual({ ids: [cls, ...inner, sep], truncated: false });
    expect(encoded(bert({ specialTokens: false }), text, 100)).toEqual({ ids: inner, truncated: false });
  });

  it('keeps the special tokens when it cuts, on the side that is asked for', () => {
    expect(encoded(bert(), text, 5)).toEqual({ ids: [cls, ...inner.slice(0, 3), sep], truncated: true });
    expect(encoded(bert({ truncation: 'left' }), text, 5)).toEqual({
      ids: [cls, ...inner.slice(-3), sep],
      truncated: true,
    });
    expect(encoded(bert({ truncation: 'middle' }), text, 5)).toEqual({
      ids: [cls, inner[0], inner[1], inner[4], sep],
      truncated: true,
    });
  });

  it('does not call a text truncated that just fits', () => {
    for (const truncation of ['right', 'left', 'middle'] as const) {
      expect(encoded(bert({ truncation }), text, 7)).toEqual({ ids: [cls, ...inner, sep], truncated: false });
    }
  });

  it('leaves unknown tokens out when asked to, before it cuts', () => {
    expect(encoded(bert({ dropUnknown: true, specialTokens: false }), 'xyzzy hello xyzzy world', 2)).toEqual({
      ids: idsOf('hello world', false),
      truncated: false,
    });
  });

  it('pads with the token that its config names', () => {
    const shifted = openTokenizer(
      { json: bertTokenizer(true), file: 'tokenizer.json', config: { pad_token: { content: '[SEP]' } } },
      plain,
    );
    expect(shifted.padId).toBe(vocabulary['[SEP]']);
    expect(bert().padId).toBe(0);
  });

  it('says which file is not a tokenizer', () => {
    expect(() => openTokenizer({ json: { model: {} }, file: 'some/tokenizer.json', config: {} }, plain)).toThrow(
      /some\/tokenizer\.json is not a tokenizer/,
    );
  });
});

describe('the cap before tokenising', () => {
  it('leaves a text alone that is not far too long', () => {
    const prose = 'good morning '.repeat(100);
    expect(capText(prose, 128)).toBe(prose);
  });

  it('keeps head and tail of a huge text, and calls it truncated', () => {
    const huge = `hello ${'x'.repeat(1_000_000)} world`;
    const capped = capText(huge, 64);
    expect(capped.length).toBeLessThan(2_000);
    expect(capped.startsWith('hello ')).toBe(true);
    expect(capped.endsWith(' world')).toBe(true);
    const words = openTokenizer({ json: wordRulesTokenizer(), file: 'tokenizer.json', config: {} }, plain);
    expect(words.encode(huge, 64).truncated).toBe(true);
  });

  it('never leaves half a surrogate pair', () => {
    for (let shift = 0; shift < 2; shift++) {
      const capped = capText('x'.repeat(shift) + '😀'.repeat(10_000), 10);
      expect(Buffer.from(capped).toString()).toBe(capped);
    }
  });

  it('changes nothing that right truncation would not have cut', () => {
    const prose = 'translate to french good morning , what is the capital of code ? '.repeat(500);
    const all = openTokenizer({ json: wordRulesTokenizer(), file: 'tokenizer.json', config: {} }, plain);
    expect([...all.encode(prose, 128).ids]).toEqual([...all.encode(prose.slice(0, 1_000), 128).ids]);
  });
});
