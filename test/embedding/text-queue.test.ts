import { describe, expect, it } from 'vitest';
import { TextQueue } from '../../src/embedding/text-queue.ts';

/** One token a character; remembers what was tokenised. */
function queueOf(tokenBudget: number) {
  const tokenised: string[] = [];
  const tokenise = (text: string) => {
    tokenised.push(text);
    return { ids: new Int32Array(text.length), truncated: false };
  };
  return { queue: new TextQueue({ tokenise, tokenBudget }), tokenised };
}

const places = (batch: readonly { readonly request: number; readonly index: number }[]) =>
  batch.map(({ request, index }) => [request, index]);

describe('the queue of a worker', () => {
  it('fills a batch up to its token budget, padding counted', () => {
    const { queue } = queueOf(12);
    queue.add({ id: 1, texts: ['aa', 'aaa', 'aaa', 'aaaa', 'aaaa'], lane: 'bulk' });
    // 3 × 3 fit, 4 × 4 would not.
    expect(places(queue.take())).toEqual([
      [1, 0],
      [1, 1],
      [1, 2],
    ]);
    expect(places(queue.take())).toEqual([
      [1, 3],
      [1, 4],
    ]);
    expect(queue.empty).toBe(true);
    expect(queue.take()).toEqual([]);
  });

  it('runs a text longer than the budget alone', () => {
    const { queue } = queueOf(4);
    queue.add({ id: 1, texts: ['a', 'aaaaaaaa', 'a'], lane: 'bulk' });
    expect([queue.take().length, queue.take().length, queue.take().length]).toEqual([1, 1, 1]);
  });

  it('takes interactive texts first, of several requests together', () => {
    const { queue } = queueOf(8);
    queue.add({ id: 1, texts: ['a', 'a'], lane: 'bulk' });
    queue.add({ id: 2, texts: ['a'], lane: 'interactive' });
    queue.add({ id: 3, texts: ['aa'], lane: 'interactive' });
    expect(places(queue.take())).toEqual([
      [2, 0],
      [3, 0],
    ]);
    expect(places(queue.take())).toEqual([
      [1, 0],
      [1, 1],
    ]);
  });

  it('tokenises a text once, when its turn comes', () => {
    const { queue, tokenised } = queueOf(2);
    queue.add({ id: 1, texts: ['a', 'bb', 'c', 'd'], lane: 'bulk' });
    expect(tokenised).toEqual([]);
    while (!queue.empty) queue.take();
    expect(tokenised).toEqual(['a', 'bb', 'c', 'd']);
  });

  it('drops what is cancelled before it runs, the text held back for the next batch included', () => {
    const { queue } = queueOf(2);
    queue.add({ id: 1, texts: ['a', 'bb', 'c'], lane: 'bulk' });
    queue.add({ id: 2, texts: ['d'], lane: 'bulk' });
    queue.take();
    queue.cancel(1);
    expect(places(queue.take())).toEqual([[2, 0]]);
    expect(queue.empty).toBe(true);
  });

  it('does not mind a request without texts or an unknown id', () => {
    const { queue } = queueOf(2);
    queue.add({ id: 1, texts: [], lane: 'bulk' });
    queue.cancel(9);
    expect(queue.empty).toBe(true);
  });
});
