/**
 * A resolved model → a running embedder: static models on the calling thread, transformers in a worker, both behind a
 * cache and behind their golden probes.
 *
 * A static model as downloaded has a graph of its own. Its table is summed here only if that gives what the graph gives;
 * otherwise the graph runs like any other, in the worker.
 */
import { readFile } from 'node:fs/promises';
import { messageOf, ShuntError } from '../base/errors.ts';
import { dot, type UnitVector } from '../base/vector.ts';
import { cachedEmbedder } from './cached-embedder.ts';
import type { Embedder, EmbeddingIdentity } from './contract.ts';
import type { ModelSpec } from './model-directory.ts';
import { type OnnxEmbedderOptions, openOnnxEmbedder } from './onnx-embedder.ts';
import { readOnnxWeights } from './onnx-file.ts';
import { requireProbes } from './probe.ts';
import { readTokenizer } from './read-tokenizer.ts';
import { staticEmbedder } from './static-embedder.ts';
import { embedIds, type StaticTable, staticTable } from './static-table.ts';
import type { Tokenizer } from './tokenizer.ts';

/** A model of the registry: who it is and how to run it. */
export interface ResolvedModel {
  readonly name: string;
  readonly version: string;
  /** `sha256:…`, see lifecycle/fingerprint.ts. */
  readonly fingerprint: string;
  readonly dimensions: number;
  readonly spec: ModelSpec;
}

export interface EmbedderOptions {
  /** What the config calls the model. */
  readonly alias: string;
  /** Size of the embedding cache; 0 turns it off. */
  readonly cacheMb?: number;
  readonly onnx?: OnnxEmbedderOptions;
}

/** Throws `bad_model` when the model cannot be used or does not give its golden vectors. The caller closes the embedder. */
export async function createEmbedder(model: ResolvedModel, options: EmbedderOptions): Promise<Embedder> {
  const { name, version, fingerprint, dimensions, spec } = model;
  const identity: EmbeddingIdentity = {
    alias: options.alias,
    name,
    version,
    fingerprint,
    dimensions,
    maxTokens: spec.maxTokens,
  };
  const embedder = (await openStatic(identity, spec)) ?? (await openOnnxEmbedder({ identity, spec }, options.onnx));
  try {
    await requireProbes(embedder, spec.probes, spec.dtype);
  } catch (error) {
    await embedder.close();
    throw error;
  }
  const cacheMb = options.cacheMb ?? 16;
  return cacheMb > 0 ? cachedEmbedder(embedder, cacheMb * 1024 * 1024) : embedder;
}

async function openStatic(identity: EmbeddingIdentity, spec: ModelSpec): Promise<Embedder | null> {
  if (spec.kind !== 'static') return null;
  const tokenizer = await readTokenizer(spec);
  const table = await readTable(spec);
  if (!table || (!spec.static && !(await graphOnlySums(spec, tokenizer, table)))) return null;
  if (table.dimensions !== identity.dimensions) {
    throw new ShuntError(
      'bad_model',
      `${spec.weights} has ${table.dimensions} dimensions where its card says ${identity.dimensions}. Mend \`dimensions\` in the card.`,
    );
  }
  return staticEmbedder({ identity, prefixes: spec.prefixes, tokenizer, table });
}

/** The table that the card names, or the one that a downloaded file seems to hold (null when it holds none). */
async function readTable(spec: ModelSpec): Promise<StaticTable | null> {
  const bytes = await readFile(spec.weights).catch((error: unknown) => {
    throw new ShuntError('bad_model', `${spec.weights} cannot be read: ${messageOf(error)}.`, { cause: error });
  });
  const weights = readOnnxWeights(bytes, spec.weights);
  try {
    return staticTable(weights, spec.static, spec.weights);
  } catch (error) {
    if (spec.static) throw error;
    return null;
  }
}

const samples = [
  'a',
  'Translate to French: good morning',
  'What is the capital of Australia?',
  'SELECT 1; -- x = 3.14',
  'naïve café, 今天, 👍',
];

async function graphOnlySums(spec: ModelSpec, tokenizer: Tokenizer, table: StaticTable): Promise<boolean> {
  // Loaded here only: the runtime takes its time to load, and our own static model does without.
  const { openOnnxSession } = await import('./onnx-session.ts');
  const session = await openOnnxSession(spec);
  try {
    const ids = samples
      .map((text) => tokenizer.encode(text, spec.maxTokens).ids.slice())
      .filter((own) => own.length > 0);
    const expected = await session.run(ids, tokenizer.padId);
    return ids.every((own, i) => agree(table, own, expected[i]));
  } finally {
    await session.close();
  }
}

function agree(table: StaticTable, ids: Int32Array, expected: UnitVector): boolean {
  return (
    table.dimensions === expected.length &&
    ids.every((id) => id < table.rows) &&
    dot(embedIds(table, ids), expected) > 0.99999
  );
}
