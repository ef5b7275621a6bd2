/**
 * `npm run bench:cache-pairs`: the project's own must-hit and must-miss pairs through the semantic cache. The weights of
 * the score are of the fitting part (`--fit` prints them anew), the bound takes the evidence part as labelled pairs, and
 * the unseen half is looked up: the first prompt of each pair is stored, the second asked. The frontier says what any
 * other threshold would have served.
 */
import { parseArgs } from 'node:util';
import { thresholds } from '../src/cache/error-bound.ts';
import type { SemanticCache, SemanticLook } from '../src/cache/semantic-contract.ts';
import { renderTable } from '../src/render/table.ts';
import { type OwnPair, readOwnPairs } from '../test/cache/pairs/read-pairs.ts';
import { fitWeights } from './fit-score.ts';
import { benchCache, entryOf, scoredPair, shippedEmbedder } from './semantic-bench.ts';

const { values: flags } = parseArgs({
  options: { fit: { type: 'boolean', default: false }, part: { type: 'string', default: 'unseen' } },
});
const embedder = await shippedEmbedder();
const pairs = readOwnPairs();
const taught = taughtCache();

if (flags.fit) {
  const rows = pairs.filter(({ part }) => part === 'fit').flatMap((pair) => scoredPair(embedder, pair) ?? []);
  console.log(fitWeights(rows).map((weight) => Number(weight.toFixed(2))));
} else {
  const part = pairs.filter((pair) => pair.part === flags.part);
  const right = { align: 'right' as const };
  const served = ['must-hit served', 'must-miss served'].map((title) => ({ title, ...right }));
  const promised = [0.01, 0.02, 0.05, 0.1].map((maxError) => {
    const looks = part.map((pair) => lookUp(pair, maxError));
    const least = looks.flatMap((look) => (look.kind === 'miss' ? [] : [look.threshold]))[0] ?? null;
    return [
      String(maxError),
      least === null ? 'none' : String(least),
      ...shares(part, (_, at) => looks[at].kind === 'hit'),
    ];
  });
  console.log(renderTable([{ title: 'max_error', ...right }, { title: 'threshold', ...right }, ...served], promised));
  const looks = part.map((pair) => lookUp(pair, 0.05));
  const frontier = thresholds.map((threshold) => [
    String(threshold),
    ...shares(part, (_, at) => {
      const look = looks[at];
      return look.kind !== 'miss' && look.score >= threshold;
    }),
  ]);
  console.log(renderTable([{ title: 'score from', ...right }, ...served], frontier));
}

/** A cache that holds nothing but the evidence and the first prompt, asked for the second. */
function lookUp(pair: OwnPair, maxError: number): SemanticLook {
  taught.purge(() => true);
  taught.put(entryOf(pair.a, 'stored', embedder.embed(pair.a)));
  return taught.look({ partition: 'p', route: 'r', maxError, text: pair.b, vector: embedder.embed(pair.b) });
}

function taughtCache(): SemanticCache {
  const cache = benchCache(embedder, 1);
  for (const { a, b, same, part } of pairs) {
    if (part === 'evidence') cache.learn({ a, b, same, route: null }, [embedder.embed(a), embedder.embed(b)]);
  }
  return cache;
}

function shares(part: readonly OwnPair[], isServed: (pair: OwnPair, at: number) => boolean): string[] {
  const served = part.filter(isServed);
  return [true, false].map((same) => {
    const of = (list: readonly OwnPair[]) => list.filter((pair) => pair.same === same).length;
    return `${of(served)} of ${of(part)}`;
  });
}
