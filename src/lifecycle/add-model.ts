/**
 * Takes an embedding model as downloaded into `models/<name>/<version>/`: reads its configs, runs it, copies what is
 * needed and writes a card with digests and golden probes. The folder appears whole (it is filled under another name and
 * renamed) or not at all.
 */
import { copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { messageOf, ShuntError } from '../base/errors.ts';
import { createEmbedder } from '../embedding/create-embedder.ts';
import { measureDimensions } from '../embedding/measure-dimensions.ts';
import { cardFile, modelCardSchema, type Probe } from '../embedding/model-card.ts';
import { type Dtype, type ModelSpec, readModelDirectory } from '../embedding/model-directory.ts';
import { DigestBook, tokenizerFiles, weightFiles } from './fingerprint.ts';

export interface AddModelOptions {
  /** Default: the folder's name. */
  readonly name?: string;
  /** Default: one more than the highest numbered version there is. */
  readonly version?: string;
  readonly weights?: string;
  readonly dtype?: Dtype;
  readonly maxTokens?: number;
  readonly queryPrefix?: string;
  readonly documentPrefix?: string;
  readonly licence?: string;
  readonly source?: string;
}

export interface AddedModel {
  readonly reference: string;
  readonly folder: string;
  readonly dimensions: number;
  /** Static: runs inline, in microseconds. */
  readonly inline: boolean;
  readonly notes: readonly string[];
}

/** Throws `bad_model` when the folder holds no model that runs, or the version is taken. */
export async function addModel(
  modelsFolder: string,
  source: string,
  options: AddModelOptions = {},
): Promise<AddedModel> {
  const found = await readModelDirectory(source, { weights: options.weights, dtype: options.dtype });
  const spec = withChoices(found.spec, options);
  const name = options.name ?? found.card?.name ?? slug(basename(resolve(source)));
  const version = options.version ?? String(await nextVersion(join(modelsFolder, name)));
  const folder = join(modelsFolder, name, version);
  const dimensions = await measureDimensions(spec);
  await requireFree(folder);
  const partial = join(modelsFolder, name, `.${version}.${process.pid}.partial`);
  try {
    await mkdir(partial, { recursive: true });
    await copyFiles(spec, partial);
    const inline = await writeCard(partial, spec, { name, version, dimensions, options });
    await rename(partial, folder);
    return { reference: `${name}@${version}`, folder, dimensions, inline, notes: found.notes };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (error instanceof ShuntError) throw error;
    throw new ShuntError(
      'bad_model',
      `${folder} cannot be written: ${messageOf(error)}. Check the permissions and the space left.`,
      { cause: error },
    );
  }
}

function withChoices(spec: ModelSpec, options: AddModelOptions): ModelSpec {
  return {
    ...spec,
    maxTokens: options.maxTokens ?? spec.maxTokens,
    prefixes: {
      query: options.queryPrefix ?? spec.prefixes.query,
      document: options.documentPrefix ?? spec.prefixes.document,
    },
  };
}

/** External data keep their names, which the ONNX file holds. */
async function copyFiles(spec: ModelSpec, target: string): Promise<void> {
  for (const file of [...(await weightFiles(spec.weights)), ...(await tokenizerFiles(spec.tokenizer))]) {
    await copyFile(file, join(target, basename(file)));
  }
}

interface Named {
  readonly name: string;
  readonly version: string;
  readonly dimensions: number;
  readonly options: AddModelOptions;
}

/** Writes the card; returns whether the model runs inline. */
async function writeCard(
  folder: string,
  spec: ModelSpec,
  { name, version, dimensions, options }: Named,
): Promise<boolean> {
  const book = new DigestBook();
  const digests: Record<string, string> = {};
  for (const file of (await readdir(folder)).sort()) digests[file] = await book.digest(join(folder, file));
  const card = {
    name,
    version,
    task: 'sentence-embedding',
    kind: spec.kind,
    licence: options.licence ?? '',
    source: options.source ?? '',
    weights: basename(spec.weights),
    dtype: spec.dtype,
    dimensions,
    max_tokens: spec.maxTokens,
    pooling: spec.pooling,
    normalise: true,
    truncation: spec.truncation,
    special_tokens: spec.specialTokens,
    drop_unknown: spec.dropUnknown,
    prefixes: spec.prefixes,
    ...(spec.static ? { static: spec.static } : {}),
    digests,
  };
  const checked = modelCardSchema.safeParse(card);
  if (!checked.success) {
    const faults = checked.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    throw new ShuntError('bad_model', `The model cannot be added: ${faults}. Choose --name and --version accordingly.`);
  }
  await writeFile(join(folder, cardFile), toYaml(card));
  const { probes, inline } = await goldenProbes(folder, { name, version, dimensions, options });
  const probeFile = `{"probes": [\n${probes.map((probe) => JSON.stringify(probe)).join(',\n')}\n]}\n`;
  await writeFile(join(folder, 'probes.json'), probeFile);
  digests['probes.json'] = await book.digest(join(folder, 'probes.json'));
  await writeFile(
    join(folder, cardFile),
    `# Written by \`shunt models add\`.\n${toYaml({ ...card, probes: 'probes.json' })}`,
  );
  return inline;
}

async function goldenProbes(
  folder: string,
  { name, version, dimensions }: Named,
): Promise<{ readonly probes: Probe[]; readonly inline: boolean }> {
  const { spec } = await readModelDirectory(folder);
  const embedder = await createEmbedder(
    { name, version, fingerprint: '', dimensions, spec },
    { alias: name, cacheMb: 0 },
  );
  try {
    const probes: Probe[] = [];
    for (const role of ['query', 'document'] as const) {
      const texts = role === 'query' ? probeTexts : probeTexts.slice(0, 4);
      const embeddings = await embedder.embed(texts, { role });
      probes.push(
        ...embeddings.map(({ vector }, i) => ({
          text: texts[i],
          role,
          vector: Array.from(vector, (value) => Math.round(value * 1e6) / 1e6),
        })),
      );
    }
    return { probes, inline: embedder.embedInline !== null };
  } finally {
    await embedder.close();
  }
}

/** Short and long, several scripts, code, digits, marks: what a wrong tokenizer or runtime would show on. */
const probeTexts = [
  'Translate to French: good morning',
  'What is the capital of Australia?',
  'passage: the invoice of last month has not arrived yet',
  'Summarise the thread below in three bullet points.',
  "I'd like to cancel my order, don't ship it!",
  'SELECT name, count(*) FROM users GROUP BY name HAVING count(*) > 1;',
  'def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)',
  'Convert this CSV to JSON: id,name\n1,Ann\n2,Bo',
  'naïve café — déjà vu, Übergröße, Łódź',
  '今天天气怎么样？',
  'Как дела?',
  '😀👍🏽 ❤️ party time!!!',
  '1,234.56 EUR on 2024-02-29 at 23:59',
  'WHAT TIME IS IT IN TOKYO',
  'antidisestablishmentarianism',
  'a',
  'prove that the square root of 2 is irrational, step by step. '.repeat(40),
];

async function nextVersion(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  return Math.max(0, ...names.filter((name) => /^\d+$/.test(name)).map(Number)) + 1;
}

async function requireFree(folder: string): Promise<void> {
  const taken = await readdir(folder).then(
    () => true,
    () => false,
  );
  if (taken)
    throw new ShuntError(
      'bad_model',
      `${folder} exists already. Versions do not change: choose another one with --version.`,
    );
}

function slug(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'model';
}
