/**
 * The project's own pairs of prompts: those that may share an answer, and those that must not. Half of them, by a hash of
 * their text, was looked at while the rules were built (`seen`); the other half only says how well that went (`unseen`).
 * Of the seen half, one half again fits the weights of the score and the other is evidence for the bound.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export interface OwnPair {
  readonly kind: string;
  readonly a: string;
  readonly b: string;
  readonly same: boolean;
  readonly part: 'fit' | 'evidence' | 'unseen';
}

export function readOwnPairs(): OwnPair[] {
  return [...readFile('must-hit', true), ...readFile('must-miss', false)];
}

function readFile(name: string, same: boolean): OwnPair[] {
  return readFileSync(new URL(`./${name}.jsonl`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { kind, a, b } = JSON.parse(line) as { kind: string; a: string; b: string };
      const [first, second] = createHash('sha256').update(`${a}\n${b}`).digest();
      return { kind, a, b, same, part: (first & 1) === 1 ? 'unseen' : (second & 1) === 1 ? 'evidence' : 'fit' };
    });
}
