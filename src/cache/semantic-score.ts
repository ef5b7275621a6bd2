/**
 * How likely is it that one answer serves two prompts that agree? A logistic regression on what a plain cosine does not
 * see: which words the prompts share, and whether each has words of its own. Two prompts with a word of their own each
 * have usually exchanged it, and that is what a small embedding model cannot tell from a paraphrase.
 */
import type { ContentWord, Reading } from './agreement-reading.ts';

export type ScoreWeights = readonly number[];

/** Of `npm run bench:cache-pairs -- --fit`: from the part of the project's own pairs that is for fitting. */
export const shippedWeights: ScoreWeights = [-0.83, 3.13, 2.97, -3.21, -0.49];

export function features(asked: Reading, stored: Reading, cosine: number): number[] {
  const lost = massOf(asked.content, stored);
  const added = massOf(stored.content, asked);
  const shared = sharedMass(asked, stored);
  const all = shared + lost.all + added.all;
  return [
    1,
    cosine,
    all === 0 ? 0 : shared / all,
    Math.min(3, Math.min(lost.telling, added.telling)),
    Math.min(3, Math.abs(lost.telling - added.telling)),
  ];
}

export function score(weights: ScoreWeights, values: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i] * values[i];
  return 1 / (1 + Math.exp(-sum));
}

interface Mass {
  readonly all: number;
  /** How many words that tell what is asked. */
  readonly telling: number;
}

/** Words of `content` that the other prompt has not. */
function massOf(content: readonly ContentWord[], other: Reading): Mass {
  let all = 0;
  let telling = 0;
  for (const { key, weight } of content) {
    if (other.keys.has(key)) continue;
    all += weight;
    if (weight === 1) telling++;
  }
  return { all, telling };
}

function sharedMass(asked: Reading, stored: Reading): number {
  let sum = 0;
  for (const { key, weight } of asked.content) if (stored.keys.has(key)) sum += weight;
  return sum;
}
