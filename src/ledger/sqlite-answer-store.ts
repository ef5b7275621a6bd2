/**
 * Cached answers in SQLite, in a worker thread of their own: neither a commit nor a purge holds up a request, nor does it
 * hold up the ledger's. The thread begins at the first call; one that dies or cannot open its file is begun again at the
 * next.
 */
import type { Worker } from 'node:worker_threads';
import { messageOf, ShuntError } from '../base/errors.ts';
import { startWorker } from '../base/worker.ts';
import type { AnswerStore } from './answer-store.ts';
import type { AnswerOperation, AnswerOperations, AnswerReply, AnswerRequest } from './sqlite-answer-messages.ts';

const busyMs = 2_000;

export function openSqliteAnswerStore(file: string): AnswerStore {
  let thread: Promise<AnswerThread> | null = null;
  let closed = false;

  async function call<O extends AnswerOperation>(
    operation: O,
    input: AnswerOperations[O]['input'],
  ): Promise<AnswerOperations[O]['output']> {
    if (closed) throw new ShuntError('ledger_failed', `The answers in ${file} are closed.`);
    const opening = thread ?? start();
    thread = opening;
    return (await opening).send(operation, input);
  }

  function start(): Promise<AnswerThread> {
    const made: AnswerThread = new AnswerThread(file, () => {
      thread = null;
    });
    const opening = made.send('open', { file, busyMs }).then(
      () => made,
      async (error) => {
        thread = null;
        await made.stop();
        throw error;
      },
    );
    return opening;
  }

  return {
    get: (key, now) => call('get', { key, now }),
    put: async (answers, limits) => {
      await call('put', { answers, limits });
    },
    purge: (filter) => call('purge', filter),
    stats: (now) => call('stats', now),
    async close() {
      if (closed) return;
      closed = true;
      const open = await thread?.catch(() => null);
      if (open) await open.send('close', null);
    },
  };
}

interface Waiting {
  readonly resolve: (output: never) => void;
  readonly reject: (error: ShuntError) => void;
}

class AnswerThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  constructor(file: string, onEnd: () => void) {
    this.#worker = startWorker(import.meta.url, './sqlite-answer-worker');
    this.#worker.on('message', (reply: AnswerReply) => this.#settle(reply));
    const ended = (why: string) => {
      onEnd();
      const error = new ShuntError('ledger_failed', `The thread of the answers in ${file} ended (${why}).`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    this.#worker.on('error', (error) => ended(messageOf(error)));
    this.#worker.on('exit', (code) => ended(`exit code ${code}`));
  }

  send<O extends AnswerOperation>(
    operation: O,
    input: AnswerOperations[O]['input'],
  ): Promise<AnswerOperations[O]['output']> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      // Only a thread with work to do keeps the process alive.
      this.#worker.ref();
      this.#worker.postMessage({ id, operation, input } as AnswerRequest);
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(reply: AnswerReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ('failure' in reply) waiting?.reject(new ShuntError('ledger_failed', reply.failure));
    else waiting?.resolve(reply.output as never);
  }
}
