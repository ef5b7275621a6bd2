/**
 * The lexical space of a route index: which words and character n-grams its examples use, and how telling each is (idf).
 * It finds what a small embedding model misses: names, product words, formats, turns of phrase.
 *
 * A text becomes a sparse vector of length 1 at most: (1 + ln tf) · idf; words, n-grams and shape normalised apart, so that
 * n-grams do not outvote words by their number.
 */

import { lexicalText, lexicalTextLength } from './excerpt.ts';
import { type FeatureTable, featureTable, lookUp, put } from './feature-table.ts';
import { shapeCount, visitShape } from './shape.ts';
import { visitFeatures } from './text-features.ts';

export interface LexicalSpace {
  readonly table: FeatureTable;
  /** Per feature: words first, then n-grams, then the traits of `shape.ts`. */
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
}

/** Rows of sparse unit vectors: row i is `ids[start[i]…start[i+1]]` with `weights` beside it. */
export interface SparseRows {
  readonly start: Int32Array;
  readonly ids: Int32Array;
  readonly weights: Float32Array;
}

/** Shares of the squared length of a text's vector that its words, its n-grams and its shape take, where it has them. */
const shares = { words: 0.48, ngrams: 0.48, shape: 0.04 } as const;

/** `minimumTexts`: words and n-grams of fewer texts are left out; 1 keeps all. */
export function buildLexicalSpace(texts: readonly string[], minimumTexts = 1): LexicalSpace {
  const words = new Map<number, number>();
  const ngrams = new Map<number, number>();
  const shape = new Int32Array(shapeCount);
  const lastWord = new Map<number, number>();
  const lastNgram = new Map<number, number>();
  texts.forEach((text, row) => {
    visitFeatures(lexicalText(text), {
      word: (hash) => count(words, lastWord, hash, row),
      ngram: (hash) => count(ngrams, lastNgram, hash, row),
    });
    visitShape(text, (trait) => shape[trait]++);
  });
  const keptWords = sorted(words, minimumTexts);
  const kept = [...keptWords, ...sorted(ngrams, minimumTexts)];
  const table = featureTable(kept.length);
  const idf = new Float32Array(kept.length + shapeCount);
  const idfOf = (inTexts: number): number => Math.log((1 + texts.length) / (1 + inTexts)) + 1;
  kept.forEach(([hash, inTexts], id) => {
    put(table, hash, id);
    idf[id] = idfOf(inTexts);
  });
  for (let trait = 0; trait < shapeCount; trait++) idf[kept.length + trait] = idfOf(shape[trait]);
  return { table, idf, words: keptWords.length, unseenIdf: idfOf(0) };
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
  /** Ids are below this. */
  readonly features: number;
  scan(text: string): LexicalVector;
}

export function lexicalScanner(space: LexicalSpace): LexicalScanner {
  const { table, idf } = space;
  const firstTrait = idf.length - shapeCount;
  const counts = new Int32Array(idf.length);
  const most = Math.min(idf.length, lexicalTextLength * 4 + shapeCount + 2);
  const vector: LexicalVector = { ids: new Int32Array(most), weights: new Float32Array(most), size: 0 };
  const unknown = { words: 0, ngrams: 0 };
  const add = (id: number, times: number): void => {
    if (counts[id] === 0) vector.ids[vector.size++] = id;
    counts[id] += times;
  };
  const visitor = {
    word(hash: number, times: number): void {
      const id = lookUp(table, hash);
      if (id >= 0) add(id, times);
      else unknown.words++;
    },
    ngram(hash: number, times: number): void {
      const id = lookUp(table, hash);
      if (id >= 0) add(id, times);
      else unknown.ngrams++;
    },
  };
  const addTrait = (trait: number): void => add(firstTrait + trait, 1);

  const scan = (text: string): LexicalVector => {
    vector.size = unknown.words = unknown.ngrams = 0;
    visitFeatures(lexicalText(text), visitor);
    visitShape(text, addTrait);
    weigh(vector, counts, space, unknown);
    return vector;
  };
  return { vector, features: idf.length, scan };
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
  const firstTrait = idf.length - shapeCount;
  let wordSquares = unknown.words * unseenIdf * unseenIdf;
  let ngramSquares = unknown.ngrams * unseenIdf * unseenIdf;
  let shapeSquares = 0;
  for (let i = 0; i < size; i++) {
    const id = ids[i];
    const tf = counts[id];
    counts[id] = 0;
    const weight = tf === 1 ? idf[id] : (1 + Math.log(tf)) * idf[id];
    weights[i] = weight;
    if (id < words) wordSquares += weight * weight;
    else if (id < firstTrait) ngramSquares += weight * weight;
    else shapeSquares += weight * weight;
  }
  const wordScale = scaleOf(shares.words, wordSquares);
  const ngramScale = scaleOf(shares.ngrams, ngramSquares);
  const shapeScale = scaleOf(shares.shape, shapeSquares);
  for (let i = 0; i < size; i++) {
    const id = ids[i];
    weights[i] *= id < words ? wordScale : id < firstTrait ? ngramScale : shapeScale;
  }
}

function scaleOf(share: number, squares: number): number {
  return squares > 0 ? Math.sqrt(share / squares) : 0;
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
