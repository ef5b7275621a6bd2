/**
 * A folder with an embedding model → `ModelSpec`, which says everything needed to run it. Two kinds of folder are read:
 * one with our card (`model.yaml`), which then is the whole truth, and one as downloaded from a model hub, whose configs
 * are asked instead. Reads no weights.
 */
import { access, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { messageOf, ShuntError } from '../base/errors.ts';
import { readExportSettings, readJson } from './export-settings.ts';
import { cardFile, type ModelCard, modelCardSchema, type Probe, probeFileSchema } from './model-card.ts';
import type { StaticNames } from './static-table.ts';
import type { Truncation } from './tokenizer.ts';

export type Dtype = 'fp32' | 'fp16' | 'int8';

/** Plain data: it travels to the worker thread as it is. */
export interface ModelSpec {
  readonly folder: string;
  readonly kind: ModelCard['kind'];
  /** Absolute paths. */
  readonly weights: string;
  readonly tokenizer: string;
  readonly dtype: Dtype;
  /** Null when neither card nor configs say; the first run tells. */
  readonly dimensions: number | null;
  readonly maxTokens: number;
  /** What to do with a vector a token; a graph that pools itself ignores it. */
  readonly pooling: ModelCard['pooling'];
  readonly truncation: Truncation;
  readonly specialTokens: boolean;
  readonly dropUnknown: boolean;
  readonly prefixes: { readonly query: string; readonly document: string };
  readonly static: StaticNames | null;
  readonly probes: readonly Probe[];
}

export interface ModelDirectory {
  readonly spec: ModelSpec;
  /** Null for a folder as downloaded. */
  readonly card: ModelCard | null;
  /** What a user should know, such as a prefix that the configs do not tell. */
  readonly notes: readonly string[];
}

export interface DirectoryChoice {
  /** An ONNX file of the folder, when it holds several. */
  readonly weights?: string;
  readonly dtype?: Dtype;
}

/** Throws `bad_model` naming the file at fault and what to do. */
export async function readModelDirectory(folder: string, choice: DirectoryChoice = {}): Promise<ModelDirectory> {
  const root = resolve(folder);
  if (!(await exists(root)))
    throw bad(`There is no folder ${root}`, 'Give the folder that holds model.onnx and tokenizer.json');
  const card = await readCard(root);
  return card ? fromCard(root, card) : fromExport(root, choice);
}

/** The card of a folder, or null when it has none. */
export async function readCard(folder: string): Promise<ModelCard | null> {
  const file = join(folder, cardFile);
  if (!(await exists(file))) return null;
  let content: unknown;
  try {
    content = parseYaml(await readFile(file, 'utf8'));
  } catch (error) {
    throw bad(`${file} is not YAML: ${messageOf(error)}`, 'Mend it, or add the model again with `shunt models add`');
  }
  const parsed = modelCardSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the card'}: ${issue.message}`);
  throw bad(
    `${file} is not a model card: ${faults.join('; ')}`,
    'Mend it, or add the model again with `shunt models add`',
  );
}

async function fromCard(folder: string, card: ModelCard): Promise<ModelDirectory> {
  const probes =
    typeof card.probes === 'string' ? await readJson(join(folder, card.probes), probeFileSchema) : card.probes;
  if (!probes)
    throw bad(
      `${join(folder, cardFile)} names probes ${card.probes}, which is missing`,
      'Restore the file, or take `probes` out of the card',
    );
  const spec: ModelSpec = {
    folder,
    kind: card.kind,
    weights: await existing(folder, [card.weights]),
    tokenizer: await existing(folder, tokenizerPlaces),
    dtype: card.dtype ?? (card.static?.scales ? 'int8' : dtypeOf(card.weights)),
    dimensions: card.dimensions,
    maxTokens: card.max_tokens,
    pooling: card.pooling,
    truncation: card.truncation,
    specialTokens: card.special_tokens ?? card.kind === 'transformer',
    dropUnknown: card.drop_unknown,
    prefixes: card.prefixes,
    static: card.static ?? null,
    probes,
  };
  return { spec, card, notes: [] };
}

async function fromExport(folder: string, choice: DirectoryChoice): Promise<ModelDirectory> {
  const settings = await readExportSettings(folder);
  const weights = choice.weights ? await existing(folder, [choice.weights]) : await findWeights(folder, choice.dtype);
  const spec: ModelSpec = {
    folder,
    kind: settings.kind,
    weights,
    tokenizer: await existing(folder, tokenizerPlaces),
    dtype: choice.dtype ?? dtypeOf(weights),
    dimensions: settings.dimensions,
    maxTokens: settings.maxTokens,
    pooling: settings.pooling,
    truncation: settings.truncation,
    specialTokens: settings.kind === 'transformer',
    dropUnknown: settings.dropUnknown,
    prefixes: settings.prefixes,
    static: null,
    probes: [],
  };
  return { spec, card: null, notes: notesOn(spec, settings.modelName, settings.hasDense) };
}

const tokenizerPlaces = ['tokenizer.json', 'onnx/tokenizer.json', '0_StaticEmbedding/tokenizer.json'];

const weightNames: Readonly<Record<Dtype, readonly string[]>> = {
  fp32: ['model.onnx'],
  int8: [
    'model_quantized.onnx',
    'model_int8.onnx',
    'model_uint8.onnx',
    'model_quint8_avx2.onnx',
    'model_qint8_avx512.onnx',
    'model_qint8_avx512_vnni.onnx',
    'model_qint8_arm64.onnx',
  ],
  fp16: ['model_fp16.onnx'],
};

/** fp32 first: the reference that the others approximate. */
async function findWeights(folder: string, dtype: Dtype | undefined): Promise<string> {
  const names = dtype ? weightNames[dtype] : [...weightNames.fp32, ...weightNames.int8, ...weightNames.fp16];
  for (const name of names) {
    for (const place of [join(folder, name), join(folder, 'onnx', name)]) if (await exists(place)) return place;
  }
  const found = [...(await onnxFiles(folder, '')), ...(await onnxFiles(folder, 'onnx'))];
  if (found.length === 1 && dtype === undefined) return join(folder, found[0]);
  const has = found.length ? `it has ${found.join(', ')}` : 'it has no .onnx file';
  throw bad(
    `${folder} has none of ${names.slice(0, 4).join(', ')} (${has})`,
    'Download the ONNX export of the model (onnx/model.onnx), or name the file with --weights',
  );
}

async function onnxFiles(folder: string, inner: string): Promise<string[]> {
  const names = await readdir(join(folder, inner)).catch(() => []);
  return names.filter((name) => name.endsWith('.onnx')).map((name) => join(inner, name));
}

function dtypeOf(weights: string): Dtype {
  const name = basename(weights);
  if (/fp16/i.test(name)) return 'fp16';
  return /quantized|u?int8/i.test(name) ? 'int8' : 'fp32';
}

function notesOn(spec: ModelSpec, modelName: string, hasDense: boolean): string[] {
  const notes: string[] = [];
  const hint = `${modelName} ${basename(spec.folder)} ${basename(dirname(spec.folder))}`.toLowerCase();
  if (!spec.prefixes.query && !spec.prefixes.document) {
    if (/\be5\b/.test(hint))
      notes.push('This looks like an E5 model: it expects --query-prefix "query: " and --document-prefix "passage: ".');
    if (/\bbge\b/.test(hint))
      notes.push(
        'This looks like a BGE model: for retrieval its queries take --query-prefix "Represent this sentence for searching relevant passages: ".',
      );
  }
  if (hasDense)
    notes.push(
      'modules.json has a Dense step: the vectors are right only if the ONNX graph holds it (an output sentence_embedding).',
    );
  return notes;
}

async function existing(folder: string, places: readonly string[]): Promise<string> {
  for (const place of places) if (await exists(join(folder, place))) return join(folder, place);
  throw bad(`${folder} has no ${places[0]}`, `Download ${places[0]} of the model into that folder`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function bad(problem: string, fix: string): ShuntError {
  return new ShuntError('bad_model', `${problem}. ${fix}.`);
}
