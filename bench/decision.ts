/**
 * `npm run bench:decision`: what one decision takes on one core, by length of the prompt and number of routes: tokenise,
 * embed, match, with the shipped embedding model and the code that serves. Every prompt is new, so no cache helps.
 */
import { parseArgs } from 'node:util';
import { systemClock } from '../src/base/clock.ts';
import { createEmbedder } from '../src/embedding/create-embedder.ts';
import { openRegistry } from '../src/lifecycle/registry.ts';
import { renderTable } from '../src/render/table.ts';
import { buildRouteIndex } from '../src/routing/build-index.ts';
import { loadRoutes } from '../src/routing/load.ts';
import { match } from '../src/routing/match.ts';
import { promptEmbedder } from '../src/routing/prompt-embedder.ts';
import type { Route } from '../src/routing/route.ts';

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '2000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (flags.help) {
  console.log('npm run bench:decision -- [--rounds 2000] [--json]');
  process.exit(0);
}

const root = new URL('..', import.meta.url).pathname;
const registry = await openRegistry(`${root}models`);
const embedder = await createEmbedder(await registry.resolve('default'), { alias: 'default', cacheMb: 0 });
const { routes: shipped } = await loadRoutes(`${root}routes`, { modelNames: null });
const embed = promptEmbedder(embedder).embedInline;
if (embed === null) throw new Error('the default model does not run inline');

const results: { routes: number; words: number; tokens: number; embed: number; match: number; p99: number }[] = [];
for (const count of [shipped.length, 150]) {
  const index = await buildRouteIndex({ routes: manyRoutes(count), embedder, defaults: {}, calibration: null });
  for (const words of [12, 48, 192, 384]) results.push(measure(index, count, words));
}
await embedder.close();

if (flags.json) console.log(JSON.stringify(results, null, 2));
else {
  const right = { align: 'right' as const };
  console.log(
    renderTable(
      [
        { title: 'routes', ...right },
        { title: 'words', ...right },
        { title: 'tokens read', ...right },
        { title: 'embed µs', ...right },
        { title: 'match µs', ...right },
        { title: 'together p50 µs', ...right },
        { title: 'p99 µs', ...right },
      ],
      results.map((r) => [
        String(r.routes),
        String(r.words),
        String(r.tokens),
        r.embed.toFixed(0),
        r.match.toFixed(0),
        (r.embed + r.match).toFixed(0),
        r.p99.toFixed(0),
      ]),
    ),
  );
}

function measure(index: Parameters<typeof match>[0], routes: number, words: number) {
  const times = { embed: [] as number[], match: [] as number[], both: [] as number[] };
  let tokens = 0;
  const rounds = Number(flags.rounds);
  for (let i = -500; i < rounds; i++) {
    const text = prompt(words, i);
    const a = systemClock.monotonic();
    const embedding = embed?.(text, 'query');
    if (!embedding) continue;
    const b = systemClock.monotonic();
    match(index, { text, vector: embedding.vector });
    const c = systemClock.monotonic();
    tokens = embedding.tokens;
    if (i < 0) continue;
    times.embed.push((b - a) * 1_000);
    times.match.push((c - b) * 1_000);
    times.both.push((c - a) * 1_000);
  }
  return { routes, words, tokens, embed: at(times.embed, 0.5), match: at(times.match, 0.5), p99: at(times.both, 0.99) };
}

/** Words of the shipped examples in another order each time: known vocabulary, new text. */
function prompt(words: number, seed: number): string {
  const vocabulary = shipped[Math.abs(seed) % shipped.length].examples.join(' ').split(/\s+/);
  const start = Math.abs(seed * 7_919) % vocabulary.length;
  return Array.from({ length: words }, (_, i) => vocabulary[(start + i * 3) % vocabulary.length]).join(' ');
}

function manyRoutes(count: number): Route[] {
  return Array.from({ length: count }, (_, i) => {
    const route = shipped[i % shipped.length];
    const slice = Math.floor(i / shipped.length);
    if (slice === 0) return route;
    const examples = route.examples.map((text, at) => `${text} ${slice * at}`);
    return { ...route, name: `${route.name}-${slice}`, examples };
  });
}

function at(values: number[], share: number): number {
  values.sort((a, b) => a - b);
  return values[Math.floor(values.length * share)];
}
