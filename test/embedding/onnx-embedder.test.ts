import { describe, expect, it } from 'vitest';
import { createEmbedder } from '../../src/embedding/create-embedder.ts';
import { readModelDirectory } from '../../src/embedding/model-directory.ts';
import { testEmbedder } from './embedder-contract.ts';
import {
  cosine,
  dimensions,
  expectedVector,
  type Files,
  idsOf,
  type Shape,
  transformerFiles,
  typedRow,
  writeFolder,
} from './tiny-models.ts';

const bert: Shape = { inputs: ['attention_mask', 'token_type_ids'], output: 'tokens', weights: 'fp32' };

async function open(files: Files, cacheMb = 0) {
  const { spec } = await readModelDirectory(writeFolder(files));
  return createEmbedder(
    { name: 'tiny', version: '1', fingerprint: 'sha256:0', dimensions, spec },
    { alias: 'default', cacheMb },
  );
}

const short = { 'sentence_bert_config.json': { max_seq_length: 24 } };

testEmbedder('a transformer in its worker', () => open(transformerFiles(bert, short)));
testEmbedder('a transformer behind the cache', () => open(transformerFiles({ ...bert, inputs: [] }, short), 1));

describe('a transformer with prompts in its config', () => {
  it('puts them before queries and documents', async () => {
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
