/**
 * Batches of token ids → unit vectors through onnxruntime, for every graph shape that embedding exports come in:
 *
 *     inputs   input_ids [texts, width] (+ attention_mask) (+ token_type_ids)      transformers
 *              input_ids [tokens], offsets [texts]                                 static exports (embedding bags)
 *     outputs  2-D: the graph pools;  3-D: one vector a token, pooled here
 *
 * `run` blocks the thread that calls it (the runtime is only wrapped in setImmediate), hence the worker. One thread for
 * the arithmetic: a request's latency must not depend on how many cores other work left free.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { messageOf, ShuntError } from '../base/errors.ts';
import { normalise, type UnitVector } from '../base/vector.ts';
import { widenHalves } from './half.ts';
import type { ModelSpec } from './model-directory.ts';
import { pool } from './pooling.ts';

const knownInputs = new Set(['input_ids', 'attention_mask', 'token_type_ids', 'offsets']);
/** Wanted outputs, best first; any other graph gives its first output. */
const preferredOutputs = ['sentence_embedding', 'last_hidden_state', 'token_embeddings', 'embeddings'];

export interface OnnxSession {
  /** One unit vector a text, in order; texts without tokens get zeros. Rejects with `embedder_failed` or `bad_model`. */
  run(batch: readonly Int32Array[], padId: number): Promise<readonly UnitVector[]>;
  close(): Promise<void>;
}

type SessionSpec = Pick<ModelSpec, 'weights' | 'pooling' | 'dimensions'>;

/** Throws `bad_model` when the file is no model or asks for inputs that nobody has. */
export async function openOnnxSession(spec: SessionSpec): Promise<OnnxSession> {
  const session = await openSession(spec.weights);
  const inputs = inputTypes(session, spec.weights);
  const output = preferredOutputs.find((name) => session.outputNames.includes(name)) ?? session.outputNames[0];
  const graph: Graph = { session, spec, inputs, output };
  return {
    async run(batch, padId) {
      const vectors: UnitVector[] = [];
      for (const group of groups(batch, graph)) {
        const found = await runGroup(
          graph,
          group.map((row) => batch[row]),
          padId,
        );
        for (const [i, row] of group.entries()) vectors[row] = found[i];
      }
      const width = spec.dimensions ?? vectors.find((vector) => vector !== undefined)?.length ?? 0;
      return Array.from(batch, (_, row) => vectors[row] ?? (new Float32Array(width) as UnitVector));
    },
    close: () => session.release(),
  };
}

interface Graph {
  readonly session: InferenceSession;
  readonly spec: SessionSpec;
  /** Name of each input → its tensor type. */
  readonly inputs: ReadonlyMap<string, string>;
  readonly output: string;
}

async function openSession(file: string): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 });
  } catch (error) {
    const words = messageOf(error).split('\n')[0];
    throw new ShuntError(
      'bad_model',
      `${file} cannot be loaded: ${words}. Fetch it again (with its .onnx_data file, if it has one) and compare checksums.`,
      { cause: error },
    );
  }
}

function inputTypes(session: InferenceSession, file: string): Map<string, string> {
  const types = new Map(session.inputMetadata.map((input) => [input.name, input.isTensor ? input.type : 'none']));
  const foreign = [...types.keys()].filter((name) => !knownInputs.has(name));
  if (foreign.length === 0 && types.has('input_ids')) return types;
  const problem = foreign.length ? `asks for ${foreign.join(', ')}` : 'takes no input_ids';
  throw new ShuntError(
    'bad_model',
    `${file} ${problem}. Export the model for feature extraction: input_ids, attention_mask and token_type_ids are understood.`,
  );
}

/** Rows that may run together. Without an attention mask padding would count, so only texts of equal length do. */
function groups(batch: readonly Int32Array[], graph: Graph): number[][] {
  const byLength = new Map<number, number[]>();
  const mayPad = graph.inputs.has('attention_mask') || graph.inputs.has('offsets');
  for (const [row, ids] of batch.entries()) {
    if (ids.length === 0) continue;
    const key = mayPad ? 0 : ids.length;
    const group = byLength.get(key);
    if (group) group.push(row);
    else byLength.set(key, [row]);
  }
  return [...byLength.values()];
}

async function runGroup(graph: Graph, batch: readonly Int32Array[], padId: number): Promise<UnitVector[]> {
  const feeds = graph.inputs.has('offsets') ? bagFeeds(graph, batch) : rowFeeds(graph, batch, padId);
  let result: InferenceSession.ReturnType;
  try {
    result = await graph.session.run(feeds, [graph.output]);
  } catch (error) {
    throw new ShuntError(
      'embedder_failed',
      `${graph.spec.weights} failed on a batch of ${batch.length}: ${messageOf(error).split('\n')[0]}`,
      { cause: error },
    );
  }
  return vectorsOf(graph, result[graph.output], batch);
}

function rowFeeds(graph: Graph, batch: readonly Int32Array[], padId: number): Record<string, Tensor> {
  const width = Math.max(...batch.map((ids) => ids.length));
  const size = batch.length * width;
  const ids = new Int32Array(size).fill(padId);
  const mask = new Int32Array(size);
  for (const [row, own] of batch.entries()) {
    ids.set(own, row * width);
    mask.fill(1, row * width, row * width + own.length);
  }
  const values: Readonly<Record<string, Int32Array>> = {
    input_ids: ids,
    attention_mask: mask,
    token_type_ids: new Int32Array(size),
  };
  return Object.fromEntries(
    [...graph.inputs].map(([name, type]) => [name, integers(values[name], type, [batch.length, width])]),
  );
}

function bagFeeds(graph: Graph, batch: readonly Int32Array[]): Record<string, Tensor> {
  const ids = new Int32Array(batch.reduce((sum, own) => sum + own.length, 0));
  const offsets = new Int32Array(batch.length);
  let at = 0;
  for (const [row, own] of batch.entries()) {
    offsets[row] = at;
    ids.set(own, at);
    at += own.length;
  }
  return {
    input_ids: integers(ids, graph.inputs.get('input_ids'), [ids.length]),
    offsets: integers(offsets, graph.inputs.get('offsets'), [offsets.length]),
  };
}

function integers(values: Int32Array, type: string | undefined, shape: readonly number[]): Tensor {
  if (type === 'int32') return new Tensor('int32', values, shape);
  // Low words of the int64s, without a BigInt a value. Every platform of Node is little-endian; ids are not negative.
  const wide = new BigInt64Array(values.length);
  const words = new Int32Array(wide.buffer);
  for (let i = 0; i < values.length; i++) words[i * 2] = values[i];
  return new Tensor('int64', wide, shape);
}

function vectorsOf(graph: Graph, output: Tensor, batch: readonly Int32Array[]): UnitVector[] {
  const { spec } = graph;
  const values = floats(output, graph);
  const shape = output.dims;
  const dimensions = shape.at(-1) ?? 0;
  if (spec.dimensions !== null && dimensions !== spec.dimensions) {
    throw new ShuntError(
      'bad_model',
      `${spec.weights} gives ${dimensions} dimensions where ${spec.dimensions} are declared. Mend \`dimensions\` in its card or config.`,
    );
  }
  if (shape.length === 2 && shape[0] === batch.length) {
    return batch.map((_, row) => normalise(values.slice(row * dimensions, (row + 1) * dimensions)));
  }
  if (shape.length !== 3 || shape[0] !== batch.length) {
    throw new ShuntError(
      'bad_model',
      `${spec.weights}: output ${graph.output} has shape [${shape.join(', ')}]; one vector a text or a token is understood.`,
    );
  }
  const { pooling } = spec;
  if (pooling === 'none') {
    throw new ShuntError(
      'bad_model',
      `${spec.weights} gives a vector a token, but its card says pooling: none. Set mean, cls or last.`,
    );
  }
  const tokens = { values, width: shape[1], dimensions };
  return batch.map((ids, row) => normalise(pool(tokens, row, ids.length, pooling)));
}

function floats(output: Tensor, graph: Graph): Float32Array {
  const { data } = output;
  if (data instanceof Float32Array) return data;
  if (output.type === 'float16' && data instanceof Uint16Array) return widenHalves(data);
  throw new ShuntError(
    'bad_model',
    `${graph.spec.weights}: output ${graph.output} holds ${output.type}; float32 and float16 are understood.`,
  );
}
