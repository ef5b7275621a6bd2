/** Tokenizers with the word rules of `models/training`: a small one built here, and the one that is shipped. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const letters = 'a-z\u00df-\u00f6\u00f8-\u024f\u0370-\u1fff';
const gaps = '\u0000-\u0020\u007f-\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufe00-\ufe0f\ufeff';
const rules = ['-', '=', '_', '\\*', '#', '~', '\\.', '!', '\\?', '`'];

/** Few whole words and every ASCII letter inside words, so that known, split and unknown words all come up. */
function pieces(): string[] {
  const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).filter(
    (each) => !/[A-Z ]/.test(each),
  );
  const inner = [...'abcdefghijklmnopqrstuvwyzäß0123456789', 'ing', 'late', 's', '##'].map((piece) => `##${piece}`);
  const whole = [
    'translate',
    'trans',
    'to',
    'french',
    'good',
    'morning',
    "'s",
    "'t",
    "'ll",
    '--',
    '----',
    '==',
    '###',
    '```',
    'e',
    'é',
    'ß',
    '今',
    '天',
    '👍',
    '한',
    '\u1112',
    '\u1161',
  ];
  return [...new Set(['[UNK]', ...ascii, ...inner, ...whole])];
}

export function wordRulesTokenizer(): object {
  const contraction = `'(?:s|t|re|ve|m|ll|d)(?![${letters}])`;
  const word = [
    `[${letters}]+`,
    contraction,
    '[0-9]+',
    ...rules.map((rule) => `${rule}+`),
    `[^${gaps}${letters}0-9]`,
  ].join('|');
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFKD' },
        { type: 'Lowercase' },
        { type: 'StripAccents' },
        { type: 'Replace', pattern: { Regex: '[\u2018\u2019]' }, content: "'" },
      ],
    },
    pre_tokenizer: { type: 'Split', pattern: { Regex: word }, behavior: 'Removed', invert: true },
    post_processor: null,
    decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 48,
      vocab: Object.fromEntries(pieces().map((piece, id) => [piece, id])),
    },
  };
}

export function shippedTokenizer(): object {
  return JSON.parse(
    readFileSync(fileURLToPath(new URL('../../models/shunt-mini/1/tokenizer.json', import.meta.url)), 'utf8'),
  );
}
