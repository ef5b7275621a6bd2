/**
 * The ledger in a SQLite file. The connection lives in a worker thread, so that neither a commit's fsync nor a report over
 * a million rows ever holds up a request:
 *
 *     append() ──message──► sqlite-worker: BEGIN, inserts, COMMIT ──message──► resolves
 *     a report ──message──► the same, or, while that is busy, a second thread: a report asks for two things at once
 *
 * The price is one copy of each record between threads. A thread that dies is started again at the next call.
 */
import type { Worker } from 'node:worker_threads';
import { messageOf, ShuntError } from '../base/errors.ts';
import { startWorker } from '../base/worker.ts';
import type { LedgerStore } from './contract.ts';
import { operation, storeOn } from './operations.ts';
import type { SqliteOperation, SqliteOperations, SqliteReply, SqliteRequest } from './sqlite-messages.ts';

export interface SqliteOptions {
  /** How long a writer waits for another process before it gives up. */
  readonly busyMs?: number;
  /** Takes a ledger that cannot be opened now, told why: every call tries again. Without it, opening rejects. */
  readonly onUnopened?: (error: unknown) => void;
}

/** Makes the file and its folder when they are missing, readable for their owner only. */
export async function openSqliteStore(file: string, options: SqliteOptions = {}): Promise<LedgerStore> {
  const busyMs = options.busyMs ?? 5_000;
  const thread = new SqliteThread(file, busyMs);
  try {
    await thread.start();
  } catch (error) {
    if (options.onUnopened === undefined) throw error;
    options.onUnopened(error);
  }

  // Started when it is first needed: a proxy that only serves has none.
  const second = new SqliteThread(file, busyMs);

  return storeOn({
    shared: false,
    append: async (records) => {
      await thread.call('append', records);
    },
    perform: (name, input) => (operation(name).access === 'scan' && thread.busy ? second : thread).call(name, input),
    async close() {
      await second.stop();
      await thread.stop();
    },
  });
}

interface Waiting {
  readonly resolve: (output: never) => void;
  readonly reject: (error: ShuntError) => void;
}

class SqliteThread {
  readonly #file: string;
  readonly #busyMs: number;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #nextId = 1;
  #closed = false;

  constructor(file: string, busyMs: number) {
    this.#file = file;
    this.#busyMs = busyMs;
  }

  async start(): Promise<void> {
    const worker = startWorker(import.meta.url, './sqlite-worker');
    this.#worker = worker;
    worker.on('message', (reply: SqliteReply) => this.#settle(reply));
    worker.on('error', (error) => this.#lose(worker, messageOf(error)));
    worker.on('exit', (code) => this.#lose(worker, `exit code ${code}`));
    try {
      await this.#send('open', { file: this.#file, busyMs: this.#busyMs });
    } catch (error) {
      this.#worker = null;
      await worker.terminate();
      throw error;
    }
  }

  /** Calls wait for their answer. */
  get busy(): boolean {
    return this.#waiting.size > 0;
  }

  async call<O extends SqliteOperation>(
    operation: O,
    input: SqliteOperations[O]['input'],
  ): Promise<SqliteOperations[O]['output']> {
    if (this.#closed) throw new ShuntError('ledger_failed', `The ledger ${this.#file} is closed.`);
    if (this.#worker === null) await this.start();
    return this.#send(operation, input);
  }

  async stop(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#worker !== null) await this.#send('close', null);
  }

  #send<O extends SqliteOperation>(
    operation: O,
    input: SqliteOperations[O]['input'],
  ): Promise<SqliteOperations[O]['output']> {
    const worker = this.#worker;
    if (worker === null) throw new ShuntError('ledger_failed', `The ledger ${this.#file} is not open.`);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      // Only a thread with work to do keeps the process alive.
      worker.ref();
      worker.postMessage({ id, operation, input } as SqliteRequest);
    });
  }

  #settle(reply: SqliteReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if ('failure' in reply) waiting?.reject(new ShuntError('ledger_failed', reply.failure));
    else waiting?.resolve(reply.output as never);
  }

  #lose(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    const error = new ShuntError('ledger_failed', `The thread of the ledger ${this.#file} ended (${why}).`);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
