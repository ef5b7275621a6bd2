/** What happens when the worker thread dies, is slow, or has too much to do. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { ShuntError } from '../../src/base/errors.ts';
import { startWorker } from '../../src/base/worker.ts';
import type { Embedder } from '../../src/embedding/contract.ts';
import { readModelDirectory } from '../../src/embedding/model-directory.ts';
import { type OnnxEmbedderOptions, openOnnxEmbedder } from '../../src/embedding/onnx-embedder.ts';
import { onnxModel } from './onnx-writer.ts';
import { dimensions, type Files, transformerFiles, transformerGraph, writeFolder } from './tiny-models.ts';

const files = transformerFiles({ inputs: ['attention_mask'], output: 'tokens', weights: 'fp32' });

let embedder: Embedder | null = null;
afterEach(async () => {
  await embedder?.close();
  embedder = null;
});

/** Opens the embedder; `threads` are its worker threads so far. */
async function open(options: OnnxEmbedderOptions = {}, content: Files = files) {
  const { spec } = await readModelDirectory(writeFolder(content));
  const threads: Worker[] = [];
  const startThread = (workerData: unknown) => {
    // From here the way to the worker is another, so its own address is given.
    const worker = startWorker(new URL('../../src/embedding/onnx-embedder.ts', import.meta.url).href, './onnx-worker', {
      workerData,
    });
    threads.push(worker);
    return worker;
  };
  const identity = {
    alias: 'default',
    name: 'tiny',
    version: '1',
    fingerprint: 'sha256:0',
    dimensions,
    maxTokens: spec.maxTokens,
  };
  embedder = await openOnnxEmbedder({ identity, spec }, { startThread, ...options });
  return { embedder, threads };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof ShuntError ? error.code : String(error);
}

const many = Array.from({ length: 3_000 }, (_, i) => `hello world ${i} what is the capital of the world ?`);

describe('the worker of a transformer', () => {
  it('rejects what was pending with embedder_failed when it dies, and serves again after its restart', async () => {
    const { embedder, threads } = await open({ restartMs: 1 });
    const pending = codeOf(embedder.embed(many, { lane: 'bulk' }));
    await threads[0].terminate();
    expect(await pending).toBe('embedder_failed');
    let answer: readonly unknown[] | null = null;
    while (!answer) {
      await nextTurn();
      answer = await embedder.embed(['hello']).catch(() => null);
    }
    expect(answer).toHaveLength(1);
    expect(threads.length).toBeGreaterThan(1);
  });

  it('refuses at once while it waits for its restart', async () => {
    const { embedder, threads } = await open({ restartMs: 60_000 });
    await threads[0].terminate();
    expect(await codeOf(embedder.embed(['hello']))).toBe('embedder_failed');
    expect(threads).toHaveLength(1);
  });

  it('rejects an aborted request with the reason of its signal, at once', async () => {
    const { embedder } = await open();
    const controller = new AbortController();
    const reason = new Error('the client went away');
    const pending = embedder.embed(many, { lane: 'bulk', signal: controller.signal });
    controller.abort(reason);
    await expect(pending).rejects.toBe(reason);
    expect(await embedder.embed(['hello'])).toHaveLength(1);
  });

  it('lets a request overtake an index build', async () => {
    const { embedder } = await open({ tokenBudget: 64 });
    const order: string[] = [];
    const bulk = embedder.embed(many, { lane: 'bulk' }).then(() => order.push('bulk'));
    const request = embedder.embed(['hello']).then(() => order.push('request'));
    await Promise.all([bulk, request]);
    expect(order).toEqual(['request', 'bulk']);
  });

  it('refuses whole what does not fit its queue, and takes requests again afterwards', async () => {
    const { embedder } = await open({ maxWaiting: { interactive: 2, bulk: 10 } });
    expect(await codeOf(embedder.embed(['a', 'a', 'a']))).toBe('overloaded');
    const first = embedder.embed(['hello', 'world']);
    expect(await codeOf(embedder.embed(['a']))).toBe('overloaded');
    expect(await first).toHaveLength(2);
    expect(await embedder.embed(['a'])).toHaveLength(1);
  });

  it('frees the place of an aborted request', async () => {
    const { embedder } = await open({ maxWaiting: { interactive: 2, bulk: 10 } });
    const controller = new AbortController();
    const pending = embedder.embed(['hello', 'world'], { signal: controller.signal });
    controller.abort(new Error('gone'));
    await expect(pending).rejects.toThrow('gone');
    expect(await embedder.embed(['hello', 'world'])).toHaveLength(2);
  });

  it('rejects what is pending when it is closed', async () => {
    const { embedder } = await open();
    const pending = codeOf(embedder.embed(many, { lane: 'bulk' }));
    await embedder.close();
    expect(await pending).toBe('embedder_failed');
    expect(await codeOf(embedder.embed(['hello']))).toBe('embedder_failed');
  });

  it('says what is wrong with a model that cannot be loaded, and leaves no thread behind', async () => {
    await expect(open({}, { ...files, 'onnx/model.onnx': 'not a model' })).rejects.toMatchObject({ code: 'bad_model' });
    await expect(open({}, { ...files, 'tokenizer.json': { model: {} } })).rejects.toThrow(
      /tokenizer\.json is not a tokenizer/,
    );
  });

  it('refuses a graph with inputs that it cannot give', async () => {
    const graph = transformerGraph({ inputs: ['attention_mask', 'position_ids'], output: 'tokens', weights: 'fp32' });
    await expect(open({}, { ...files, 'onnx/model.onnx': onnxModel(graph) })).rejects.toThrow(/asks for position_ids/);
  });
});
