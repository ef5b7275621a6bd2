import { beforeAll, describe, expect, it } from 'vitest';
import { type CountTokens, createTokenCounter } from '../../src/ledger/token-counter.ts';

let count: CountTokens;
beforeAll(async () => {
  count = await createTokenCounter().load();
});

describe('counting tokens', () => {
  it('counts as OpenAI does', () => {
    // From OpenAI's published o200k_base vocabulary.
    expect(count('hello world, how are you?')).toBe(7);
    expect(count('')).toBe(0);
  });

  it('takes what looks like a special token for text', () => {
    expect(count('<|endoftext|>')).toBeGreaterThan(1);
  });

  it('counts a long text by its beginning, in proportion', () => {
    const sentence = 'The quick brown fox jumps over the lazy dog. ';
    const one = count(sentence.repeat(100)) / 100;
    expect(count(sentence.repeat(10_000)) / 10_000).toBeCloseTo(one, 1);
  });

  it('is done with a long run without spaces, near enough to the truth', () => {
    const run = '漢字かな交じり文'.repeat(20_000);
    const perSign = count('漢字かな交じり文') / 8;
    expect(count(run) / run.length).toBeGreaterThan(perSign * 0.9);
    expect(count(run) / run.length).toBeLessThan(perSign * 1.1);
  });
});
