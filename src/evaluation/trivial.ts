/**
 * What trivial routers would make of a prompt: word overlap (TF-IDF centroids of the examples) and prompt length. They
 * look at nothing else and learn from the same examples; a router that does not beat them is not worth its milliseconds.
 */
import type { Route } from '../routing/route.ts';
import type { RankedRoute } from './evaluated-row.ts';

export type TrivialRouter = (text: string) => { readonly lexical: RankedRoute; readonly length: RankedRoute };

export function trivialRouter(routes: readonly Route[]): TrivialRouter | null {
  if (routes.length === 0) return null;
  const lexical = lexicalRouter(routes);
  const length = lengthRouter(routes);
  return (text) => ({ lexical: lexical(text), length: length(text) });
}

function lexicalRouter(routes: readonly Route[]): (text: string) => RankedRoute {
  const documents = routes.flatMap((route, at) => route.examples.map((text) => ({ at, words: wordsOf(text) })));
  const holding = new Map<string, number>();
  for (const { words } of documents) for (const word of new Set(words)) holding.set(word, (holding.get(word) ?? 0) + 1);
  const idf = (word: string) => Math.log((1 + documents.length) / (1 + (holding.get(word) ?? 0))) + 1;
  const centroids = routes.map(() => new Map<string, number>());
  for (const { at, words } of documents) {
    for (const [word, weight] of unit(countWords(words, idf)))
      centroids[at].set(word, (centroids[at].get(word) ?? 0) + weight);
  }
  // Word → the routes that use it, so that a thousand routes cost no more than the words they share.
  const postings = new Map<string, { readonly at: number; readonly weight: number }[]>();
  centroids.forEach((centroid, at) => {
    for (const [word, weight] of unit(centroid)) {
      const list = postings.get(word) ?? [];
      list.push({ at, weight });
      postings.set(word, list);
    }
  });
  return (text) => {
    const sums = new Float64Array(routes.length);
    for (const [word, weight] of unit(countWords(wordsOf(text), idf))) {
      for (const posting of postings.get(word) ?? []) sums[posting.at] += weight * posting.weight;
    }
    let best = 0;
    for (let at = 1; at < sums.length; at++) if (sums[at] > sums[best]) best = at;
    return { route: routes[best].name, score: sums[best] };
  };
}

function lengthRouter(routes: readonly Route[]): (text: string) => RankedRoute {
  const usual = routes.map(({ examples }) => mean(examples.map((text) => Math.log(text.length + 1))));
  return (text) => {
    const length = Math.log(text.length + 1);
    let best = 0;
    for (let at = 1; at < usual.length; at++)
      if (Math.abs(usual[at] - length) < Math.abs(usual[best] - length)) best = at;
    return { route: routes[best].name, score: 1 / (1 + Math.abs(usual[best] - length)) };
  };
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

function countWords(words: readonly string[], idf: (word: string) => number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + idf(word));
  return counts;
}

function unit(weights: ReadonlyMap<string, number>): [string, number][] {
  const length = Math.sqrt([...weights.values()].reduce((sum, weight) => sum + weight * weight, 0));
  return [...weights].map(([word, weight]) => [word, length > 0 ? weight / length : 0]);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
