/** The fast scanner against the general library: the same ids for every text. */
import { Tokenizer as GeneralTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openTokenizer } from '../../src/embedding/tokenizer.ts';
import { wordRulesOf } from '../../src/embedding/word-rules.ts';
import { shippedTokenizer, wordRulesTokenizer } from './word-rules-tokenizer.ts';

const json = wordRulesTokenizer();

function compare(tokenizerJson: object) {
  const fast = wordRulesOf(tokenizerJson);
  const general = new GeneralTokenizer(tokenizerJson, {});
  return (text: string) => {
    expect([...(fast?.encode(text, Number.POSITIVE_INFINITY) ?? [-1])]).toEqual(general.encode(text).ids);
  };
}

const block = (low: number, high: number) =>
  fc.integer({ min: low, max: high }).map((unit) => String.fromCodePoint(unit));

/** Characters where rules meet: letters, marks, gaps, rule runs, surrogates, every script that folds in an odd way. */
const character = fc.oneof(
  { weight: 6, arbitrary: block(0x20, 0x7e) },
  { weight: 3, arbitrary: fc.constantFrom(...'aesdtlvrm\'’‘-=_*#~.!?`"()[]{}<>/\\ \n\t') },
  { weight: 2, arbitrary: block(0, 0x24f) },
  block(0x250, 0x3ff),
  block(0x400, 0x1fff),
  block(0x2000, 0x206f),
  block(0x2070, 0x2fff),
  block(0x3000, 0x33ff),
  block(0x4e00, 0x9fff),
  block(0xac00, 0xd7a3),
  block(0xd800, 0xdfff),
  block(0xf900, 0xffff),
  block(0x10000, 0x10ffff),
  block(0x1f300, 0x1faff),
);

const word = fc.constantFrom(
  "don't",
  'DON’T',
  "it's",
  "'s",
  "'ll",
  "'lls",
  "'sé",
  "rock'n'roll",
  'translate',
  'Übergröße',
  'İstanbul',
  'ΣΑΣ',
  'ﬁne',
  '½',
  '™',
  '…',
  'e\u0301',
  '👩‍👩‍👧‍👦',
  '🇫🇷',
  '1️⃣',
  '##ing',
  '[UNK]',
  '###',
  '----',
  '=====',
  '```js',
  'x'.repeat(48),
  'x'.repeat(49),
  '1234567890'.repeat(6),
  'const f=(x)=>x?.y??`$z`;',
  '今天天气',
  '한국어',
  'ภาษาไทย',
  'हिन्दी',
  '\u1680',
  '\ufeff',
);

const text = fc.oneof(
  fc.array(character, { maxLength: 60 }).map((characters) => characters.join('')),
  fc.array(fc.oneof(word, character), { maxLength: 30 }).map((parts) => parts.join('')),
  fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
);

describe('the word scanner', () => {
  it('gives the ids of the general library for thousands of strange texts', () => {
    fc.assert(fc.property(text, compare(json)), { numRuns: 6_000 });
  });

  it('gives them for every single UTF-16 unit, alone and between letters', () => {
    const check = compare(json);
    for (let unit = 0; unit < 65_536; unit += 64) {
      const units = Array.from({ length: 64 }, (_, i) => String.fromCharCode(unit + i));
      check(units.map((each) => `${each} `).join(''));
      check(units.map((each) => `a${each}s`).join(' '));
    }
  });

  it('gives them with the tokenizer that is shipped', () => {
    fc.assert(fc.property(text, compare(shippedTokenizer())), { numRuns: 1_500 });
  });

  it('is what the shipped tokenizer uses', () => {
    expect(wordRulesOf(shippedTokenizer())).not.toBeNull();
  });

  it('leaves tokenizers of other rules to the library', () => {
    expect(wordRulesOf({ ...json, normalizer: null })).toBeNull();
    expect(wordRulesOf({ ...json, added_tokens: [{ id: 0, content: '[UNK]' }] })).toBeNull();
    const split = { type: 'Split', pattern: { Regex: '[a-z]+' }, behavior: 'Removed', invert: true };
    expect(wordRulesOf({ ...json, pre_tokenizer: split })).toBeNull();
  });

  it('stops early when enough tokens are there', () => {
    const tokenizer = openTokenizer(
      { json, file: 'tokenizer.json', config: {} },
      { truncation: 'right', specialTokens: false, dropUnknown: false },
    );
    const all = tokenizer.encode('translate to french good morning', 100);
    const whole = [...all.ids];
    const first = tokenizer.encode('translate to french good morning', 3);
    expect([...first.ids]).toEqual(whole.slice(0, 3));
    expect([all.truncated, first.truncated]).toEqual([false, true]);
  });
});
