/**
 * The embedding models of a folder, by alias, name or name@version. Reads the disk at every call (models are few, calls
 * are rare), so that a reload sees what `shunt models` did; only file digests are remembered.
 *
 *     models/aliases.yaml                default → shunt-mini@1
 *     models/shunt-mini/1/model.yaml     the card, beside model.onnx, tokenizer.json, probes.json
 */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Clock, systemClock } from '../base/clock.ts';
import { messageOf, ShuntError } from '../base/errors.ts';
import { createEmbedder, type ResolvedModel } from '../embedding/create-embedder.ts';
import { readCard, readModelDirectory } from '../embedding/model-directory.ts';
import { type ProbeReport, runProbes } from '../embedding/probe.ts';
import { type AddedModel, type AddModelOptions, addModel } from './add-model.ts';
import { type Alias, type Aliases, changeAlias, readAliases } from './aliases.ts';
import { DigestBook, fingerprint, weightFiles } from './fingerprint.ts';

export interface ListedModel {
  readonly name: string;
  readonly version: string;
  readonly aliases: readonly string[];
  readonly folder: string;
  /** Null, and a problem, when the card cannot be read. */
  readonly model: ModelSummary | null;
  readonly problem: string | null;
}

interface ModelSummary {
  readonly kind: 'static' | 'transformer';
  readonly dimensions: number;
  readonly maxTokens: number;
  /** Of the weights. */
  readonly bytes: number;
  readonly licence: string;
  readonly fingerprint: string;
}

export interface ModelCheck {
  readonly reference: string;
  readonly folder: string;
  readonly fingerprint: string | null;
  readonly probes: ProbeReport | null;
  /** Empty when all is well. */
  readonly problems: readonly string[];
}

export interface Registry {
  /** `reference`: an alias, a name (its highest version) or name@version. Throws `bad_model`. */
  resolve(reference: string): Promise<ResolvedModel>;
  list(): Promise<readonly ListedModel[]>;
  /** Adds a model as downloaded; see add-model.ts. */
  add(folder: string, options?: AddModelOptions): Promise<AddedModel>;
  /** Compares digests, dimensions and golden probes, of one model or of all. Reports, never throws on a bad model. */
  check(reference?: string): Promise<readonly ModelCheck[]>;
  aliases(): Promise<Aliases>;
  /** Points an alias at a model that resolves. Throws `bad_model` when another change came between. */
  point(alias: string, model: string, note: string): Promise<Alias>;
}

/** Throws `bad_model` when there is no such folder. */
export async function openRegistry(modelsFolder: string, clock: Clock = systemClock): Promise<Registry> {
  const root = resolve(modelsFolder);
  const isFolder = await stat(root).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder)
    throw new ShuntError(
      'bad_model',
      `There is no folder ${root}. Set routing.models_dir to the folder of embedding models.`,
    );
  const digests = new DigestBook();

  async function resolveModel(reference: string): Promise<ResolvedModel> {
    const { name, version } = await locate(root, reference);
    return openModel(join(root, name, version), digests);
  }

  return {
    resolve: resolveModel,
    aliases: () => readAliases(root),
    add: (folder, options) => addModel(root, folder, options),
    async list() {
      const aliases = await readAliases(root);
      const found = await modelsIn(root);
      return Promise.all(found.map((model) => listed(root, model, aliases, digests)));
    },
    async check(reference) {
      const wanted = reference === undefined ? await modelsIn(root) : [await locate(root, reference)];
      const checks: ModelCheck[] = [];
      for (const model of wanted) checks.push(await checkModel(root, model));
      return checks;
    },
    async point(alias, model, note) {
      const { name, version } = await resolveModel(model);
      const seenGeneration = (await readAliases(root))[alias]?.generation ?? 0;
      return changeAlias(root, {
        alias,
        model: `${name}@${version}`,
        seenGeneration,
        at: new Date(clock.now()).toISOString(),
        note,
      });
    },
  };
}

interface Located {
  readonly name: string;
  readonly version: string;
}

async function locate(root: string, reference: string): Promise<Located> {
  const aliases = await readAliases(root);
  const written = Object.hasOwn(aliases, reference) ? aliases[reference].active : reference;
  const found = await modelsIn(root);
  const [name, version] = written.split('@');
  // The highest version comes last.
  const match = found.findLast((model) => model.name === name && (version === undefined || model.version === version));
  if (match) return match;
  const known =
    [...Object.keys(aliases), ...found.map((model) => `${model.name}@${model.version}`)].join(', ') || 'nothing';
  const by = written === reference ? '' : ` (which the alias ${reference} names)`;
  throw new ShuntError(
    'bad_model',
    `There is no embedding model ${written}${by} in ${root}; it has ${known}. Name one of these, or add it with \`shunt models add\`.`,
  );
}

/** Every `<name>/<version>` with a card, versions in numeric order. */
async function modelsIn(root: string): Promise<Located[]> {
  const found: Located[] = [];
  for (const name of await folders(root)) {
    for (const version of await folders(join(root, name))) {
      const hasCard = await stat(join(root, name, version, 'model.yaml')).then(
        () => true,
        () => false,
      );
      if (hasCard) found.push({ name, version });
    }
  }
  return found.sort(
    (a, b) => a.name.localeCompare(b.name) || a.version.localeCompare(b.version, 'en', { numeric: true }),
  );
}

/** Hidden ones are half-written models. */
async function folders(parent: string): Promise<string[]> {
  const entries = await readdir(parent, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map((entry) => entry.name);
}

async function openModel(folder: string, digests: DigestBook): Promise<ResolvedModel> {
  const { spec, card } = await readModelDirectory(folder);
  if (!card)
    throw new ShuntError(
      'bad_model',
      `${folder} has no model.yaml. Add the model with \`shunt models add\`, which writes one.`,
    );
  const { name, version, dimensions } = card;
  return { name, version, dimensions, spec, fingerprint: await fingerprint(spec, dimensions, digests) };
}

async function listed(
  root: string,
  { name, version }: Located,
  aliases: Aliases,
  digests: DigestBook,
): Promise<ListedModel> {
  const folder = join(root, name, version);
  const pointing = Object.keys(aliases).filter((alias) => aliases[alias].active === `${name}@${version}`);
  const base = { name, version, folder, aliases: pointing };
  try {
    const { spec, dimensions, fingerprint: print } = await openModel(folder, digests);
    const sizes = await Promise.all((await weightFiles(spec.weights)).map(async (file) => (await stat(file)).size));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const licence = (await readCard(folder))?.licence ?? '';
    return {
      ...base,
      model: { kind: spec.kind, dimensions, maxTokens: spec.maxTokens, bytes, licence, fingerprint: print },
      problem: null,
    };
  } catch (error) {
    return { ...base, model: null, problem: messageOf(error) };
  }
}

async function checkModel(root: string, { name, version }: Located): Promise<ModelCheck> {
  const folder = join(root, name, version);
  const reference = `${name}@${version}`;
  // A fresh book: a check reads every byte.
  const digests = new DigestBook();
  const problems: string[] = [];
  try {
    const resolved = await openModel(folder, digests);
    problems.push(...(await digestProblems(folder, digests)));
    if (`${resolved.name}@${resolved.version}` !== reference)
      problems.push(`its card calls it ${resolved.name}@${resolved.version}`);
    const { spec } = resolved;
    const embedder = await createEmbedder(
      { ...resolved, spec: { ...spec, probes: [] } },
      { alias: reference, cacheMb: 0 },
    );
    try {
      const probes = await runProbes(embedder, spec.probes, spec.dtype);
      if (!probes.passed)
        problems.push(
          `probe ${JSON.stringify(probes.worstText)}: cosine ${probes.worst.toFixed(5)}, ${probes.required} is required`,
        );
      if (probes.probes === 0) problems.push('its card has no golden probes');
      return { reference, folder, fingerprint: resolved.fingerprint, probes, problems };
    } finally {
      await embedder.close();
    }
  } catch (error) {
    return { reference, folder, fingerprint: null, probes: null, problems: [...problems, messageOf(error)] };
  }
}

async function digestProblems(folder: string, digests: DigestBook): Promise<string[]> {
  const problems: string[] = [];
  for (const [file, expected] of Object.entries((await readCard(folder))?.digests ?? {})) {
    const found = await digests.digest(join(folder, file)).catch(() => null);
    if (found === null) problems.push(`${file} is missing`);
    else if (found !== expected) problems.push(`${file} has digest ${found}, its card says ${expected}`);
  }
  return problems;
}
