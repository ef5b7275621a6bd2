import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEmbedder } from '../../src/embedding/create-embedder.ts';
import { readModelDirectory } from '../../src/embedding/model-directory.ts';
import { readOnnxWeights } from '../../src/embedding/onnx-file.ts';
import { openOnnxSession } from '../../src/embedding/onnx-session.ts';
import { embedIds, staticTable } from '../../src/embedding/static-table.ts';
import { testEmbedder } from './embedder-contract.ts';
import { floats, onnxModel } from './onnx-writer.ts';
import {
  bagGraph,
  bertTokenizer,
  cosine,
  dimensions,
  expectedVector,
  type Files,
  floatRow,
  idsOf,
  ownFiles,
  ownStaticGraph,
  quantisedRow,
  staticFiles,
  vocabulary,
  writeFolder,
} from './tiny-models.ts';

async function open(files: Files) {
  const { spec } = await readModelDirectory(writeFolder(files));
  return createEmbedder(
    { name: 'tiny', version: '1', fingerprint: 'sha256:0', dimensions, spec },
    { alias: 'default', cacheMb: 0 },
  );
}

testEmbedder('our own static model', () => open(ownFiles()));
testEmbedder('a downloaded static model', () => open(staticFiles(bagGraph())));

describe('a static model', () => {
  it('gives the normalised sum of its scaled rows, inline', async () => {
    const embedder = await open(ownFiles());
    const { vector, tokens } = embedder.embedInline?.('what is the capital of worlds ?') ?? { vector: [], tokens: 0 };
    const ids = idsOf('what is the capital of worlds ?', false);
    expect(cosine(vector, expectedVector(ids, quantisedRow, 'mean'))).toBeGreaterThan(0.999999);
    expect(tokens).toBe(ids.length);
  });

  it('gives what onnxruntime gives for its graph, on any token ids', async () => {
    const folder = writeFolder(ownFiles());
    const weights = join(folder, 'model.onnx');
    const table = staticTable(
      readOnnxWeights(readFileSync(weights), weights),
      { table: 'token_embeddings_q', scales: 'token_scales' },
      weights,
    );
    const session = await openOnnxSession({ weights, pooling: 'none', dimensions });
    const ids = fc.array(fc.integer({ min: 0, max: table.rows - 1 }), { minLength: 1, maxLength: 70 });
    await fc.assert(
      fc.asyncProperty(ids, async (list) => {
        const [expected] = await session.run([Int32Array.from(list)], 0);
        const found = embedIds(table, Int32Array.from(list));
        for (const [j, value] of expected.entries()) expect(found[j]).toBeCloseTo(value, 5);
      }),
      { numRuns: 200 },
    );
    await session.close();
  });

  it('weighs tokens by their place as its card says, the head and the tail more than the middle', () => {
    const folder = writeFolder(ownFiles());
    const weights = join(folder, 'model.onnx');
    const read = readOnnxWeights(readFileSync(weights), weights);
    const names = { table: 'token_embeddings_q', scales: 'token_scales' };
    const plain = staticTable(read, names, weights);
    const placed = staticTable(read, { ...names, places: { head: 4, tail: 2 } }, weights);
    const ids = Int32Array.from({ length: 23 }, (_, i) => i % plain.rows);
    const sum = new Float64Array(plain.dimensions);
    for (const [i, id] of ids.entries()) {
      const weight = Math.min(1, Math.max(4 / (i + 1), 2 / (ids.length - i))) * plain.scales[id];
      for (let j = 0; j < sum.length; j++) sum[j] += plain.values[id * plain.dimensions + j] * weight;
    }
    const length = Math.hypot(...sum);
    const found = embedIds(placed, ids);
    for (const [j, value] of sum.entries()) expect(found[j]).toBeCloseTo(value / length, 5);
    const short = ids.subarray(0, 4);
    expect(embedIds(placed, short)).toEqual(embedIds(plain, short));
  });

  it('runs a downloaded table inline when its graph only averages rows', async () => {
    const embedder = await open(staticFiles(bagGraph(1)));
    expect(embedder.embedInline).not.toBeNull();
    const [{ vector }] = await embedder.embed(['hello world']);
    expect(cosine(vector, expectedVector(idsOf('hello world', false), floatRow, 'mean'))).toBeGreaterThan(0.999999);
  });

  it('runs the graph itself when it does more than that', async () => {
    const embedder = await open(staticFiles(bagGraph(3)));
    try {
      expect(embedder.embedInline).toBeNull();
      const cubed = (id: number) => floatRow(id).map((value) => value ** 3);
      const [short, long] = await embedder.embed(['hello world', 'what is the capital of the world ?']);
      expect(cosine(short.vector, expectedVector(idsOf('hello world', false), cubed, 'mean'))).toBeGreaterThan(0.99999);
      expect(
        cosine(long.vector, expectedVector(idsOf('what is the capital of the world ?', false), cubed, 'mean')),
      ).toBeGreaterThan(0.99999);
    } finally {
      await embedder.close();
    }
  });

  it('leaves unknown words out, as model2vec does', async () => {
    const embedder = await open(staticFiles(bagGraph()));
    const [known, mixed] = await embedder.embed(['hello world', 'hello xyzzy world']);
    expect([...mixed.vector]).toEqual([...known.vector]);
    expect(mixed.tokens).toBe(2);
  });

  it('gives zeros for a text without tokens, so that nothing matches it', async () => {
    const embedder = await open(ownFiles());
    expect([...(embedder.embedInline?.(' \n ').vector ?? [1])].every((value) => value === 0)).toBe(true);
  });

  it('cuts the middle out of a long text when its card says so', async () => {
    const embedder = await open(ownFiles({ max_tokens: 4, truncation: 'middle' }));
    const [long, ends] = await embedder.embed(['hello world code code code good morning', 'hello world good morning']);
    expect([...long.vector]).toEqual([...ends.vector]);
    expect([long.truncated, ends.truncated]).toEqual([true, false]);
  });

  it('refuses a tokenizer whose ids lie outside its table', async () => {
    const graph = ownStaticGraph();
    const few = {
      ...graph,
      tensors: [
        floats('token_embeddings_q', [2, dimensions], new Float32Array(2 * dimensions).fill(1)),
        floats('token_scales', [2], Float32Array.of(1, 1)),
      ],
    };
    const embedder = await open({ ...ownFiles(), 'model.onnx': onnxModel(few) });
    await expect(embedder.embed(['hello'])).rejects.toMatchObject({ code: 'embedder_failed' });
  });

  it('says which initializer is missing, and which there are', async () => {
    await expect(open(ownFiles({ static: { table: 'rows', scales: 'token_scales' } }))).rejects.toThrow(
      /no initializer rows \(it has token_embeddings_q, token_scales, one\)/,
    );
  });

  it('says when its card declares other dimensions', async () => {
    const { spec } = await readModelDirectory(writeFolder(ownFiles()));
    const model = { name: 'tiny', version: '1', fingerprint: '', dimensions: dimensions + 1, spec };
    await expect(createEmbedder(model, { alias: 'default' })).rejects.toThrow(/has 8 dimensions where its card says 9/);
  });
});

describe('reading an ONNX file', () => {
  it('refuses bytes that are none, naming the file', () => {
    expect(() => readOnnxWeights(Buffer.from('hello there, no model'), 'some/model.onnx')).toThrow(
      /some\/model\.onnx is not an ONNX model/,
    );
    expect(() => readOnnxWeights(new Uint8Array(0), 'x.onnx')).toThrow(/has no graph/);
    const whole = onnxModel(ownStaticGraph());
    expect(() => readOnnxWeights(whole.subarray(0, whole.length - 40), 'x.onnx')).toThrow(/not an ONNX model/);
  });

  it('never throws anything but bad_model, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          readOnnxWeights(bytes, 'x.onnx');
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad_model' });
        }
      }),
    );
  });

  it('finds the inputs and every tensor by name', () => {
    const { tensors, inputs } = readOnnxWeights(onnxModel(ownStaticGraph()), 'x.onnx');
    expect(inputs).toEqual(['input_ids', 'attention_mask']);
    expect(tensors.map(({ name, shape }) => [name, shape])).toEqual([
      ['token_embeddings_q', [Object.keys(vocabulary).length, dimensions]],
      ['token_scales', [Object.keys(vocabulary).length]],
      ['one', [1]],
    ]);
  });
});

describe('golden probes', () => {
  const probe = (text: string, row: (id: number) => readonly number[]) => ({
    text,
    vector: expectedVector(idsOf(text, false), row, 'mean'),
  });

  it('let a model through that gives them', async () => {
    const embedder = await open(
      ownFiles({ probes: [probe('hello world', quantisedRow), probe('what is code ?', quantisedRow)] }),
    );
    expect(embedder.identity.dimensions).toBe(dimensions);
  });

  it('refuse a model that gives other vectors, naming the text', async () => {
    await expect(
      open(ownFiles({ probes: [probe('hello world', quantisedRow), probe('good morning', floatRow)] })),
    ).rejects.toThrow(/cosine -?0\.\d+ on "good morning"/);
  });

  it('refuse a model with a tokenizer of other words', async () => {
    const swapped = { ...vocabulary, hello: vocabulary.world, world: vocabulary.hello };
    const tokenizer = bertTokenizer(false) as { model: object };
    const files = {
      ...ownFiles({ probes: [probe('hello', quantisedRow)] }),
      'tokenizer.json': { ...tokenizer, model: { ...tokenizer.model, vocab: swapped } },
    };
    await expect(open(files)).rejects.toMatchObject({ code: 'bad_model' });
  });
});
