/**
 * Takes decision records off the hot path and sees to it that they reach the ledger.
 *
 *     record() ──► queue ──every flush_ms──► store.append (one transaction)
 *                    │                          │ fails
 *                    │ full                     ▼
 *                    └────────────────────► spill file ──when the store works again, or at the next start──► store
 *                                               │ fails (a full disk)
 *                                               ▼
 *                                          held in memory ──when one of the two works again──► store or spill file
 *
 * Promise: a record is committed `flush_ms` after it was taken, plus the time of a commit; a kill -9 loses no more than
 * that, and what had to be held. What comes on top of the bound of what is held is dropped, counted and reported.
 */
import type { Clock } from '../base/clock.ts';
import { messageOf, ShuntError } from '../base/errors.ts';
import type { LedgerStore } from './contract.ts';
import type { DecisionRecord } from './record.ts';
import type { Spill } from './spill.ts';

export interface RecorderOptions {
  readonly store: LedgerStore;
  readonly flushMs: number;
  /** Records in memory while a write is under way; what comes on top is spilled. As many are held when nothing can be written. */
  readonly maxQueued: number;
  /** null: no file to fall back to (`ledger.url: none`). */
  readonly spill: Spill | null;
  readonly clock: Clock;
  readonly onError: (error: ShuntError) => void;
  /** Records older than this are deleted once a day; kept for ever when absent. */
  readonly keepDays?: number;
}

export interface Recorder {
  /** Never throws, never waits. */
  record(record: DecisionRecord): void;
  /** Sees records that are still on their way to the store; not those in the spill file. */
  find(id: string): Promise<DecisionRecord | null>;
  /** Resolves when everything recorded before is in the store or the spill file, or has to be held in memory. */
  flush(): Promise<void>;
  /** Flushes, then closes the store. */
  close(): Promise<void>;
  readonly queued: number;
  readonly dropped: number;
}

const dayMs = 86_400_000;
const firstRetryMs = 250;
const longestRetryMs = 30_000;
const reportEveryMs = 10_000;

export function createRecorder(options: RecorderOptions): Recorder {
  const { store, spill, clock, onError } = options;
  let queue: DecisionRecord[] = [];
  let writing: readonly DecisionRecord[] = [];
  let overflow: readonly DecisionRecord[] = [];
  /** What neither the store nor the spill file could take. */
  let held: readonly DecisionRecord[] = [];
  let flushTimer: NodeJS.Timeout | null = null;
  let retryTimer: NodeJS.Timeout | null = null;
  /** One write at a time, in order. */
  let work: Promise<void> = Promise.resolve();
  let spillWork: Promise<void> = Promise.resolve();
  let pruning: Promise<void> = Promise.resolve();
  let failures = 0;
  let spilled = spill !== null;
  let dropped = 0;
  let lossReportedAt = Number.NEGATIVE_INFINITY;
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
      const waiting = queue.find(sameId) ?? writing.find(sameId) ?? overflow.find(sameId) ?? held.find(sameId);
      return waiting ?? (await store.find(id));
    },
    flush,
    async close() {
      closed = true;
      await flush();
      if (retryTimer !== null) clearTimeout(retryTimer);
      retryTimer = null;
      await writeHeld();
      if (held.length > 0) drop(held, 'neither the ledger nor its spill file could be written until the end');
      await pruning;
      await store.close();
    },
    get queued() {
      return queue.length + writing.length + overflow.length + held.length;
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
    if (retryTimer === null) await writeBatch(batch);
    // Held ones say that the spill file fails as well: the next retry asks again, not every flush.
    else if (held.length > 0) hold(batch);
    else await spillRecords(batch);
    writing = [];
  }

  async function writeHeld(): Promise<void> {
    if (held.length === 0) return;
    writing = held;
    held = [];
    if (retryTimer === null) await writeBatch(writing);
    else await spillRecords(writing);
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
    let refused: unknown = null;
    try {
      const found = await spill.replay((records) =>
        store.append(records).catch((error: unknown) => {
          refused = error;
          throw error;
        }),
      );
      spilled = false;
      if (found.records > 0) failures = 0;
      if (found.brokenLines > 0) {
        const message = `${found.brokenLines} lines of ${spill?.file} were no whole record (a process was killed while writing) and are lost; ${found.records} records were put into the ledger.`;
        onError(new ShuntError('ledger_failed', message));
      }
    } catch (error) {
      if (refused !== null) {
        storeFailed(refused);
        return;
      }
      // The store is not to blame and goes on; asked again when something more is spilled, or at the next start.
      spilled = false;
      const message = `The spill file ${spill?.file} cannot be read (${messageOf(error)}); its records wait in it.`;
      onError(new ShuntError('ledger_failed', message, { cause: error }));
    }
  }

  /** Until the timer fires, batches go straight to the spill file. */
  function storeFailed(error: unknown): void {
    const waitMs = Math.min(longestRetryMs, firstRetryMs * 2 ** failures);
    failures += 1;
    const where = spill === null || held.length > 0 ? 'memory' : spill?.file;
    const message = `${messageOf(error)} Decision records are kept in ${where} meanwhile; the ledger is tried again in ${waitMs} ms.`;
    onError(new ShuntError('ledger_failed', message, { cause: error }));
    if (closed) return;
    retryTimer = setTimeout(() => {
      retryTimer = null;
      enqueue(replaySpill);
      enqueue(writeHeld);
    }, waitMs);
    // A retry alone must not keep the process alive: the spill file is read at the next start.
    retryTimer.unref();
  }

  /** The store is slower than the traffic: the waiting records go to the spill file, one such batch at a time. */
  function relieve(): void {
    const batch = queue;
    queue = [];
    if (overflow.length > 0) {
      drop(batch, `more than ${options.maxQueued} wait while the spill file is being written`);
      return;
    }
    overflow = batch;
    spillWork = spillRecords(batch).then(() => {
      overflow = [];
    });
  }

  async function spillRecords(batch: readonly DecisionRecord[]): Promise<void> {
    if (spill === null) {
      hold(batch);
      return;
    }
    try {
      spilled = true;
      await spill.write(batch);
    } catch (error) {
      hold(batch);
      const message = `${messageOf(error)} ${held.length} decision records wait in memory, which keeps ${options.maxQueued} at most: a kill would lose them.`;
      reportLoss(message, error);
    }
  }

  function hold(batch: readonly DecisionRecord[]): void {
    const room = Math.max(0, options.maxQueued - held.length);
    held = [...held, ...batch.slice(0, room)];
    if (batch.length <= room) return;
    drop(batch.slice(room), `neither the ledger nor its spill file can be written, and memory keeps ${held.length}`);
  }

  function drop(batch: readonly DecisionRecord[], why: string): void {
    dropped += batch.length;
    reportLoss(`${dropped} decision records were dropped since the start; the last because ${why}.`);
  }

  /** Now and then: what fails does so at every flush. */
  function reportLoss(message: string, cause?: unknown): void {
    if (clock.monotonic() - lossReportedAt < reportEveryMs) return;
    lossReportedAt = clock.monotonic();
    onError(new ShuntError('ledger_failed', message, { cause }));
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
