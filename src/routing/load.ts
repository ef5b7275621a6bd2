/**
 * Reads a folder of route cards: `DIR/*.yaml`, not its subfolders, in order of name. All faults of all cards come
 * together; a card that an editor has half written is a fault like any other. Builds no index and judges no example.
 *
 *   cards ─► schema ─► examples (inline, then `examples_file`) ─► checks between cards ─► frozen `Route`s
 */
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { type Fault, FaultList, formatFault } from '../base/fault.ts';
import { checkSchema } from '../config/check-schema.ts';
import { deepFreeze } from '../config/deep-freeze.ts';
import { faultAt, inOrder } from '../config/faults.ts';
import { suggest } from '../config/suggest.ts';
import { parseYaml, readText, type YamlFile } from '../config/yaml-file.ts';
import { type Example, readExamples } from './examples-file.ts';
import { repeatedExamples } from './repeated-examples.ts';
import { type FixedAnswer, type Route, reservedRouteNames, routeCardSchema } from './route.ts';

export interface LoadRoutesOptions {
  /** Names a card's `target` may have; null when targets need not resolve (offline evaluation). */
  readonly modelNames?: readonly string[] | null;
  /** Also check that the evaluation sets that cards name are there. */
  readonly evaluationSets?: 'must-exist' | 'unchecked';
}

export interface LoadedRoutes {
  /** By name. */
  readonly routes: readonly Route[];
  /** What is odd but works, one line each. */
  readonly warnings: readonly string[];
}

interface LoadedCard {
  readonly source: YamlFile;
  readonly route: Route;
  readonly examples: readonly Example[];
}

type Card = z.output<typeof routeCardSchema>;
type Read = { readonly card: LoadedCard | null; readonly faults: readonly Fault[] };

/** Throws a `FaultList`. */
export async function loadRoutes(directory: string, options: LoadRoutesOptions = {}): Promise<LoadedRoutes> {
  const files = await cardFiles(directory);
  const reads = await Promise.all(files.map((file) => readCard(file, options)));
  const cards = reads.flatMap((read) => (read.card ? [read.card] : []));
  const faults = [...reads.flatMap((read) => inOrder(read.faults)), ...sameNames(cards)];
  if (faults.length > 0) throw new FaultList(faults);
  cards.sort((a, b) => (a.route.name < b.route.name ? -1 : 1));
  const warnings = repeatedExamples(cards).map(formatFault);
  return deepFreeze({ routes: cards.map((card) => card.route), warnings });
}

async function cardFiles(directory: string): Promise<string[]> {
  const whole = { file: directory, line: 0, key: '', value: '' };
  const fix = 'Put one card a route in it, or name another folder with --routes or routing.routes.';
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const problem =
      code === 'ENOENT' ? 'does not exist' : code === 'ENOTDIR' ? 'is not a folder' : `cannot be read (${code})`;
    throw new FaultList([{ ...whole, problem, fix }]);
  }
  // Names that begin with a dot are editors' locks and systems' leavings.
  const cards = names.filter((name) => /^[^.].*\.ya?ml$/i.test(name)).sort();
  const files: string[] = [];
  for (const name of cards) if (await isFile(join(directory, name))) files.push(join(directory, name));
  if (files.length === 0) throw new FaultList([{ ...whole, problem: 'holds no route cards (*.yaml)', fix }]);
  return files;
}

async function readCard(file: string, options: LoadRoutesOptions): Promise<Read> {
  const text = await readText(file, file);
  if (typeof text === 'object') return { card: null, faults: [text] };
  const source = parseYaml(text === 'absent' ? '' : text, file);
  if (!source.usable) return { card: null, faults: source.faults };
  if (source.data === null) {
    const wording = { problem: 'is empty', fix: 'Give it a name and examples, or remove the file.' };
    return { card: null, faults: [...source.faults, faultAt(source, [], wording)] };
  }
  const checked = checkSchema(routeCardSchema, { source, data: source.data });
  if (checked.value === null) return { card: null, faults: [...source.faults, ...checked.faults] };
  const card = checked.value;
  const examples = await examplesOf(card, source);
  const route = toRoute(card, resolve(file), examples.examples);
  const faults = [...source.faults, ...cardFaults(card, source, options), ...examples.faults];
  if (options.evaluationSets === 'must-exist' && route.evaluation && !(await isFile(route.evaluation))) {
    const wording = { problem: 'does not exist', fix: 'Write the path from the card, or remove the key.' };
    faults.push(faultAt(source, ['eval'], wording));
  }
  return { card: { source, route, examples: examples.examples }, faults };
}

function cardFaults(card: Card, source: YamlFile, { modelNames }: LoadRoutesOptions): Fault[] {
  const faults: Fault[] = [];
  const reserved: readonly string[] = reservedRouteNames;
  if (reserved.includes(card.name.toLowerCase())) {
    const problem = `is a reserved name (${reserved.join(', ')})`;
    faults.push(faultAt(source, ['name'], { problem, fix: 'Choose another name.' }));
  }
  if (modelNames && typeof card.target === 'string' && !modelNames.includes(card.target)) {
    const meant = suggest(card.target, modelNames);
    const fix = meant
      ? `Did you mean ${meant}?`
      : `Use one of ${modelNames.join(', ')}, or add it under models in the config.`;
    faults.push(faultAt(source, ['target'], { problem: 'is not a model of the config', fix }));
  }
  return faults;
}

async function examplesOf(card: Card, source: YamlFile) {
  const inline = (card.examples ?? []).map((text, at) => {
    return { text, file: source.file, line: source.lineOf(['examples', at]) };
  });
  if (card.examples_file !== undefined) {
    const path = join(dirname(source.file), card.examples_file);
    const read = await readExamples(path);
    if (read !== 'absent') return { examples: [...inline, ...read.examples], faults: read.faults };
    const wording = { problem: 'does not exist', fix: 'Write the path from the card.' };
    return { examples: inline, faults: [faultAt(source, ['examples_file'], wording)] };
  }
  if (inline.length > 0) return { examples: inline, faults: [] };
  const fix = 'Add at least one prompt under examples, or name an examples_file; ten or more varied ones work well.';
  return { examples: inline, faults: [faultAt(source, ['examples'], { problem: 'has no examples', fix })] };
}

function toRoute(card: Card, file: string, examples: readonly Example[]): Route {
  return {
    name: card.name,
    description: card.description,
    owner: card.owner,
    file,
    target: typeof card.target === 'string' ? card.target : null,
    answer: typeof card.target === 'object' ? fixedAnswerOf(card.target) : null,
    // A repeat would only weigh its words twice; it is warned of.
    examples: [...new Set(examples.map((example) => example.text))],
    counterExamples: [...new Set(card.counter_examples)],
    threshold: card.threshold ?? null,
    margin: card.margin ?? null,
    rejectBelow: card.reject_below ?? null,
    cache: card.cache,
    addedLatencyP99Ms: card.slo.added_latency_p99_ms ?? null,
    evaluation: card.eval === undefined ? null : resolve(dirname(file), card.eval),
    embedding: card.embedding,
    rollback: card.rollback,
  };
}

function fixedAnswerOf(target: Exclude<Card['target'], string | undefined>): FixedAnswer {
  const { answer, approved, owner, review_after: reviewAfterMs } = target;
  return { text: answer, approvedAt: approved ?? null, owner: owner ?? null, reviewAfterMs };
}

function sameNames(cards: readonly LoadedCard[]): Fault[] {
  const first = new Map<string, LoadedCard>();
  return cards.flatMap((card) => {
    const earlier = first.get(card.route.name);
    if (!earlier) {
      first.set(card.route.name, card);
      return [];
    }
    const place = `${earlier.source.file}:${earlier.source.lineOf(['name'])}`;
    return [faultAt(card.source, ['name'], { problem: `is also the name of ${place}`, fix: 'Rename one of the two.' })];
  });
}

/** Follows links: a mounted ConfigMap is made of them. */
async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    // Gone or out of reach; either way there is nothing to read.
    return false;
  }
}
