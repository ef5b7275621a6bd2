/**
 * "Did you mean": the nearest known word to a mistyped one, or null when none is near enough to be worth saying.
 */
import { distance } from 'fastest-levenshtein';

export function suggest(word: string, known: readonly string[]): string | null {
  const plain = fold(word);
  const near = known
    .map((candidate) => ({ candidate, edits: distance(plain, fold(candidate)) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.floor(Math.min(word.length, candidate.length) / 3)))
    .sort((a, b) => a.edits - b.edits)[0];
  if (near) return near.candidate;
  if (plain.length < 3) return null;
  return known.find((candidate) => fold(candidate).includes(plain)) ?? null;
}

/** `apiKey`, `api-key` and `API_KEY` are the same slip. */
function fold(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, '');
}
