import { describe, expect, it } from 'vitest';
import { createEmbedder, type ResolvedModel } from '../../src/embedding/create-embedder.ts';
import { readModelDirectory } from '../../src/embedding/model-directory.ts';
import { testEmbedder } from './embedder-contract.ts';
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

async function resolved(files: Files): Promise<ResolvedModel> {
  const { spec } = await readModelDirectory(writeFolder(files));
  return { name: 'tiny', version: '1', fingerprint: 'sha256:0', dimensions, spec };
}

const open = async (files: Files) => createEmbedder(await resolved(files), { alias: 'default', cacheMb: 0 });

function poolingConfig(mode: string): Files {
  return {
    'modules.json': [
      { idx: 0, path: '', type: 'sentence_transformers.models.Transformer' },
      { idx: 1, path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
    ],
    '1_Pooling/config.json': {
      word_embedding_dimension: dimensions,
      pooling_mode_cls_token: false,
      pooling_mode_mean_tokens: false,
      [mode]: true,
    },
  };
}

testEmbedder('a transformer in its worker', () =>
  open(transformerFiles(bert, { 'sentence_bert_config.json': { max_seq_length: 24 } })),
);

describe('a transformer of each exported shape gives the vectors that its weights say', () => {
  const texts = [
    'translate to french',
    'hello',
    'what is the capital of the worlds , good morning ?',
    'a strange text',
  ];
  const cases: readonly {
    readonly title: string;
    readonly files: Files;
    readonly row: typeof floatRow;
    readonly pooling: 'mean' | 'cls' | 'last';
  }[] = [
    { title: 'mean pooling, the default', files: transformerFiles(bert), row: typedRow, pooling: 'mean' },
    {
      title: 'mean pooling by its config',
      files: transformerFiles(bert, poolingConfig('pooling_mode_mean_tokens')),
      row: typedRow,
      pooling: 'mean',
    },
    {
      title: 'cls pooling',
      files: transformerFiles(bert, poolingConfig('pooling_mode_cls_token')),
      row: typedRow,
      pooling: 'cls',
    },
    {
      title: 'last-token pooling',
      files: transformerFiles(bert, poolingConfig('pooling_mode_lasttoken')),
      row: typedRow,
      pooling: 'last',
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

  it.each(cases)('$title', async ({ files, row, pooling }) => {
    const embedder = await open(files);
    try {
      const embeddings = await embedder.embed(texts);
      for (const [i, text] of texts.entries()) {
        expect(cosine(embeddings[i].vector, expectedVector(idsOf(text), row, pooling))).toBeGreaterThan(0.999999);
        expect(embeddings[i].tokens).toBe(idsOf(text).length);
      }
    } finally {
      await embedder.close();
    }
  });
});

describe('prefixes', () => {
  it('puts the prompts of the config before queries and documents', async () => {
    const prompts = { 'config_sentence_transformers.json': { prompts: { query: 'what is ', passage: 'code . ' } } };
    const embedder = await open(transformerFiles(bert, prompts));
    try {
      const [asQuery] = await embedder.embed(['the capital'], { role: 'query' });
      const [asDocument] = await embedder.embed(['the capital'], { role: 'document' });
      expect(cosine(asQuery.vector, expectedVector(idsOf('what is the capital'), typedRow, 'mean'))).toBeGreaterThan(
        0.999999,
      );
      expect(cosine(asDocument.vector, expectedVector(idsOf('code . the capital'), typedRow, 'mean'))).toBeGreaterThan(
        0.999999,
      );
    } finally {
      await embedder.close();
    }
  });
});
