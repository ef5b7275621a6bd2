import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readModelDirectory } from '../../src/embedding/model-directory.ts';
import {
  bagGraph,
  dimensions,
  type Files,
  ownFiles,
  type Shape,
  staticFiles,
  transformerFiles,
  writeFolder,
} from './tiny-models.ts';

const shape: Shape = { inputs: ['attention_mask'], output: 'tokens', weights: 'fp32' };
const files = (more: Files = {}) => transformerFiles(shape, more);
const without = (name: string, more: Files = {}) =>
  Object.fromEntries(Object.entries(files(more)).filter(([path]) => path !== name));

async function specOf(content: Files) {
  return (await readModelDirectory(writeFolder(content))).spec;
}

describe('a folder as downloaded', () => {
  it('is read by the configs of sentence-transformers', async () => {
    const spec = await specOf(
      files({
        'modules.json': [
          { path: '', type: 'sentence_transformers.models.Transformer' },
          { path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
        ],
        '1_Pooling/config.json': {
          word_embedding_dimension: dimensions,
          pooling_mode_cls_token: true,
          pooling_mode_mean_tokens: false,
        },
        'sentence_bert_config.json': { max_seq_length: 256, do_lower_case: false },
        'config_sentence_transformers.json': {
          prompts: { query: 'query: ', document: 'passage: ' },
          default_prompt_name: null,
        },
        'tokenizer_config.json': { model_max_length: 512, truncation_side: 'left' },
      }),
    );
    expect(spec).toMatchObject({
      kind: 'transformer',
      pooling: 'cls',
      maxTokens: 256,
      dimensions,
      truncation: 'left',
      specialTokens: true,
      dropUnknown: false,
      prefixes: { query: 'query: ', document: 'passage: ' },
    });
  });

  it.each([
    {
      title: 'the positions, when nothing else is said',
      config: { max_position_embeddings: 128 },
      tokens: {},
      expected: 128,
    },
    {
      title: 'two positions fewer for RoBERTa',
      config: { model_type: 'xlm-roberta', max_position_embeddings: 514 },
      tokens: {},
      expected: 512,
    },
    {
      title: 'the tokenizer, when it is lower',
      config: { max_position_embeddings: 512 },
      tokens: { model_max_length: 64 },
      expected: 64,
    },
    {
      title: 'the positions, when the tokenizer has no limit',
      config: { max_position_embeddings: 512 },
      tokens: { model_max_length: 1e30 },
      expected: 512,
    },
    { title: '512 when nobody knows', config: {}, tokens: {}, expected: 512 },
  ])('takes its length from $title', async ({ config, tokens, expected }) => {
    expect((await specOf(files({ 'config.json': config, 'tokenizer_config.json': tokens }))).maxTokens).toBe(expected);
  });

  it('is static when model2vec or sentence-transformers says so', async () => {
    expect(await specOf(staticFiles(bagGraph()))).toMatchObject({
      kind: 'static',
      specialTokens: false,
      dropUnknown: true,
    });
    const modules = {
      'modules.json': [{ path: '0_StaticEmbedding', type: 'sentence_transformers.models.StaticEmbedding' }],
      'config.json': {},
    };
    expect(await specOf(staticFiles(bagGraph(), modules))).toMatchObject({ kind: 'static', dropUnknown: false });
  });

  it('gives the fp32 file unless another is asked for', async () => {
    const content = files({ 'onnx/model_quantized.onnx': 'int8', 'onnx/model_fp16.onnx': 'fp16' });
    const folder = writeFolder(content);
    const chosen = async (choice: Parameters<typeof readModelDirectory>[1]) => {
      const { spec } = await readModelDirectory(folder, choice);
      return [spec.weights.slice(folder.length + 1), spec.dtype];
    };
    expect(await chosen({})).toEqual([join('onnx', 'model.onnx'), 'fp32']);
    expect(await chosen({ dtype: 'int8' })).toEqual([join('onnx', 'model_quantized.onnx'), 'int8']);
    expect(await chosen({ dtype: 'fp16' })).toEqual([join('onnx', 'model_fp16.onnx'), 'fp16']);
    expect(await chosen({ weights: 'onnx/model_fp16.onnx' })).toEqual([join('onnx', 'model_fp16.onnx'), 'fp16']);
  });

  it('takes the only ONNX file there is, whatever its name', async () => {
    const spec = await specOf({ ...without('onnx/model.onnx'), 'onnx/model_O4.onnx': 'x' });
    expect(spec.weights).toMatch(/model_O4\.onnx$/);
  });

  it('notes prefixes that its configs do not tell', async () => {
    const { notes } = await readModelDirectory(
      writeFolder(files({ 'config.json': { _name_or_path: 'intfloat/e5-small' } })),
    );
    expect(notes.join()).toMatch(/--query-prefix "query: "/);
  });
});

describe('a folder that cannot be used says which file and what to do', () => {
  it.each([
    {
      title: 'no tokenizer.json',
      content: without('tokenizer.json'),
      words: /has no tokenizer\.json\. Download tokenizer\.json/,
    },
    {
      title: 'no weights',
      content: without('onnx/model.onnx'),
      words: /has none of model\.onnx.*it has no \.onnx file.*Download the ONNX export/,
    },
    {
      title: 'several weights of unknown names',
      content: { ...without('onnx/model.onnx'), 'a.onnx': 'x', 'b.onnx': 'x' },
      words: /it has a\.onnx, b\.onnx.*--weights/,
    },
    { title: 'a config that is no JSON', content: files({ 'config.json': '{' }), words: /config\.json cannot be used/ },
    {
      title: 'max pooling',
      content: files({ '1_Pooling/config.json': { pooling_mode_max_tokens: true } }),
      words: /asks for pooling pooling_mode_max_tokens; mean, cls and last/,
    },
    {
      title: 'two poolings at once',
      content: files({ '1_Pooling/config.json': { pooling_mode_mean_tokens: true, pooling_mode_cls_token: true } }),
      words: /1_Pooling.config\.json asks for pooling/,
    },
    {
      title: 'a card that is no YAML',
      content: { ...ownFiles(), 'model.yaml': 'a: [' },
      words: /model\.yaml is not YAML/,
    },
    {
      title: 'a card without what is needed',
      content: { ...ownFiles(), 'model.yaml': 'name: x' },
      words: /model\.yaml is not a model card: .*version.*kind.*dimensions/,
    },
    { title: 'a card of a reranker', content: ownFiles({ task: 'rerank' }), words: /task: must be sentence-embedding/ },
    {
      title: 'a card that names missing probes',
      content: ownFiles({ probes: 'probes.json' }),
      words: /names probes probes\.json, which is missing/,
    },
    {
      title: 'a card that does not normalise',
      content: ownFiles({ normalise: false }),
      words: /normalise: must be true/,
    },
  ])('$title', async ({ content, words }) => {
    const reading = readModelDirectory(writeFolder(content));
    await expect(reading).rejects.toThrow(words);
    await expect(reading).rejects.toMatchObject({ code: 'bad_model' });
  });

  it('a folder that is not there', async () => {
    await expect(readModelDirectory('/nowhere/at/all')).rejects.toThrow(/There is no folder/);
  });
});

describe('a folder with our card', () => {
  it('is what the card says, whatever other configs say', async () => {
    const folder = writeFolder({ ...ownFiles(), 'config.json': { model_type: 'bert' } });
    mkdirSync(join(folder, 'extra'));
    const { spec, card } = await readModelDirectory(folder);
    expect(card).toMatchObject({ name: 'tiny', version: '1' });
    expect(spec).toMatchObject({
      kind: 'static',
      dtype: 'int8',
      maxTokens: 32,
      static: { table: 'token_embeddings_q', scales: 'token_scales' },
    });
  });
});
