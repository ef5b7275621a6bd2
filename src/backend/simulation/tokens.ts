/**
 * Plausible tokens: a word with the space before it is one, and a text has a quarter of its characters in tokens.
 * The words include accents, an emoji and Han characters, so that a stream cuts through UTF-8 as a real one does.
 */
import { pseudoRandom } from './pseudo-random.ts';

const words = `the answer is simple and short because every part of it follows from what you asked here are three points
first second finally note that this text means nothing it only stands for one naïve café résumé 日本語 ✓ 🙂 in order
to see how tokens flow through a proxy without a key or a network we count them one by one until none is left`
  .split(/\s+/)
  .filter((word) => word !== '');

export function fillerText(tokens: number, seed: number): string {
  const random = pseudoRandom(seed);
  const text: string[] = [];
  for (let i = 0; i < tokens; i++) text.push(words[Math.floor(random() * words.length)]);
  return text.join(' ');
}

/** Cuts a text into tokens that join to it exactly. */
export function tokensOf(text: string): string[] {
  return text.match(/\s*\S+|\s+$/gu) ?? [];
}

export function countTokens(text: string): number {
  return Math.ceil(text.length / 4);
}
