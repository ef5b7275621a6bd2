/**
 * The project's own must-hit and must-miss pairs through the semantic cache, as `npm run bench:cache-pairs`: weights from
 * the fitting part (`--fit` prints them anew), evidence from the evidence part, and the unseen half served or not.
 */
import { parseArgs } from 'node:util';
import { fitWeights } from '../src/cache/semantic-score.ts';
import { renderTable } from '../src/render/table.ts';
import { type OwnPair, readOwnPairs } from '../test/cache/pairs/read-pairs.ts';
import { benchCache, entryOf, scoredPair, shippedEmbedder } from './semantic-bench.ts';

const { values: flags } = parseArgs({
  options: {
    fit: { type: 'boolean', default: false },
    part: { type: 'string', default: 'unseen' },
    show: { type: 'boolean', default: false },
  },
});
const embedder = await shippedEmbedder();
const pairs = readOwnPairs();

if (flags.fit) {
  const rows = pairs.filter(({ part }) => part === 'fit').flatMap((pair) => scoredPair(embedder, pair) ?? []);
  console.log(fitWeights(rows).map((weight) => Number(weight.toFixed(2))));
} else {
  const right = { align: 'right' as const };
  console.log(
    renderTable(
      [
        { title: 'max_error', ...right },
        { title: 'threshold', ...right },
        { title: 'must-hit served', ...right },
        { title: 'must-miss served', ...right },
      ],
      [0.01, 0.05, 0.1, 0.2].map((maxError) => row(maxError)),
    ),
  );
}

function row(maxError: number): string[] {
  const part = pairs.filter((pair) => pair.part === flags.part);
  const evidence = pairs.filter((pair) => pair.part === 'evidence');
  let threshold: number | null = null;
  const served = part.filter((pair) => {
    const cache = benchCache(embedder, 1);
    for (const { a, b, same } of evidence)
      cache.learn({ a, b, same, route: null }, [embedder.embed(a), embedder.embed(b)]);
    cache.put(entryOf(pair.a, 'stored', embedder.embed(pair.a)));
    const look = cache.look({ partition: 'p', route: 'r', maxError, text: pair.b, vector: embedder.embed(pair.b) });
    if (look.kind !== 'miss') threshold = look.threshold;
    if (flags.show && look.kind !== 'miss' && !pair.same)
      console.log(look.kind, look.score.toFixed(3), pair.kind, pair.a, '|', pair.b);
    return look.kind === 'hit';
  });
  const count = (list: readonly OwnPair[], same: boolean) => list.filter((pair) => pair.same === same).length;
  const share = (same: boolean) => `${count(served, same)} of ${count(part, same)}`;
  return [String(maxError), threshold === null ? 'none' : String(threshold), share(true), share(false)];
}
