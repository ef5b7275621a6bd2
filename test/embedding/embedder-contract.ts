/** What every `Embedder` promises. Each implementation runs this in a few lines. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Embedder } from '../../src/embedding/contract.ts';

export function testEmbedder(name: string, open: () => Promise<Embedder>): void {
  describe(`${name}, as an embedder`, () => {
    let embedder: Embedder;
    beforeAll(async () => {
      embedder = await open();
    });
    afterAll(() => embedder.close());

    const texts = ['translate to french', 'hello world', 'what is the capital of the world ?', 'good morning'];

    it('gives unit vectors of the declared dimensions, one a text', async () => {
      const embeddings = await embedder.embed(texts);
      expect(embeddings).toHaveLength(texts.length);
      for (const { vector } of embeddings) {
        expect(vector).toHaveLength(embedder.identity.dimensions);
        expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
      }
    });

    it('gives the same vector alone, in any batch and in any lane', async () => {
      const together = await embedder.embed(texts, { lane: 'bulk' });
      for (const [i, text] of texts.entries()) {
        const [alone] = await embedder.embed([text]);
        for (const [j, value] of alone.vector.entries()) expect(together[i].vector[j]).toBeCloseTo(value, 5);
        expect(together[i].tokens).toBe(alone.tokens);
      }
    });

    it('keeps the order of texts of different length', async () => {
      const mixed = ['hello', texts[2], 'code', texts[0], 'hello'];
      const embeddings = await embedder.embed(mixed);
      for (const [i, text] of mixed.entries()) {
        const [alone] = await embedder.embed([text]);
        expect([...embeddings[i].vector].map((value) => value.toFixed(4))).toEqual(
          [...alone.vector].map((value) => value.toFixed(4)),
        );
      }
    });

    it('embeds nothing as nothing', async () => {
      expect(await embedder.embed([])).toEqual([]);
    });

    it('takes an empty text, blanks and half a surrogate pair', async () => {
      const embeddings = await embedder.embed(['', '  \n\t', '\ud83d']);
      for (const { vector } of embeddings) expect(vector.every(Number.isFinite)).toBe(true);
    });

    it('says when it cut a text, and counts no more tokens than the model takes', async () => {
      const [short, long] = await embedder.embed(['good morning', 'good morning '.repeat(50_000)]);
      expect(short.truncated).toBe(false);
      expect(long.truncated).toBe(true);
      expect(long.tokens).toBeLessThanOrEqual(embedder.identity.maxTokens);
      expect(long.tokens).toBeGreaterThan(short.tokens);
    });

    it('rejects with the reason of a signal that is aborted already', async () => {
      const reason = new Error('too late');
      await expect(embedder.embed(texts, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });

    it('gives inline, when it can, what it gives otherwise', async () => {
      if (!embedder.embedInline) return;
      const [waited] = await embedder.embed([texts[0]]);
      expect(embedder.embedInline(texts[0])).toEqual(waited);
    });
  });
}
