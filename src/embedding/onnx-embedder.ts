/**
 * The embedder of transformers: one worker thread does the work, this side keeps the promises.
 *
 *     embed() ──► pending (bounded) ──message──► onnx-worker: two lanes, batches ──message──► resolve
 *        │abort: reject now, cancel there             │dies: reject all pending, restart with back-off
 *
 * While the thread is being restarted, requests fail at once with `embedder_failed` and the gateway falls back: waiting
 * would only spend their budget.
 */
import type { Worker } from 'node:worker_threads';
import { messageOf, ShuntError } from '../base/errors.ts';
import type { UnitVector } from '../base/vector.ts';
import { startWorker } from '../base/worker.ts';
import type { Embedder, Embedding, EmbeddingIdentity, EmbedOptions } from './contract.ts';
import type { ModelSpec } from './model-directory.ts';
import type { EmbeddedText, FromWorker, ToWorker, WorkerData } from './onnx-messages.ts';
import { capText } from './tokenizer.ts';

export interface OnnxEmbedderOptions {
  /** Padded tokens a batch: what an interactive request may have to wait for. 1,024 tokens take MiniLM-L6 about 45 ms. */
  readonly tokenBudget?: number;
  /** Texts that may wait in each lane; a request that does not fit whole is refused whole. */
  readonly maxWaiting?: { readonly interactive: number; readonly bulk: number };
  /** Pause before the first restart; it doubles with every failure in a row, up to 30 s. */
  readonly restartMs?: number;
  readonly startThread?: (data: WorkerData) => Worker;
}

const longestPauseMs = 30_000;

/** Resolves when the model is loaded and has run once. Throws `bad_model` when it cannot be used. */
export async function openOnnxEmbedder(model: OnnxModel, options: OnnxEmbedderOptions = {}): Promise<Embedder> {
  const thread = new EmbedderThread(model, options);
  try {
    await thread.start();
  } catch (error) {
    await thread.close();
    throw error;
  }
  return {
    identity: model.identity,
    embedInline: null,
    embed: (texts, embedOptions = {}) => thread.embed(texts, embedOptions),
    close: () => thread.close(),
  };
}

export interface OnnxModel {
  readonly identity: EmbeddingIdentity;
  readonly spec: ModelSpec;
}

interface Pending {
  readonly lane: 'interactive' | 'bulk';
  /** Place in the request of each text, by its place in the message. */
  readonly order: readonly number[];
  readonly embeddings: Embedding[];
  left: number;
  readonly settle: (error: unknown) => void;
}

class EmbedderThread {
  readonly #model: OnnxModel;
  readonly #startThread: (data: WorkerData) => Worker;
  readonly #data: WorkerData;
  readonly #maxWaiting: { readonly interactive: number; readonly bulk: number };
  readonly #restartMs: number;
  readonly #pending = new Map<number, Pending>();
  readonly #waiting = { interactive: 0, bulk: 0 };
  #worker: Worker | null = null;
  #restart: NodeJS.Timeout | null = null;
  #nextId = 1;
  #failures = 0;
  #closed = false;

  constructor(model: OnnxModel, options: OnnxEmbedderOptions) {
    this.#model = model;
    this.#data = { spec: { ...model.spec, probes: [] }, tokenBudget: options.tokenBudget ?? 1_024 };
    this.#maxWaiting = options.maxWaiting ?? { interactive: 1_024, bulk: 65_536 };
    this.#restartMs = options.restartMs ?? 100;
    this.#startThread =
      options.startThread ?? ((workerData) => startWorker(import.meta.url, './onnx-worker', { workerData }));
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const worker = this.#startThread(this.#data);
      this.#worker = worker;
      let words = 'it ended without a word';
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') resolve();
        else if (message.kind === 'unusable') words = message.message;
        else this.#receive(message);
      });
      worker.on('error', (error) => {
        words = messageOf(error);
      });
      worker.on('exit', () => {
        reject(new ShuntError('bad_model', words));
        if (this.#worker === worker) this.#ended(words);
      });
    });
  }

  embed(
    texts: readonly string[],
    { role = 'query', lane = 'interactive', signal }: EmbedOptions,
  ): Promise<readonly Embedding[]> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (texts.length === 0) return Promise.resolve([]);
    const worker = this.#worker;
    if (!worker)
      return Promise.reject(this.#failed(this.#closed ? 'it is closed' : 'its worker thread is being restarted'));
    if (this.#waiting[lane] + texts.length > this.#maxWaiting[lane]) return Promise.reject(this.#full(lane));
    // Texts of like length side by side: less padding in a batch.
    const order = [...texts.keys()].sort((a, b) => texts[a].length - texts[b].length);
    const { prefixes, maxTokens } = this.#model.spec;
    // Capped here already: a megabyte would be copied to the worker only to be cut there.
    const capped = order.map((place) => prefixes[role] + capText(texts[place], maxTokens));
    const message: ToWorker = { kind: 'embed', id: this.#nextId++, texts: capped, lane };
    return new Promise((resolve, reject) => {
      const abort = () => {
        worker.postMessage({ kind: 'cancel', id: message.id } satisfies ToWorker);
        this.#settle(message.id, signal?.reason);
      };
      const embeddings = new Array<Embedding>(texts.length);
      const settle = (error: unknown) => {
        signal?.removeEventListener('abort', abort);
        if (error === null) resolve(embeddings);
        else reject(error);
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#pending.set(message.id, { lane, order, embeddings, left: texts.length, settle });
      this.#waiting[lane] += texts.length;
      worker.postMessage(message);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const worker = this.#worker;
    this.#worker = null;
    if (this.#restart) clearTimeout(this.#restart);
    this.#settleAll(this.#failed('it is closed'));
    await worker?.terminate();
  }

  #receive(message: Extract<FromWorker, { kind: 'embedded' | 'failed' }>): void {
    if (message.kind === 'failed') {
      for (const id of message.ids) this.#settle(id, this.#failed(message.message));
      return;
    }
    this.#failures = 0;
    for (const text of message.texts) this.#accept(text);
  }

  #accept(text: EmbeddedText): void {
    const pending = this.#pending.get(text.request);
    if (!pending) return; // Cancelled while it ran.
    const { vector, tokens, truncated } = text;
    pending.embeddings[pending.order[text.index]] = { vector: vector as UnitVector, tokens, truncated };
    pending.left--;
    this.#waiting[pending.lane]--;
    if (pending.left === 0) this.#settle(text.request, null);
  }

  /** Ends one request: with its embeddings (null) or with an error. */
  #settle(id: number, error: unknown): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    this.#waiting[pending.lane] -= pending.left;
    pending.settle(error);
  }

  #settleAll(error: ShuntError): void {
    for (const id of [...this.#pending.keys()]) this.#settle(id, error);
  }

  #ended(words: string): void {
    this.#worker = null;
    this.#settleAll(this.#failed(`its worker thread ended: ${words}`));
    const pause = Math.min(longestPauseMs, this.#restartMs * 2 ** this.#failures++);
    this.#restart = setTimeout(() => {
      // A start that fails ends the worker, which comes back here for the next try.
      this.start().catch(() => {});
    }, pause);
    this.#restart.unref();
  }

  #failed(words: string): ShuntError {
    const { name, version } = this.#model.identity;
    return new ShuntError('embedder_failed', `The embedding model ${name}@${version} failed: ${words}`);
  }

  #full(lane: 'interactive' | 'bulk'): ShuntError {
    const { name, version } = this.#model.identity;
    return new ShuntError(
      'overloaded',
      `${this.#waiting[lane]} texts wait for ${name}@${version} already; ask again in a second`,
      { retryAfterMs: 1_000 },
    );
  }
}
