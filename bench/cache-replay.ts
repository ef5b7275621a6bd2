/**
 * `npm run bench:cache -- --data DIR`: Quora's labelled pairs (pairs/qqp_gptcache) replayed through the semantic cache. The
 * first question of each pair is put in, the second is looked up, and whatever is nearest of all counts: right or wrong
 * only when that very pair is labelled, otherwise unjudged.
 *
 * Questions that are entries word for word are left out: the exact cache answers them. Pairs are split by a hash of their connected component: a third is evidence (the promise is made from it), two thirds
 * are replayed. Nothing was fitted on either: the weights of the score are of the project's own pairs.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import type { UnitVector } from '../src/base/vector.ts';
import { shareInterval, thresholds } from '../src/cache/error-bound.ts';
import type { SemanticCache, SemanticLook } from '../src/cache/semantic-contract.ts';
import { SemanticIndex } from '../src/cache/semantic-index.ts';
import { renderTable } from '../src/render/table.ts';
import { benchCache, entryOf, shippedEmbedder } from './semantic-bench.ts';

interface Pair {
  readonly a: string;
  readonly b: string;
  readonly same: number;
}

type Verdict = 'right' | 'wrong' | 'unjudged';

const { values: flags } = parseArgs({ options: { data: { type: 'string' } } });
if (flags.data === undefined) throw new Error('Say where the data is: npm run bench:cache -- --data ../shared/data');
const file = gunzipSync(readFileSync(join(flags.data, 'pairs/qqp_gptcache.jsonl.gz'))).toString('utf8');
const pairs = file
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Pair);
const labels = new Map(pairs.map(({ a, b, same }) => [`${a}\n${b}`, same === 1]));
const embedder = await shippedEmbedder();
const vectors = new Map<string, UnitVector>();

const component = componentsOf(pairs);
const part = (pair: Pair) => createHash('sha256').update(component(pair.a)).digest()[0] % 3;
const evidence = pairs.filter((pair) => part(pair) === 0);
const replayed = pairs.filter((pair) => part(pair) !== 0);
console.log(`${pairs.length} pairs: ${evidence.length} for evidence, ${replayed.length} replayed`);

const right = { align: 'right' as const };
const columns = ['wrong', 'right', 'unjudged', 'wrong ÷ judged', '95%'].map((title) => ({ title, ...right }));
const taught = learnt();
for (const size of [1_000, 5_000, replayed.length]) replay(replayed.slice(0, size));

/** A cache that has seen the verdicts on a replay of the evidence part; the same bytes serve every replay. */
function learnt(): SemanticCache {
  const cache = filled(benchCache(embedder, 128), evidence);
  let verdicts = 0;
  for (const { b } of evidence) {
    const look = lookFor(cache, b, 0.05);
    const verdict = verdictOf(look, b);
    if (look.kind === 'miss' || verdict === 'unjudged') continue;
    cache.judge('r', { score: look.score, served: false }, verdict === 'right');
    verdicts++;
  }
  cache.purge(() => true);
  console.log(`evidence: ${verdicts} finds with a verdict; ${cache.stats().evidence[0]?.wrong ?? 0} of them wrong`);
  return cache;
}

function replay(rows: readonly Pair[]): void {
  const cache = filled(taught, rows);
  const stored = new Set(rows.map(({ a }) => a));
  const asked = [...new Set(rows.map(({ b }) => b))];
  // Word for word the same: those are the exact cache's.
  const texts = asked.filter((text) => !stored.has(text));
  const looks = texts.map((text) => ({ text, look: lookFor(cache, text, 0.05) }));
  const finds = looks.filter(({ look }) => look.kind !== 'miss');
  const byCosine = cosineRanking(rows, texts);
  console.log(
    `\nN = ${rows.length}: ${cache.stats().entries} entries, ${texts.length} lookups (${asked.length - texts.length} more are entries word for word, for the exact cache), ${finds.length} agree and may be served`,
  );
  const promised = [0.01, 0.05, 0.1].map((maxError) => {
    const hits = looks.filter(({ text }) => lookFor(cache, text, maxError).kind === 'hit');
    const found = hits.map(({ text, look }) => verdictOf(look, text));
    return [
      String(maxError),
      String(hits.length),
      ...figures(found),
      ...figures(byCosine.slice(0, hits.length)).slice(0, 4),
    ];
  });
  const beside = ['cos: wrong', 'right', 'unjudged', 'wrong ÷ judged'].map((title) => ({ title, ...right }));
  console.log(
    renderTable([{ title: 'max_error', ...right }, { title: 'served', ...right }, ...columns, ...beside], promised),
  );
  const frontier = thresholds.map((threshold) => {
    const served = finds.filter(({ look }) => look.kind !== 'miss' && look.score >= threshold);
    const found = served.map(({ text, look }) => verdictOf(look, text));
    return [
      String(threshold),
      String(served.length),
      ...figures(found),
      ...figures(byCosine.slice(0, served.length)).slice(0, 4),
    ];
  });
  console.log(
    renderTable([{ title: 'score from', ...right }, { title: 'served', ...right }, ...columns, ...beside], frontier),
  );
  cache.purge(() => true);
}

/** Verdicts on the nearest of all entries by cosine alone, most similar first: what a plain threshold would serve. */
function cosineRanking(rows: readonly Pair[], lookups: readonly string[]): Verdict[] {
  const stored = [...new Set(rows.map(({ a }) => a))];
  const index = new SemanticIndex(embedder.dimensions, stored.length);
  const slots = Int32Array.from(stored, (text) => index.add(vectorOf(text)));
  return lookups
    .map((text) => ({ text, near: index.nearest(vectorOf(text), slots, 1)[0] }))
    .sort((one, other) => other.near.similarity - one.near.similarity)
    .map(({ text, near }) => labelOf(stored[near.slot], text));
}

function figures(found: readonly Verdict[]): string[] {
  const count = (verdict: Verdict) => found.filter((own) => own === verdict).length;
  const [wrong, good] = [count('wrong'), count('right')];
  const interval = shareInterval(wrong, wrong + good);
  const unjudged =
    found.length === 0 ? '0' : `${count('unjudged')} (${((100 * count('unjudged')) / found.length).toFixed(0)}%)`;
  if (interval === null) return ['0', '0', unjudged, '-', '-'];
  return [
    String(wrong),
    String(good),
    unjudged,
    (wrong / (wrong + good)).toFixed(3),
    interval.map((end) => end.toFixed(3)).join(' to '),
  ];
}

function lookFor(cache: SemanticCache, text: string, maxError: number): SemanticLook {
  return cache.look({ partition: 'p', route: 'r', maxError, text, vector: vectorOf(text) });
}

/** Entries are named by their text. */
function verdictOf(look: SemanticLook, text: string): Verdict {
  return look.kind === 'miss' ? 'unjudged' : labelOf(look.entryId, text);
}

function labelOf(stored: string, asked: string): Verdict {
  const label = labels.get(`${stored}\n${asked}`);
  return label === undefined ? 'unjudged' : label ? 'right' : 'wrong';
}

function filled(cache: SemanticCache, rows: readonly Pair[]): SemanticCache {
  for (const { a } of rows) cache.put(entryOf(a, a, vectorOf(a)));
  return cache;
}

function vectorOf(text: string): UnitVector {
  const known = vectors.get(text);
  if (known) return known;
  const made = embedder.embed(text);
  vectors.set(text, made);
  return made;
}

/** Questions that pairs connect must not stand on both sides of a split. */
function componentsOf(rows: readonly Pair[]): (text: string) => string {
  const parents = new Map<string, string>();
  const find = (text: string): string => {
    let top = text;
    for (let next = parents.get(top); next !== undefined && next !== top; next = parents.get(top)) top = next;
    parents.set(text, top);
    return top;
  };
  for (const { a, b } of rows) {
    const [one, other] = [find(a), find(b)];
    if (one !== other) parents.set(one, other);
  }
  return find;
}
