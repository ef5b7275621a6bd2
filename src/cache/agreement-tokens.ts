/**
 * A prompt as the agreement rules see it: tokens in order, each with the form in which it is compared. Numbers are read
 * (`1,000`, `1k`, `one thousand`), days and times too, units get one name, and whatever looks like code stays as it is.
 * One pass over the pieces between blanks, one over the tokens; no grammar.
 */
import { mergeDates } from './agreement-dates.ts';
import type { Token, TokenKind } from './agreement-token.ts';
import { emptyWords, ordinals, phrases, scales, shortUnits, smallNumbers, units } from './agreement-words.ts';

export function tokensOf(text: string): Token[] {
  const raw: Token[] = [];
  let start = true;
  for (const piece of text
    .replace(/[\u2018\u2019]/g, "'")
    .matchAll(/```[\s\S]*?(?:```|$)|`[^`]*`|["\u201c\u201e\u00ab][^"\u201c\u201d\u00bb]*["\u201d\u00bb]|\S+/g)) {
    start = readPiece(piece[0], raw, start);
  }
  return mergeDates(mergeNumbers(mergePhrases(raw)));
}

const wordPattern = /[\p{L}\p{M}]+(?:'[\p{L}]+)?/u;

/** Reads one piece between blanks; true: the next word begins a sentence. */
function readPiece(piece: string, into: Token[], start: boolean): boolean {
  const first = piece[0];
  if (first === '`') {
    into.push(token('identifier', piece.replace(/^`+|`+$/g, '').trim()));
    return false;
  }
  if (/["\u201c\u201e\u00ab]/.test(first) && piece.length > 2) {
    into.push(token('quotation', fold(piece.slice(1, -1)).replace(/\s+/g, ' ').trim()));
    return false;
  }
  const opened = /^[(["'\u00bf\u00a1*]+/.exec(piece)?.[0] ?? '';
  const bare = piece.slice(opened.length);
  const call = /^[\w.:$]+\([^()]*\)/.exec(bare)?.[0] ?? '';
  const ended =
    call === '' ? (/[)\]"'\u201d,.;:!?*\u2026\u3002\uff1f]+$/.exec(bare)?.[0] ?? '') : bare.slice(call.length);
  const core = call === '' ? bare.slice(0, bare.length - ended.length) : call;
  if (core !== '') readCore(core, into, start);
  if (/[,;:.!?\u3002\uff1f]/.test(ended) || /^[-\u2013\u2014]+$/.test(piece)) into.push(token('break', ended));
  return /[.!?:\u3002\uff1f]/.test(ended) || (core === '' && start);
}

function readCore(core: string, into: Token[], start: boolean): void {
  const number = /^([-+]?)([$\u20ac\u00a3\u00a5]?)(\d+(?:[.,:]\d+)*)(%|[a-z\u00b0]{1,12}(?:\/h)?)?$/iu.exec(core);
  if (number) {
    readNumber({ sign: number[1], currency: number[2], digits: number[3], tail: fold(number[4] ?? '') }, into);
    return;
  }
  if (/^\d{4}-\d{2}-\d{2}$/.test(core)) {
    into.push(token('date', core.slice(5)), token('number', core.slice(0, 4)));
    return;
  }
  const slashed = /^(\d{1,2})[/.](\d{1,2})[/.](\d{2,4})$/.exec(core);
  if (slashed) {
    into.push(token('date', `${slashed[1]}/${slashed[2]}`), token('number', slashed[3]));
    return;
  }
  if (looksLikeCode(core)) {
    into.push(token('identifier', /^-/.test(core) ? core : core.toLowerCase().replace(/\(\)$/, '')));
    return;
  }
  // Words with hyphens and strokes between them, or digits at their end: read apart.
  let first = start;
  for (const part of core.matchAll(/\d+(?:[.,]\d+)*|[\p{L}\p{M}]+(?:'[\p{L}]+)*|[+=%&#]/gu)) {
    const text = part[0];
    if (/^\d/.test(text)) readNumber({ sign: '', currency: '', digits: text, tail: '' }, into);
    else if (wordPattern.test(text)) readWord(text, into, first);
    else into.push(token('identifier', text));
    first = false;
  }
}

function looksLikeCode(core: string): boolean {
  if (/^(?:e|wi)-\p{L}+$/iu.test(core)) return false;
  if (/^-{1,2}[a-z]/i.test(core) || /[_\\<>{}|^~$@=]|::|\(\)?|&&|\+\+|^[&+*/%!-]+$/i.test(core)) return true;
  if (/^0x[0-9a-f]+$/i.test(core) || /^#[0-9a-f]{3,8}$/i.test(core) || /^v?\d+(?:\.\d+){2,}/.test(core)) return true;
  if (/^[.~]?\/\w|^https?:|\w\/\w+\/|\w\/\w+\.\w/.test(core)) return true;
  if (/[\p{L}\d]\.[\p{L}]{1,}/u.test(core) && !/^(?:\p{L}\.)+\p{L}?$/u.test(core)) return true;
  if (/^[a-z]+[A-Z]/.test(core) || /^[A-Z][a-z]+[A-Z]/.test(core)) return true;
  return /\d/.test(core) && /\p{L}\d+\p{L}|\d\p{L}+\d/u.test(core);
}

interface WrittenNumber {
  readonly sign: string;
  readonly currency: string;
  readonly digits: string;
  readonly tail: string;
}

const currencies: Readonly<Record<string, string>> = { $: 'usd', '\u20ac': 'eur', '\u00a3': 'gbp', '\u00a5': 'yen' };
const multipliers: Readonly<Record<string, number>> = { k: 1e3, bn: 1e9, mn: 1e6, mio: 1e6 };

function readNumber({ sign, currency, digits, tail }: WrittenNumber, into: Token[]): void {
  if (/^\d{1,2}:\d{2}$/.test(digits)) {
    into.push(token('date', `t${Number(digits.split(':')[0])}:${digits.slice(-2)}`));
    if (tail !== '') into.push(token('word', tail));
    return;
  }
  const plain = /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(digits) ? digits.replaceAll(',', '') : digits;
  const value = multipliers[tail] === undefined ? plain : String(Number(plain) * multipliers[tail]);
  const ordinal = /^(?:st|nd|rd|th)$/.test(tail);
  into.push(token('number', `${sign === '-' ? '-' : ''}${value.replace(/^0+(?=\d)/, '')}${ordinal ? 'th' : ''}`));
  if (currency !== '') into.push(token('unit', currencies[currency]));
  if (tail === '' || ordinal || multipliers[tail] !== undefined) return;
  const unit = shortUnits[tail] ?? unitNames.get(tail);
  into.push(unit === undefined ? token('word', tail) : token('unit', unit));
}

function readWord(text: string, into: Token[], start: boolean): void {
  const lower = fold(text);
  const capital = (!start && /^\p{Lu}/u.test(text)) || /^\p{Lu}{2,}s?$/u.test(text);
  if (/n't$/.test(lower) || lower === 'cannot' || lower === 'cant' || lower === 'dont' || lower === 'wont') {
    into.push(token('word', lower.replace(/(?:n't|not|nt)$/, '')), token('word', 'not'));
    return;
  }
  const base = lower.replace(/'(?:s|re|ve|ll|d|m|t)?$/, '').replaceAll("'", '');
  if (base === '') return;
  // `IT` and `US` are not `it` and `us`.
  const shouted = /^\p{Lu}{2,3}$/u.test(text) && emptyWords.has(base);
  into.push({ kind: 'word', form: shouted ? text : (spellings.get(base) ?? base), capital: capital && base !== 'i' });
}

/** Lower case without accents; letters of other scripts stay. */
export function fold(text: string): string {
  const lower = text.toLowerCase();
  return /^[\x20-\x7e]*$/.test(lower)
    ? lower
    : lower.normalize('NFKD').replace(/\p{M}/gu, '').replaceAll('\u00df', 'ss');
}

function token(kind: TokenKind, form: string): Token {
  return { kind, form, capital: false };
}

const spellings = new Map([
  ['colour', 'color'],
  ['centre', 'center'],
  ['tyre', 'tire'],
  ['neighbour', 'neighbor'],
  ['favourite', 'favorite'],
  ['grey', 'gray'],
  ['mum', 'mom'],
  ['programme', 'program'],
  ['licence', 'license'],
  ['cheque', 'check'],
  ['behaviour', 'behavior'],
  ['pls', 'please'],
  ['plz', 'please'],
]);

const phraseStarts = new Map<string, (readonly [readonly string[], string])[]>();
for (const [phrase, word] of phrases) {
  const parts = phrase.split(' ');
  phraseStarts.set(
    parts[0],
    [...(phraseStarts.get(parts[0]) ?? []), [parts, word]].sort((a, b) => b[0].length - a[0].length) as (readonly [
      readonly string[],
      string,
    ])[],
  );
}

function mergePhrases(tokens: readonly Token[]): Token[] {
  const merged: Token[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const found =
      tokens[at].kind === 'word'
        ? phraseStarts.get(tokens[at].form)?.find(([parts]) => parts.every((part, i) => tokens[at + i]?.form === part))
        : undefined;
    merged.push(found ? token('word', found[1]) : tokens[at]);
    if (found) at += found[0].length - 1;
  }
  return merged;
}

const ordinalNumbers = new Map(ordinals.map((word, i) => [word, i]));
const unitNames = new Map(
  units.flatMap((line) => {
    const [name, ...others] = line.split(/\s+/);
    return [name, `${name}s`, ...others, ...others.map((other) => `${other}s`)].map((form): [string, string] => [
      form,
      name,
    ]);
  }),
);
const roman: Readonly<Record<string, string>> = { ii: '2', iii: '3', iv: '4', vi: '6', vii: '7', viii: '8' };

/** Number words to numbers, and the unit behind a number to a unit. */
function mergeNumbers(tokens: readonly Token[]): Token[] {
  const merged: Token[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const { kind, form, capital } = tokens[at];
    const before = merged.at(-1);
    const afterNumber = before?.kind === 'number';
    if (kind === 'number' && scales[tokens[at + 1]?.form] !== undefined) {
      merged.push(token('number', String(Number(form) * scales[tokens[++at].form])));
      continue;
    }
    const spelled = kind === 'word' ? spelledNumber(tokens, at) : null;
    if (spelled !== null && !(form === 'one' && tokens[at + 1]?.kind !== 'word')) {
      merged.push(token('number', String(spelled.value)));
      at = spelled.end - 1;
    } else if (
      kind === 'word' &&
      afterNumber &&
      (shortUnits[form] ?? unitNames.get(form)) !== undefined &&
      form !== 'in'
    ) {
      merged.push(token('unit', unitNames.get(form) ?? shortUnits[form]));
    } else if (kind === 'word' && (form === 'single' || (form === 'second' && !afterNumber))) {
      merged.push(token('number', form === 'second' ? '2th' : '1'));
    } else if (kind === 'word' && unitNames.has(form)) {
      merged.push(token('unit', unitNames.get(form) ?? form));
    } else if (kind === 'word' && ordinalNumbers.has(form)) {
      merged.push(token('number', `${ordinalNumbers.get(form)}th`));
    } else if (kind === 'word' && capital && roman[form] !== undefined) merged.push(token('number', roman[form]));
    else merged.push(tokens[at]);
  }
  return merged;
}

function spelledNumber(tokens: readonly Token[], at: number): { readonly value: number; readonly end: number } | null {
  let value = 0;
  let end = at;
  for (; end < tokens.length; end++) {
    const { form, kind } = tokens[end];
    const small = smallNumbers[form];
    const scale = scales[form];
    if (kind !== 'word' || (small === undefined && (scale === undefined || end === at))) break;
    if (small !== undefined && end > at && !(value % 100 >= 20 && value % 10 === 0 && small < 10) && value % 100 !== 0)
      break;
    value = small === undefined ? value * (scale ?? 1) : value + small;
  }
  return end === at ? null : { value, end };
}
