/**
 * Takes decision records off the hot path and sees to it that they reach the ledger.
 *
 *     record() ──► queue ──every flush_ms──► store.append (one transaction)
 *                    │                          │ fails
 *                    │ full                     ▼
 *                    └────────────────────► spill file ──when the store works again, or at the next start──► store
 *
 * Promise: a record is committed `flush_ms` after it was taken, plus the time of a commit; a kill -9 loses no more than
 * that. What can be written neither to the store nor to the spill file is dropped, counted and reported, never in silence.
 */
import type { Clock } from '../base/clock.ts';
import { messageOf, ShuntError } from '../base/errors.ts';
import type { LedgerStore } from './contract.ts';
import type { DecisionRecord } from './record.ts';
import { createSpill } from './spill.ts';

export interface RecorderOptions {
  readonly store: LedgerStore;
  readonly flushMs: number;
  /** Records held in memory while a write is under way; what comes on top of it is spilled. */
  readonly maxQueued: number;
  /** null: no file to fall back to (`ledger.url: none`). */
  readonly spillFile: string | null;
  readonly clock: Clock;
  readonly onError: (error: ShuntError) => void;
  /** Records older than this are deleted once a day; kept for ever when absent. */
  readonly keepDays?: number;
  readonly maxSpillBytes?: number;
}

export interface Recorder {
  /** Never throws, never waits. */
  record(record: DecisionRecord): void;
  /** Sees records that are still on their way to the store; not those in the spill file. */
  find(id: string): Promise<DecisionRecord | null>;
  /** Resolves when everything recorded before is in the store or the spill file. */
  flush(): Promise<void>;
  /** Flushes, then closes the store. */
  close(): Promise<void>;
  readonly queued: number;
  readonly dropped: number;
}

const dayMs = 86_400_000;
const firstRetryMs = 250;
const longestRetryMs = 30_000;
const reportDropsEveryMs = 10_000;

export function createRecorder(options: RecorderOptions): Recorder {
  const { store, clock, onError } = options;
  const spill = options.spillFile === null ? null : createSpill(options.spillFile, options.maxSpillBytes ?? 1 << 30);
  let queue: DecisionRecord[] = [];
  let writing: readonly DecisionRecord[] = [];
  let overflow: readonly DecisionRecord[] = [];
  let flushTimer: NodeJS.Timeout | null = null;
  let retryTimer: NodeJS.Timeout | null = null;
  /** One write at a time, in order. */
  let work: Promise<void> = Promise.resolve();
  let spillWork: Promise<void> = Promise.resolve();
  let pruning: Promise<void> = Promise.resolve();
  let failures = 0;
  let spilled = spill !== null;
  let dropped = 0;
  let dropsReportedAt = Number.NEGATIVE_INFINITY;
  let prunedAt = Number.NEGATIVE_INFINITY;
  let closed = false;

  // What an earlier process had to spill.
  enqueue(replaySpill);

  return {
    record(record) {
      if (closed) {
        drop([record], 'it was recorded after the ledger was closed');
        return;
      }
      if (queue.length >= options.maxQueued) relieve();
      queue.push(record);
      flushTimer ??= setTimeout(writeSoon, options.flushMs);
    },
    async find(id) {
      const sameId = (record: DecisionRecord) => record.id === id;
      return queue.find(sameId) ?? writing.find(sameId) ?? overflow.find(sameId) ?? (await store.find(id));
    },
    flush,
    async close() {
      closed = true;
      await flush();
      if (retryTimer !== null) clearTimeout(retryTimer);
      await pruning;
      await store.close();
    },
    get queued() {
      return queue.length + writing.length + overflow.length;
    },
    get dropped() {
      return dropped;
    },
  };

  async function flush(): Promise<void> {
    writeSoon();
    await work;
    await spillWork;
  }

  function writeSoon(): void {
    if (flushTimer !== null) clearTimeout(flushTimer);
    flushTimer = null;
    enqueue(writeQueue);
  }

  /** Steps report their own failures; the chain never breaks. */
  function enqueue(step: () => Promise<void>): void {
    work = work.then(step);
  }

  async function writeQueue(): Promise<void> {
    const batch = queue;
    if (batch.length === 0) return;
    queue = [];
    writing = batch;
    if (retryTimer !== null) await spillRecords(batch);
    else await writeBatch(batch);
    writing = [];
  }

  async function writeBatch(batch: readonly DecisionRecord[]): Promise<void> {
    try {
      await store.append(batch);
      failures = 0;
    } catch (error) {
      await spillRecords(batch);
      storeFailed(error);
      return;
    }
    if (spilled) await replaySpill();
    pruneDaily();
  }

  async function replaySpill(): Promise<void> {
    if (spill === null || retryTimer !== null) return;
    await spillWork;
    try {
      const found = await spill.replay((records) => store.append(records));
      spilled = false;
      failures = 0;
      if (found.brokenLines > 0) {
        const message = `${found.brokenLines} lines of ${options.spillFile} were no whole record (a process was killed while writing) and are lost; ${found.records} records were put into the ledger.`;
        onError(new ShuntError('ledger_failed', message));
      }
    } catch (error) {
      storeFailed(error);
    }
  }

  /** Until the timer fires, batches go straight to the spill file. */
  function storeFailed(error: unknown): void {
    const waitMs = Math.min(longestRetryMs, firstRetryMs * 2 ** failures);
    failures += 1;
    const where = spill === null ? 'dropped' : `kept in ${options.spillFile}`;
    const message = `${messageOf(error)} Decision records are ${where} meanwhile; the ledger is tried again in ${waitMs} ms.`;
    onError(new ShuntError('ledger_failed', message, { cause: error }));
    if (closed) return;
    retryTimer = setTimeout(() => {
      retryTimer = null;
      enqueue(replaySpill);
    }, waitMs);
    // A retry alone must not keep the process alive: the spill file is read at the next start.
    retryTimer.unref();
  }

  /** The store is slower than the traffic: the waiting records go to the spill file, one such batch at a time. */
  function relieve(): void {
    const batch = queue;
    queue = [];
    if (overflow.length > 0) {
      drop(batch, `more than ${options.maxQueued} wait and the spill file is being written`);
      return;
    }
    overflow = batch;
    spillWork = spillRecords(batch).then(() => {
      overflow = [];
    });
  }

  async function spillRecords(batch: readonly DecisionRecord[]): Promise<void> {
    if (spill === null) {
      drop(batch, 'there is no spill file');
      return;
    }
    try {
      spilled = true;
      await spill.write(batch);
    } catch (error) {
      drop(batch, messageOf(error));
    }
  }

  function drop(batch: readonly DecisionRecord[], why: string): void {
    dropped += batch.length;
    if (clock.monotonic() - dropsReportedAt < reportDropsEveryMs) return;
    dropsReportedAt = clock.monotonic();
    onError(
      new ShuntError(
        'ledger_failed',
        `${dropped} decision records were dropped since the start; the last because ${why}.`,
      ),
    );
  }

  function pruneDaily(): void {
    const { keepDays } = options;
    if (keepDays === undefined || clock.now() - prunedAt < dayMs) return;
    prunedAt = clock.now();
    pruning = store.prune(clock.now() - keepDays * dayMs).then(
      () => undefined,
      (error) => onError(new ShuntError('ledger_failed', `Old decision records were not deleted: ${messageOf(error)}`)),
    );
  }
}
