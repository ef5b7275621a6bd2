/**
 * Route cards + an embedding model → the route index. The story: embed, learn the lexical space, choose how much words
 * count, judge examples held out, fit the head on all of them, pack. Nothing here needs tuning by hand; everything is
 * seeded and independent of the order of cards and examples. Long stretches give way to other work every few milliseconds.
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { type Clock, systemClock } from '../base/clock.ts';
import type { Embedder } from '../embedding/contract.ts';
import { farRows } from './background.ts';
import type { Calibration } from './calibration.ts';
import { centroidsOf, chooseLexicalWeight } from './centroids.ts';
import { buildCore, type CoreInput } from './core.ts';
import { crossFit, fitTemperature } from './cross-fit.ts';
import { fitEvidence } from './evidence.ts';
import { embeddingText } from './excerpt.ts';
import { hardPrompts } from './hard-prompts.ts';
import { languageReader } from './language.ts';
import { buildLexicalSpace, type LexicalSpace, lexicalRows, lexicalScanner } from './lexical.ts';
import type { RefineSettings } from './refine.ts';
import type { Route } from './route.ts';
import {
  type LearnedIndex,
  matcherVersion,
  type PolicyDefaults,
  type RouteIndex,
  withPolicies,
} from './route-index.ts';
import { classCounts, selectRows, type TrainingRows } from './training-rows.ts';

export interface BuildProgress {
  readonly phase: 'embedding' | 'judging' | 'fitting';
  readonly done: number;
  readonly total: number;
}

export interface LearnOptions {
  readonly routes: readonly Route[];
  readonly embedder: Embedder;
  /** Prompts of which most belong to no route; they need no labels. `hard-prompts.ts` when absent. */
  readonly background?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: BuildProgress) => void) | undefined;
  readonly clock?: Clock | undefined;
}

export interface BuildOptions extends LearnOptions {
  readonly defaults: PolicyDefaults;
  /** null: none; a stale one is not applied. */
  readonly calibration: Calibration | null;
}

/** Rejects with `embedder_failed`, or with the signal's reason. */
export async function buildRouteIndex(options: BuildOptions): Promise<RouteIndex> {
  return withPolicies(await learnIndex(options), options.routes, options.defaults, options.calibration);
}

/** Examples of one route beyond this many are left out, evenly: they would cost time and add next to nothing. */
const mostExamples = 2_000;
const batchSize = 64;
const defaultThreshold = 0.5;

interface Source {
  readonly names: readonly string[];
  /** Per route, sorted, without repeats. */
  readonly examples: readonly (readonly string[])[];
  readonly counters: readonly (readonly string[])[];
  readonly background: readonly string[];
}

export async function learnIndex(options: LearnOptions): Promise<LearnedIndex> {
  const { embedder, clock = systemClock } = options;
  const source = sourceOf(options.routes, options.background ?? hardPrompts);
  const texts = [...source.examples.flat(), ...source.counters.flat(), ...source.background];
  const dense = await embedAll(texts, options);
  const space = buildLexicalSpace([...source.examples.flat(), ...source.counters.flat()]);
  const input = inputOf(source, {
    dense,
    dimensions: embedder.identity.dimensions,
    space,
    filter: options.background === undefined,
  });
  const { settings, leaveOneOut } = chooseSettings(input);
  const fit = await drive(crossFit(input, settings), 'judging', options);
  const core = await drive(buildCore(input, settings), 'fitting', options);
  return {
    manifest: {
      matcher: matcherVersion,
      fingerprint: embedder.identity.fingerprint,
      dimensions: embedder.identity.dimensions,
      sourceDigest: sourceDigest(options.routes, options.background ?? hardPrompts),
      routes: source.names.length,
      items: core.examples.scales.length + core.counters.scales.length,
      created: clock.now(),
      settings: { lexicalWeight: settings.lexicalWeight, scale: settings.scale, lambda: settings.lambda },
      quality: { leaveOneOutAccuracy: leaveOneOut, crossFitAccuracy: fit.accuracy },
      defaultThreshold,
    },
    names: source.names,
    core: { ...core, temperature: fitTemperature(fit.held) },
    space,
    evidence: fitEvidence(fit.judged),
    cover: languageReader(space).coverOf(source.examples),
  };
}

/** `sha256:…` over what the learned index is made from; the order of cards and examples does not count. */
export function sourceDigest(routes: readonly Route[], background: readonly string[] = hardPrompts): string {
  const { names, examples, counters, background: rest } = sourceOf(routes, background, Number.POSITIVE_INFINITY);
  const hash = createHash('sha256').update(JSON.stringify({ names, examples, counters, background: rest }));
  return `sha256:${hash.digest('hex')}`;
}

function sourceOf(routes: readonly Route[], background: readonly string[], most = mostExamples): Source {
  const sorted = [...routes].sort((a, b) => (a.name < b.name ? -1 : 1));
  const tidy = (texts: readonly string[]): string[] => {
    const unique = [...new Set(texts.map((text) => text.trim()).filter((text) => text !== ''))].sort();
    if (unique.length <= most) return unique;
    return Array.from({ length: most }, (_, i) => unique[Math.floor((i * unique.length) / most)] ?? '');
  };
  return {
    names: sorted.map((route) => route.name),
    examples: sorted.map((route) => tidy(route.examples)),
    counters: sorted.map((route) => tidy(route.counterExamples)),
    background: tidy(background),
  };
}

async function embedAll(texts: readonly string[], options: LearnOptions): Promise<Float32Array> {
  const { embedder, signal, onProgress } = options;
  const { dimensions } = embedder.identity;
  const dense = new Float32Array(texts.length * dimensions);
  for (let from = 0; from < texts.length; from += batchSize) {
    signal?.throwIfAborted();
    const batch = texts.slice(from, from + batchSize);
    const found = await embedder.embed(batch.map(embeddingText), {
      lane: 'bulk',
      role: 'document',
      ...(signal ? { signal } : {}),
    });
    found.forEach(({ vector }, at) => {
      dense.set(vector, (from + at) * dimensions);
    });
    onProgress?.({ phase: 'embedding', done: Math.min(texts.length, from + batchSize), total: texts.length });
    await setImmediate();
  }
  return dense;
}

interface Embedded {
  readonly dense: Float32Array;
  readonly dimensions: number;
  readonly space: LexicalSpace;
  /** The background is the matcher's own and may speak of a route's matter; what a user says belongs to no route does not. */
  readonly filter: boolean;
}

/** Rows in order of route, then the texts of the none class: all counter-examples and the background. */
function inputOf(source: Source, embedded: Embedded): CoreInput {
  const { dense, dimensions, space } = embedded;
  const routes = source.names.length;
  const counters = source.counters.flat();
  const texts = [...source.examples.flat(), ...counters, ...source.background];
  const labels = new Int32Array(texts.length).fill(routes);
  let row = 0;
  source.examples.forEach((list, route) => {
    labels.fill(route, row, row + list.length);
    row += list.length;
  });
  const all: TrainingRows = {
    size: texts.length,
    classes: routes + 1,
    dimensions,
    dense,
    lexical: lexicalRows(lexicalScanner(space), texts),
    features: space.idf.length,
    labels,
  };
  const taught = row + counters.length;
  const certain = embedded.filter ? taught : all.size;
  const kept = [
    ...Array.from({ length: certain }, (_, at) => at),
    ...(embedded.filter ? farRows(all, routes, taught) : []),
  ];
  const rows = { ...selectRows(all, kept), classes: routes + (kept.length > row ? 1 : 0) };
  const counterLabels = source.counters.flatMap((list, route) => list.map(() => route));
  const from = row * dimensions;
  return {
    rows,
    texts: kept.map((at) => texts[at] ?? ''),
    routes,
    counters: {
      dense: dense.subarray(from, from + counters.length * dimensions),
      texts: counters,
      labels: Int32Array.from(counterLabels),
    },
  };
}

/** Rows that the choice of β looks at; more would change it by noise only. */
const mostTested = 2_000;
/** Above this many rows two passes fewer change no figure, and save a third of the time. */
const manyRows = 8_000;

function chooseSettings({ rows, routes }: CoreInput): { settings: RefineSettings; leaveOneOut: number | null } {
  const examples = rows.labels.indexOf(routes);
  const size = examples < 0 ? rows.size : examples;
  const tested = Math.min(mostTested, size);
  const chosen = Array.from({ length: tested }, (_, i) => Math.floor((i * size) / tested));
  const { lexicalWeight, accuracy } = chooseLexicalWeight(rows, centroidsOf(rows), chosen);
  const counts = [...classCounts(rows)].sort((a, b) => a - b);
  const many = (counts[counts.length >> 1] ?? 0) >= 50;
  const fitted = { scale: many ? 20 : 10, lambda: many ? 0.0003 : 0.003, epochs: rows.size > manyRows ? 4 : 6 };
  const settings = { lexicalWeight, ...fitted, seed: 1 };
  return { settings, leaveOneOut: accuracy };
}

const sliceMs = 10;

/** Runs a computation that yields its share done, giving way to the event loop, and stopping when asked to. */
async function drive<T>(work: Generator<number, T>, phase: BuildProgress['phase'], options: LearnOptions): Promise<T> {
  const { signal, onProgress, clock = systemClock } = options;
  let since = clock.monotonic();
  for (let next = work.next(); ; next = work.next()) {
    if (next.done) return next.value;
    signal?.throwIfAborted();
    onProgress?.({ phase, done: Math.round(next.value * 100), total: 100 });
    if (clock.monotonic() - since < sliceMs) continue;
    await setImmediate();
    since = clock.monotonic();
  }
}
