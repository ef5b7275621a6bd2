/**
 * Tiny embedding models of every shape, with seeded weights, written to a folder as their exporters would; and their
 * vectors computed here in plain arithmetic, which the embedders must give.
 *
 * The "transformer" gives token t the vector table[id] (+ types[0]) (+ positional drift), so pooling is all that matters.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import {
  bytes,
  floats,
  halves,
  longs,
  onnxModel,
  type WrittenGraph,
  type WrittenNode,
  type WrittenTensor,
} from './onnx-writer.ts';

export const dimensions = 8;

const words = [
  'translate',
  'to',
  'french',
  'good',
  'morning',
  'what',
  'is',
  'the',
  'capital',
  'of',
  'hello',
  'world',
  'code',
  'a',
  '.',
  '?',
  ',',
];

/** A BERT-like vocabulary; `##s` is the only inner piece. */
export const vocabulary: Readonly<Record<string, number>> = Object.fromEntries(
  ['[PAD]', '[UNK]', '[CLS]', '[SEP]', ...words, '##s'].map((piece, id) => [piece, id]),
);

export function bertTokenizer(template: boolean): object {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: ['[PAD]', '[UNK]', '[CLS]', '[SEP]'].map((content) => ({
      id: vocabulary[content],
      content,
      special: true,
      normalized: false,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: template
      ? {
          type: 'TemplateProcessing',
          single: [
            { SpecialToken: { id: '[CLS]', type_id: 0 } },
            { Sequence: { id: 'A', type_id: 0 } },
            { SpecialToken: { id: '[SEP]', type_id: 0 } },
          ],
          pair: [],
          special_tokens: {},
        }
      : null,
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: vocabulary,
    },
  };
}

/** Ids of a text in that vocabulary, the simple way: lower case, words and marks apart, `##s` for a plural. */
export function idsOf(text: string, template = true): number[] {
  const inner = (text.toLowerCase().match(/[a-z]+|[^a-z\s]/g) ?? []).flatMap((word) => {
    if (vocabulary[word] !== undefined) return [vocabulary[word]];
    const stem = vocabulary[word.slice(0, -1)];
    return word.endsWith('s') && stem !== undefined ? [stem, vocabulary['##s']] : [vocabulary['[UNK]']];
  });
  return template ? [vocabulary['[CLS]'], ...inner, vocabulary['[SEP]']] : inner;
}

const rows = Object.keys(vocabulary).length;

/** Multiples of 1/16: exact in half precision. */
export const table = seeded(rows * dimensions, 7, (random) => Math.round((random * 2 - 1) * 16) / 16);
export const typeTable = seeded(2 * dimensions, 8, (random) => Math.round((random * 2 - 1) * 8) / 16);
export const quantised = Int8Array.from(seeded(rows * dimensions, 9, (random) => Math.round((random * 2 - 1) * 127)));
export const scales = seeded(rows, 10, (random) => 0.002 + random * 0.02);

function seeded(count: number, seed: number, shape: (random: number) => number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return shape(state / 2_147_483_647);
  });
}

export type Inputs = readonly ('attention_mask' | 'token_type_ids' | 'position_ids')[];

export interface Shape {
  readonly inputs: Inputs;
  /** `tokens`: last_hidden_state; `pooled`: a sentence_embedding, the masked mean. */
  readonly output: 'tokens' | 'pooled';
  readonly weights: 'fp32' | 'fp16' | 'int8';
}

/** A transformer stand-in of the given shape. */
export function transformerGraph({ inputs, output, weights }: Shape): WrittenGraph {
  const nodes: WrittenNode[] = [];
  const tensors: WrittenTensor[] = [longs('axis1', [1]), longs('axis2', [2])];
  if (weights === 'int8') {
    tensors.push(bytes('table_q', [rows, dimensions], quantised), floats('scales', [rows], scales));
    nodes.push(
      { op: 'Gather', inputs: ['table_q', 'input_ids'], outputs: ['rows_q'] },
      { op: 'Cast', inputs: ['rows_q'], outputs: ['rows_f'], attributes: { to: 1 } },
      { op: 'Gather', inputs: ['scales', 'input_ids'], outputs: ['row_scales'] },
      { op: 'Unsqueeze', inputs: ['row_scales', 'axis2'], outputs: ['row_scales_3'] },
      { op: 'Mul', inputs: ['rows_f', 'row_scales_3'], outputs: ['words'] },
    );
  } else {
    tensors.push(
      weights === 'fp16' ? halves('table', [rows, dimensions], table) : floats('table', [rows, dimensions], table),
    );
    nodes.push({ op: 'Gather', inputs: ['table', 'input_ids'], outputs: ['words'] });
  }
  let hidden = 'words';
  if (inputs.includes('token_type_ids')) {
    tensors.push(floats('types', [2, dimensions], typeTable));
    nodes.push(
      { op: 'Gather', inputs: ['types', 'token_type_ids'], outputs: ['type_rows'] },
      { op: 'Add', inputs: [hidden, 'type_rows'], outputs: ['typed'] },
    );
    hidden = 'typed';
  }
  const type = weights === 'fp16' ? 'float16' : 'float';
  if (output === 'tokens') {
    nodes.push({ op: 'Identity', inputs: [hidden], outputs: ['last_hidden_state'] });
  } else {
    nodes.push(
      { op: 'Cast', inputs: ['attention_mask'], outputs: ['mask'], attributes: { to: 1 } },
      { op: 'Unsqueeze', inputs: ['mask', 'axis1'], outputs: ['mask_rows'] },
      { op: 'MatMul', inputs: ['mask_rows', hidden], outputs: ['sums'] },
      { op: 'Squeeze', inputs: ['sums', 'axis1'], outputs: ['sum'] },
      { op: 'ReduceSum', inputs: ['mask', 'axis1'], outputs: ['count'], attributes: { keepdims: 1 } },
      { op: 'Div', inputs: ['sum', 'count'], outputs: ['sentence_embedding'] },
    );
  }
  return {
    inputs: ['input_ids', ...inputs].map((name) => ({ name, type: 'int64', shape: ['batch', 'seq'] })),
    outputs:
      output === 'tokens'
        ? [{ name: 'last_hidden_state', type, shape: ['batch', 'seq', dimensions] }]
        : [{ name: 'sentence_embedding', type, shape: ['batch', dimensions] }],
    nodes,
    tensors,
  };
}

/** Like a potion export: flat ids, offsets of the texts, mean of each bag. `factor` other than 1 makes it more than a sum of rows. */
export function bagGraph(power: 1 | 3 = 1): WrittenGraph {
  return {
    inputs: [
      { name: 'input_ids', type: 'int64', shape: ['tokens'] },
      { name: 'offsets', type: 'int64', shape: ['texts'] },
    ],
    outputs: [{ name: 'embeddings', type: 'float', shape: ['texts', dimensions] }],
    tensors: [
      floats('table', [rows, dimensions], table),
      longs('zero', [0]),
      longs('one', [1]),
      longs('end', [1_000_000]),
      longs('start', [0], true),
      longs('step', [1], true),
      floats('power', [], Float32Array.of(power)),
    ],
    nodes: [
      { op: 'Gather', inputs: ['table', 'input_ids'], outputs: ['words'] },
      { op: 'Pow', inputs: ['words', 'power'], outputs: ['values'] },
      { op: 'Size', inputs: ['input_ids'], outputs: ['count'] },
      { op: 'Range', inputs: ['start', 'count', 'step'], outputs: ['places'] },
      { op: 'Unsqueeze', inputs: ['places', 'zero'], outputs: ['place_row'] },
      { op: 'Unsqueeze', inputs: ['offsets', 'one'], outputs: ['from'] },
      { op: 'Slice', inputs: ['offsets', 'one', 'end'], outputs: ['later'] },
      { op: 'Concat', inputs: ['later', 'end'], outputs: ['ends'], attributes: { axis: 0 } },
      { op: 'Unsqueeze', inputs: ['ends', 'one'], outputs: ['to'] },
      { op: 'GreaterOrEqual', inputs: ['place_row', 'from'], outputs: ['after'] },
      { op: 'Less', inputs: ['place_row', 'to'], outputs: ['before'] },
      { op: 'And', inputs: ['after', 'before'], outputs: ['member'] },
      { op: 'Cast', inputs: ['member'], outputs: ['members'], attributes: { to: 1 } },
      { op: 'MatMul', inputs: ['members', 'values'], outputs: ['sums'] },
      { op: 'ReduceSum', inputs: ['members', 'one'], outputs: ['sizes'], attributes: { keepdims: 1 } },
      { op: 'Div', inputs: ['sums', 'sizes'], outputs: ['embeddings'] },
    ],
  };
}

/** The graph that `models/training` writes: int8 rows and their scales, gathered, summed, normalised. */
export function ownStaticGraph(): WrittenGraph {
  return {
    inputs: ['input_ids', 'attention_mask'].map((name) => ({ name, type: 'int64', shape: ['batch', 'seq'] })),
    outputs: [{ name: 'sentence_embedding', type: 'float', shape: ['batch', dimensions] }],
    tensors: [
      bytes('token_embeddings_q', [rows, dimensions], quantised),
      floats('token_scales', [rows], scales),
      longs('one', [1]),
    ],
    nodes: [
      { op: 'Gather', inputs: ['token_embeddings_q', 'input_ids'], outputs: ['gathered'] },
      { op: 'Cast', inputs: ['gathered'], outputs: ['vectors'], attributes: { to: 1 } },
      { op: 'Gather', inputs: ['token_scales', 'input_ids'], outputs: ['gathered_scales'] },
      { op: 'Cast', inputs: ['attention_mask'], outputs: ['mask'], attributes: { to: 1 } },
      { op: 'Mul', inputs: ['gathered_scales', 'mask'], outputs: ['weights'] },
      { op: 'Unsqueeze', inputs: ['weights', 'one'], outputs: ['weight_rows'] },
      { op: 'MatMul', inputs: ['weight_rows', 'vectors'], outputs: ['sums'] },
      { op: 'Squeeze', inputs: ['sums', 'one'], outputs: ['sum'] },
      { op: 'ReduceL2', inputs: ['sum'], outputs: ['length'], attributes: { axes: [1], keepdims: 1 } },
      { op: 'Div', inputs: ['sum', 'length'], outputs: ['sentence_embedding'] },
    ],
  };
}

/** What the folder of a model holds, by relative path: bytes, text or JSON. */
export type Files = Readonly<Record<string, Uint8Array | string | object>>;

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** A new folder, gone when the tests of the file are through. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'shunt-model-'));
  made.push(folder);
  return folder;
}

export function writeFolder(files: Files, folder = temporaryFolder()): string {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(
      file,
      content instanceof Uint8Array || typeof content === 'string' ? content : JSON.stringify(content),
    );
  }
  return folder;
}

/** A sentence-transformers folder, as downloaded. */
export function transformerFiles(shape: Shape, more: Files = {}): Files {
  return {
    'onnx/model.onnx': onnxModel(transformerGraph(shape)),
    'tokenizer.json': bertTokenizer(true),
    'tokenizer_config.json': { model_max_length: 512, pad_token: '[PAD]' },
    'config.json': { model_type: 'bert', hidden_size: dimensions, max_position_embeddings: 512 },
    ...more,
  };
}

export function staticFiles(graph: WrittenGraph, more: Files = {}): Files {
  return {
    'onnx/model.onnx': onnxModel(graph),
    'tokenizer.json': bertTokenizer(false),
    'config.json': { model_type: 'model2vec', hidden_dim: dimensions },
    ...more,
  };
}

/** Our own card and files. */
export function ownFiles(card: object = {}): Files {
  const full = {
    name: 'tiny',
    version: 1,
    kind: 'static',
    dimensions,
    max_tokens: 32,
    pooling: 'none',
    static: { table: 'token_embeddings_q', scales: 'token_scales' },
    ...card,
  };
  return {
    'model.onnx': onnxModel(ownStaticGraph()),
    'tokenizer.json': bertTokenizer(false),
    'model.yaml': JSON.stringify(full),
  };
}

/** Expected vector: rows of one table, pooled, normalised, in double precision. */
export function expectedVector(
  ids: readonly number[],
  row: (id: number) => readonly number[],
  pooling: 'mean' | 'cls' | 'last',
): number[] {
  const chosen = pooling === 'mean' ? ids : pooling === 'cls' ? ids.slice(0, 1) : ids.slice(-1);
  const sum = new Array<number>(dimensions).fill(0);
  for (const id of chosen) for (const [j, value] of row(id).entries()) sum[j] += value;
  const length = Math.hypot(...sum);
  return sum.map((value) => value / length);
}

export function floatRow(id: number): number[] {
  return [...table.subarray(id * dimensions, (id + 1) * dimensions)];
}

export function typedRow(id: number): number[] {
  return floatRow(id).map((value, j) => value + typeTable[j]);
}

export function quantisedRow(id: number): number[] {
  return [...quantised.subarray(id * dimensions, (id + 1) * dimensions)].map((value) => value * scales[id]);
}

export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let product = 0;
  for (let i = 0; i < a.length; i++) product += a[i] * b[i];
  return product / (Math.hypot(...Array.from(a)) * Math.hypot(...Array.from(b)));
}
