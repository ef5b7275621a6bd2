import { describe, expect, it } from 'vitest';
import { readModelDirectory } from '../../src/embedding/model-directory.ts';
import { openOnnxSession } from '../../src/embedding/onnx-session.ts';
import { readTokenizer } from '../../src/embedding/read-tokenizer.ts';
import {
  cosine,
  dimensions,
  expectedVector,
  type Files,
  floatRow,
  idsOf,
  quantisedRow,
  type Shape,
  transformerFiles,
  typedRow,
  writeFolder,
} from './tiny-models.ts';

const bert: Shape = { inputs: ['attention_mask', 'token_type_ids'], output: 'tokens', weights: 'fp32' };
const texts = ['translate to french', 'hello', 'what is the capital of the worlds , good morning ?', 'a strange text'];

function poolingConfig(config: object): Files {
  return {
    'modules.json': [
      { idx: 0, path: '', type: 'sentence_transformers.models.Transformer' },
      { idx: 1, path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
    ],
    '1_Pooling/config.json': { word_embedding_dimension: dimensions, ...config },
  };
}

/** Embeds all texts as one batch, on this thread. */
async function vectorsOf(files: Files): Promise<readonly Float32Array[]> {
  const { spec } = await readModelDirectory(writeFolder(files));
  const [session, tokenizer] = [await openOnnxSession(spec), await readTokenizer(spec)];
  const ids = texts.map((text) => tokenizer.encode(text, spec.maxTokens).ids.slice());
  expect(ids.map((list) => [...list])).toEqual(texts.map((text) => idsOf(text)));
  const vectors = await session.run(ids, tokenizer.padId);
  await session.close();
  return vectors;
}

interface Case {
  readonly title: string;
  readonly files: Files;
  readonly row: (id: number) => number[];
  readonly pooling: 'mean' | 'cls' | 'last';
}

const modes = { pooling_mode_cls_token: false, pooling_mode_mean_tokens: false, pooling_mode_max_tokens: false };

const cases: readonly Case[] = [
  { title: 'mean pooling, the default', files: transformerFiles(bert), row: typedRow, pooling: 'mean' },
  {
    title: 'mean pooling by its config',
    files: transformerFiles(bert, poolingConfig({ ...modes, pooling_mode_mean_tokens: true })),
    row: typedRow,
    pooling: 'mean',
  },
  {
    title: 'cls pooling',
    files: transformerFiles(bert, poolingConfig({ ...modes, pooling_mode_cls_token: true })),
    row: typedRow,
    pooling: 'cls',
  },
  {
    title: 'last-token pooling',
    files: transformerFiles(bert, poolingConfig({ ...modes, pooling_mode_lasttoken: true })),
    row: typedRow,
    pooling: 'last',
  },
  {
    title: 'pooling in the newer config form',
    files: transformerFiles(bert, poolingConfig({ pooling_mode: 'cls' })),
    row: typedRow,
    pooling: 'cls',
  },
  {
    title: 'no token_type_ids',
    files: transformerFiles({ ...bert, inputs: ['attention_mask'] }),
    row: floatRow,
    pooling: 'mean',
  },
  {
    title: 'no attention mask, so nothing may be padded',
    files: transformerFiles({ ...bert, inputs: [] }),
    row: floatRow,
    pooling: 'mean',
  },
  {
    title: 'a graph that pools itself',
    files: transformerFiles({ ...bert, output: 'pooled' }),
    row: typedRow,
    pooling: 'mean',
  },
  {
    title: 'fp16 weights and output',
    files: transformerFiles({ inputs: ['attention_mask'], output: 'tokens', weights: 'fp16' }),
    row: floatRow,
    pooling: 'mean',
  },
  {
    title: 'int8 weights',
    files: transformerFiles({ inputs: ['attention_mask'], output: 'tokens', weights: 'int8' }),
    row: quantisedRow,
    pooling: 'mean',
  },
];

describe('a graph of each exported shape gives the vectors that its weights say', () => {
  it.each(cases)('$title', async ({ files, row, pooling }) => {
    const vectors = await vectorsOf(files);
    for (const [i, text] of texts.entries()) {
      expect(cosine(vectors[i], expectedVector(idsOf(text), row, pooling))).toBeGreaterThan(0.999999);
      expect(Math.hypot(...vectors[i])).toBeCloseTo(1, 5);
    }
  });
});

describe('a session', () => {
  it('gives zeros for a text without tokens, wherever it stands in the batch', async () => {
    const { spec } = await readModelDirectory(writeFolder(transformerFiles(bert)));
    const session = await openOnnxSession(spec);
    const [empty, full] = await session.run([new Int32Array(0), Int32Array.of(2, 4, 3)], 0);
    expect([...empty]).toEqual(new Array(dimensions).fill(0));
    expect(cosine(full, expectedVector([2, 4, 3], typedRow, 'mean'))).toBeGreaterThan(0.999999);
    await session.close();
  });

  it('refuses vectors of another length than declared', async () => {
    const { spec } = await readModelDirectory(
      writeFolder(transformerFiles(bert, { 'config.json': { hidden_size: 384 } })),
    );
    const session = await openOnnxSession(spec);
    await expect(session.run([Int32Array.of(2, 3)], 0)).rejects.toThrow(/gives 8 dimensions where 384 are declared/);
    await session.close();
  });

  it('refuses a vector a token when its card says that the graph pools', async () => {
    const { spec } = await readModelDirectory(writeFolder(transformerFiles(bert)));
    const session = await openOnnxSession({ ...spec, pooling: 'none' });
    await expect(session.run([Int32Array.of(2, 3)], 0)).rejects.toThrow(/pooling: none/);
    await session.close();
  });

  it('reports an id outside the vocabulary as its own failure, not as a crash', async () => {
    const { spec } = await readModelDirectory(writeFolder(transformerFiles(bert)));
    const session = await openOnnxSession(spec);
    await expect(session.run([Int32Array.of(5_000)], 0)).rejects.toMatchObject({ code: 'embedder_failed' });
    await session.close();
  });
});
