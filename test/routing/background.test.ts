import { describe, expect, it } from 'vitest';
import { farRows } from '../../src/routing/background.ts';
import { smallTalk, translation } from './cards.ts';
import { hashedVector } from './hashed-embedder.ts';

describe('farRows', () => {
  it('keeps the prompts that are far from every route, and leaves out those that might belong to one', () => {
    const examples = [...translation.examples, ...smallTalk.examples];
    const background = [
      'Prove that the square root of two is irrational',
      'How do you say thank you in Italian?',
      'tell me a joke',
    ];
    const texts = [...examples, ...background];
    const dense = Float32Array.from(texts.flatMap((text) => [...hashedVector(text)]));
    const labels = Int32Array.from(texts, (_, at) => (at < 8 ? 0 : at < 16 ? 1 : 2));
    const rows = { size: texts.length, classes: 3, dimensions: 64, dense, features: 0, labels };
    expect(farRows(rows, 2, examples.length).map((row) => texts[row])).toEqual([background[0]]);
  });
});
