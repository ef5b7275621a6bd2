/**
 * `npm run bench:cache-lookup -- --data DIR`: what finding the nearest entries takes on one core, how often the two stages
 * find what an exact scan of float32 vectors finds, and what an entry takes in memory. Real sentences (DIR/pairs, routes,
 * training), each once; lookups are sentences that are not entries.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { dot, type UnitVector } from '../src/base/vector.ts';
import { SemanticIndex } from '../src/cache/semantic-index.ts';
import { renderTable } from '../src/render/table.ts';
import { seeded, shuffle } from '../src/routing/seeded.ts';
import { benchCache, entryOf, shippedEmbedder } from './semantic-bench.ts';

const { values: flags } = parseArgs({
  options: { data: { type: 'string' }, lookups: { type: 'string', default: '1000' } },
});
if (flags.data === undefined)
  throw new Error('Say where the data is: npm run bench:cache-lookup -- --data ../shared/data');
const files = ['pairs/qqp_gptcache', 'pairs/stsb', 'routes/clinc150_full', 'routes/snips', 'training/opentrivia_qa'];
const more = [
  'training/paraqa',
  'training/medquad',
  'training/metatool_queries',
  'training/nl2bash',
  'training/dstc9_faq',
];
const sentences = readSentences(flags.data, [...files, ...more]);
const embedder = await shippedEmbedder();
const lookups = Number(flags.lookups);
const checked = Math.min(100, lookups);
const queries = sentences.splice(-lookups).map((text) => embedder.embed(text));

const rows = [1_000, 10_000, 100_000].map((size) => measure(sentences.slice(0, size)));
const right = { align: 'right' as const };
const titles = ['entries', 'p50 ms', 'p99 ms', 'processor ms', 'recall@1', 'recall@4', 'recall@10', 'bytes an entry'];
console.log(
  renderTable(
    titles.map((title) => ({ title, ...right })),
    rows,
  ),
);

function measure(texts: readonly string[]): string[] {
  const index = new SemanticIndex(embedder.dimensions, texts.length);
  const vectors = texts.map((text) => embedder.embed(text));
  const slots = Int32Array.from(vectors, (vector) => index.add(vector));
  for (const query of queries.slice(0, 100)) index.nearest(query, slots, 4);
  const before = process.cpuUsage();
  const times = queries.map((query) => {
    const began = performance.now();
    index.nearest(query, slots, 4);
    return performance.now() - began;
  });
  const { user, system } = process.cpuUsage(before);
  times.sort((a, b) => a - b);
  const truths = queries.slice(0, checked).map((query) => exact(query, vectors, 10));
  const recall = [1, 4, 10].map((k) => {
    const found = truths.map((truth, i) => {
      const near = new Set(index.nearest(queries[i], slots, k).map(({ slot }) => slot));
      return truth.slice(0, k).filter((at) => near.has(slots[at])).length / k;
    });
    return (found.reduce((sum, share) => sum + share, 0) / found.length).toFixed(4);
  });
  const at = (share: number) => times[Math.floor(share * times.length)].toFixed(3);
  const processor = ((user + system) / 1_000 / queries.length).toFixed(3);
  return [String(texts.length), at(0.5), at(0.99), processor, ...recall, bytesPerEntry(texts, vectors)];
}

/** Best first. */
function exact(query: UnitVector, vectors: readonly UnitVector[], k: number): number[] {
  const cosines = Float32Array.from(vectors, (vector) => dot(query, vector));
  const least = cosines.slice().sort().at(-k) ?? 0;
  const best = Array.from(vectors.keys()).filter((at) => cosines[at] >= least);
  return best.sort((a, b) => cosines[b] - cosines[a]).slice(0, k);
}

/** As the cache counts them: vector, code, lists, text and keys. */
function bytesPerEntry(texts: readonly string[], vectors: readonly UnitVector[]): string {
  const cache = benchCache(embedder, 64);
  texts.slice(0, 5_000).forEach((text, at) => {
    cache.put(entryOf(text, `entry-${at}`.padEnd(43, '-'), vectors[at], 'partition'.padEnd(43, '-')));
  });
  const { bytes, entries } = cache.stats();
  return (bytes / entries).toFixed(0);
}

function readSentences(data: string, names: readonly string[]): string[] {
  const found = new Set<string>();
  for (const name of names) {
    for (const line of gunzipSync(readFileSync(join(data, `${name}.jsonl.gz`)))
      .toString('utf8')
      .split('\n')) {
      if (line === '') continue;
      const { a, text } = JSON.parse(line) as { a?: string; text?: string };
      const sentence = text ?? a ?? '';
      if (sentence.length >= 12 && sentence.length <= 300) found.add(sentence);
    }
  }
  const all = [...found];
  const order = Int32Array.from(all, (_, i) => i);
  shuffle(order, seeded(7));
  return Array.from(order.subarray(0, 100_000 + Number(flags.lookups)), (at) => all[at]);
}
