/**
 * The lexical space of a route index: which words and character n-grams its examples use, and how telling each is (idf).
 * It finds what a small embedding model misses: names, product words, formats, turns of phrase.
 *
 * A text becomes a sparse unit vector: (1 + ln tf) · idf, words and n-grams normalised apart and weighted alike, so that
 * long words do not outvote short ones by their number of n-grams. Features that no example has are dropped, and counted.
 */
import { type FeatureTable, featureTable, lookUp, put } from './feature-table.ts';
import { visitFeatures } from './text-features.ts';

export interface LexicalSpace {
  readonly table: FeatureTable;
  /** Per feature; words first, then n-grams. */
  readonly idf: Float32Array;
  readonly words: number;
  /** Weight of a feature that no example has. */
  readonly unseenIdf: number;
}

/** A sparse unit vector in one space, as written by a `LexicalScanner`; valid until its next scan. */
export interface LexicalVector {
  readonly ids: Int32Array;
  readonly weights: Float32Array;
  size: number;
  /** Share of the text's words, and of its n-grams, that the space knows; 0 for a text without any. */
  knownWords: number;
  knownNgrams: number;
  wordCount: number;
}

/** How much of a long text is read: instructions stand at the head or the tail, pasted material between. */
export const lexicalHead = 2_000;
export const lexicalTail = 1_000;

export function lexicalText(text: string): string {
  const kept =
    text.length > lexicalHead + lexicalTail ? `${text.slice(0, lexicalHead)} ${text.slice(-lexicalTail)}` : text;
  return kept.toLowerCase();
}

/** Rows of sparse unit vectors: row i is `ids[start[i]…start[i+1]]` with `weights` beside it. */
export interface SparseRows {
  readonly start: Int32Array;
  readonly ids: Int32Array;
  readonly weights: Float32Array;
}

/** `minimumTexts`: features of fewer texts are left out; 1 keeps all. */
export function buildLexicalSpace(texts: readonly string[], minimumTexts = 1): LexicalSpace {
  const words = new Map<number, number>();
  const ngrams = new Map<number, number>();
  const lastWord = new Map<number, number>();
  const lastNgram = new Map<number, number>();
  texts.forEach((text, row) => {
    visitFeatures(lexicalText(text), {
      word: (hash) => count(words, lastWord, hash, row),
      ngram: (hash) => count(ngrams, lastNgram, hash, row),
    });
  });
  const kept = [...sorted(words, minimumTexts), ...sorted(ngrams, minimumTexts)];
  const wordTotal = sorted(words, minimumTexts).length;
  const table = featureTable(kept.length);
  const idf = new Float32Array(kept.length);
  kept.forEach(([hash, inTexts], id) => {
    put(table, hash, id);
    idf[id] = Math.log((1 + texts.length) / (1 + inTexts)) + 1;
  });
  return { table, idf, words: wordTotal, unseenIdf: Math.log(1 + texts.length) + 1 };
}

function count(totals: Map<number, number>, last: Map<number, number>, hash: number, row: number): void {
  if (last.get(hash) === row) return;
  last.set(hash, row);
  totals.set(hash, (totals.get(hash) ?? 0) + 1);
}

/** By hash, so that the same set of texts in any order gives the same space. */
function sorted(totals: Map<number, number>, minimum: number): (readonly [number, number])[] {
  return [...totals].filter(([, inTexts]) => inTexts >= minimum).sort((a, b) => a[0] - b[0]);
}

/** Holds the working memory of scans. `scan` overwrites and returns the one `vector`. */
export interface LexicalScanner {
  readonly vector: LexicalVector;
  scan(text: string): LexicalVector;
}

export function lexicalScanner(space: LexicalSpace): LexicalScanner {
  const { table, idf } = space;
  const counts = new Int32Array(idf.length);
  const most = Math.min(idf.length, (lexicalHead + lexicalTail + 2) * 4);
  const vector: LexicalVector = {
    ids: new Int32Array(most),
    weights: new Float32Array(most),
    size: 0,
    knownWords: 0,
    knownNgrams: 0,
    wordCount: 0,
  };
  let seenWords = 0;
  let hitWords = 0;
  let seenNgrams = 0;
  let hitNgrams = 0;
  const add = (hash: number): number => {
    const id = lookUp(table, hash);
    if (id < 0) return 0;
    if (counts[id]++ === 0) vector.ids[vector.size++] = id;
    return 1;
  };
  const visitor = {
    word(hash: number): void {
      seenWords++;
      hitWords += add(hash);
    },
    ngram(hash: number): void {
      seenNgrams++;
      hitNgrams += add(hash);
    },
  };

  const scan = (text: string): LexicalVector => {
    vector.size = seenWords = hitWords = seenNgrams = hitNgrams = 0;
    visitFeatures(lexicalText(text), visitor);
    vector.wordCount = seenWords;
    vector.knownWords = seenWords === 0 ? 0 : hitWords / seenWords;
    vector.knownNgrams = seenNgrams === 0 ? 0 : hitNgrams / seenNgrams;
    weigh(vector, counts, space, { words: seenWords - hitWords, ngrams: seenNgrams - hitNgrams });
    return vector;
  };
  return { vector, scan };
}

/**
 * Turns counts into weights and clears them for the next scan. Features that no example has take part in the lengths, so
 * that a text which the examples hardly explain has little lexical evidence instead of its few known words blown up.
 */
function weigh(
  vector: LexicalVector,
  counts: Int32Array,
  { idf, words, unseenIdf }: LexicalSpace,
  unknown: { words: number; ngrams: number },
): void {
  const { ids, weights, size } = vector;
  let wordSquares = unknown.words * unseenIdf * unseenIdf;
  let ngramSquares = unknown.ngrams * unseenIdf * unseenIdf;
  for (let i = 0; i < size; i++) {
    const id = ids[i];
    const tf = counts[id];
    counts[id] = 0;
    const weight = tf === 1 ? idf[id] : (1 + Math.log(tf)) * idf[id];
    weights[i] = weight;
    if (id < words) wordSquares += weight * weight;
    else ngramSquares += weight * weight;
  }
  const both = wordSquares > 0 && ngramSquares > 0 ? 0.5 : 1;
  const wordScale = wordSquares > 0 ? Math.sqrt(both / wordSquares) : 0;
  const ngramScale = ngramSquares > 0 ? Math.sqrt(both / ngramSquares) : 0;
  for (let i = 0; i < size; i++) weights[i] *= ids[i] < words ? wordScale : ngramScale;
}

export function lexicalRows(scanner: LexicalScanner, texts: readonly string[]): SparseRows {
  const start = new Int32Array(texts.length + 1);
  const ids: Int32Array[] = [];
  const weights: Float32Array[] = [];
  texts.forEach((text, row) => {
    const { size, ids: found, weights: weighed } = scanner.scan(text);
    start[row + 1] = start[row] + size;
    ids.push(found.slice(0, size));
    weights.push(weighed.slice(0, size));
  });
  return { start, ids: concatenate(ids, start, Int32Array), weights: concatenate(weights, start, Float32Array) };
}

function concatenate<T extends Int32Array | Float32Array>(
  parts: readonly T[],
  start: Int32Array,
  type: { new (length: number): T },
): T {
  const all = new type(start[parts.length]);
  parts.forEach((part, row) => {
    all.set(part, start[row]);
  });
  return all;
}
