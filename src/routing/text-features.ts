/**
 * Text → hashes of its words and of the character n-grams within each word, in one pass, without a string per n-gram.
 *
 *   "Fix typos"  →  words  fix, typos     n-grams of "·fix·"  ·fi fix ix· ·fix fix· ·fix·  and of "·typos·"
 *
 * Letters are folded to lower case and digits to one digit (`2024` and `1999` say the same about a prompt: "a number").
 * Scripts without spaces (Han, Kana, Hangul) form words of their own with n-grams of 1 to 3 characters.
 * What is done with the hashes is the visitor's affair.
 */
export interface FeatureVisitor {
  /** `times`: how often the feature counts here; words near the head count twice. */
  word(hash: number, times: number): void;
  ngram(hash: number, times: number): void;
}

const wordSeed = 0x2545f491 | 0;
const ngramSeed = 0x1b873593 | 0;
const openingSeed = 0x3c6ef372 | 0;
const edge = 1;
/** Words that begin before this place count twice. */
const emphasised = 40;

/** Code unit → folded letter or digit; 0 for everything that ends a word. */
function fold(code: number): number {
  if (code < 128) {
    if (code >= 97 && code <= 122) return code;
    if (code >= 65 && code <= 90) return code + 32;
    if (code >= 48 && code <= 57) return 48;
    return code === 95 ? code : 0;
  }
  if (code < 0xc0) return 0;
  if (code === 0xd7 || code === 0xf7) return 0;
  // Punctuation, arrows, mathematical and box-drawing symbols.
  if (code >= 0x2000 && code <= 0x2bff) return 0;
  if (code >= 0x3000 && code <= 0x303f) return 0;
  if (code >= 0xff00 && code <= 0xff0f) return 0;
  return code;
}

export function isDense(code: number): boolean {
  return (code >= 0x3040 && code <= 0x30ff) || (code >= 0x3400 && code <= 0x9fff) || (code >= 0xac00 && code <= 0xd7af);
}

function step(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193);
}

/** Spreads the low entropy of short n-grams over all bits, since the table uses the low ones. */
function finish(hash: number): number {
  let h = hash ^ (hash >>> 15);
  h = Math.imul(h, 0x85ebca6b);
  return h ^ (h >>> 13);
}

/** The hash that `visitFeatures` reports for a whole word (already one word, any case). */
export function wordHash(word: string): number {
  let hash = wordSeed;
  for (let i = 0; i < word.length; i++) hash = step(hash, fold(word.charCodeAt(i)));
  return finish(hash);
}

/** Words alone, with their places. */
export function visitWords(text: string, word: (hash: number, start: number, end: number) => void): void {
  const length = text.length;
  let at = 0;
  while (at < length) {
    const first = fold(text.charCodeAt(at));
    if (first === 0) {
      at++;
      continue;
    }
    const dense = isDense(first);
    let end = at;
    let hash = wordSeed;
    for (; end < length; end++) {
      const code = fold(text.charCodeAt(end));
      if (code === 0 || isDense(code) !== dense) break;
      hash = step(hash, code);
    }
    word(finish(hash), at, end);
    at = end;
  }
}

/**
 * `text` should be in lower case already where it holds letters beyond ASCII. The opening words tell what is asked more
 * than any other: the first word, and the first two, are features of their own.
 */
export function visitFeatures(text: string, visitor: FeatureVisitor): void {
  let words = 0;
  let first = 0;
  visitWords(text, (hash, start, end) => {
    const times = start < emphasised ? 2 : 1;
    visitor.word(hash, times);
    if (words === 0) visitor.word(finish(step(openingSeed, hash)), 1);
    if (words === 1) visitor.word(finish(step(first, hash)), 1);
    if (words === 0) first = hash;
    words++;
    visitNgrams(text, { start, end, times }, visitor);
  });
}

interface Span {
  readonly start: number;
  readonly end: number;
  readonly times: number;
}

function visitNgrams(text: string, { start, end, times }: Span, visitor: FeatureVisitor): void {
  const dense = isDense(text.charCodeAt(start));
  const shortest = dense ? 1 : 3;
  const longest = dense ? 3 : 5;
  const first = dense ? start : start - 1;
  const stop = dense ? end : end + 1;
  for (let from = first; from + shortest <= stop; from++) {
    let hash = ngramSeed;
    const last = Math.min(from + longest, stop);
    for (let i = from; i < last; i++) {
      const code = i < start || i >= end ? edge : fold(text.charCodeAt(i));
      hash = step(hash, code);
      if (i - from + 1 >= shortest) visitor.ngram(finish(hash), times);
    }
  }
}
