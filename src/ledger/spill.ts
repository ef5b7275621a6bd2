/**
 * Where decision records go while the database cannot take them: lines of JSON at the end of a file beside it. Replayed
 * into the store when it works again; records that are in both places count once, since appending is idempotent by id.
 *
 *     <db>.spill.jsonl          being written
 *     <db>.spill.jsonl.replay   being read back; after a crash in the middle it is read again from its start
 */
import { createReadStream } from 'node:fs';
import { appendFile, rename, rm, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { ShuntError } from '../base/errors.ts';
import type { DecisionRecord } from './record.ts';
import { jsonLineOf, recordOfJsonLine } from './record-row.ts';

export interface Spill {
  /** Rejects when the file cannot be written or would grow past its bound: then the records are lost. */
  write(records: readonly DecisionRecord[]): Promise<void>;
  /** Hands everything to `append` in batches, oldest first, then removes it. Resolves with what it found. */
  replay(append: (records: readonly DecisionRecord[]) => Promise<void>): Promise<SpillReplay>;
}

interface SpillReplay {
  readonly records: number;
  /** Lines that are no record: cut off when the process was killed. */
  readonly brokenLines: number;
}

const replayBatch = 500;

export function createSpill(file: string, maxBytes: number): Spill {
  const replayFile = `${file}.replay`;
  let bytes: number | null = null;
  let last: Promise<unknown> = Promise.resolve();

  return {
    write: (records) => inTurn(() => write(records)),
    async replay(append) {
      const earlier = await replayOne(append);
      if (!(await inTurn(takeAside))) return earlier;
      const later = await replayOne(append);
      return {
        records: earlier.records + later.records,
        brokenLines: earlier.brokenLines + later.brokenLines,
      };
    },
  };

  /** Appends must not interleave, nor hit a file that is just being taken aside. */
  function inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = last.then(step);
    last = turn.catch(() => undefined);
    return turn;
  }

  async function takeAside(): Promise<boolean> {
    if ((await sizeOf(file)) === 0) return false;
    bytes = 0;
    await rename(file, replayFile);
    return true;
  }

  async function write(records: readonly DecisionRecord[]): Promise<void> {
    const lines = records.map((record) => `${jsonLineOf(record)}\n`).join('');
    // A process that was killed may have left half a line: the first record after it must not be glued to it.
    const text = bytes === null && (await sizeOf(file)) > 0 ? `\n${lines}` : lines;
    bytes ??= await sizeOf(file);
    if (bytes + text.length > maxBytes)
      throw new ShuntError('ledger_failed', `the spill file ${file} has reached ${maxBytes} bytes`);
    try {
      await appendFile(file, text, { mode: 0o600 });
      bytes += Buffer.byteLength(text);
    } catch (error) {
      // Part of it may stand there: look again, and begin on a new line, next time.
      bytes = null;
      throw error;
    }
  }

  async function replayOne(append: (records: readonly DecisionRecord[]) => Promise<void>): Promise<SpillReplay> {
    if ((await sizeOf(replayFile)) === 0) return { records: 0, brokenLines: 0 };
    let records = 0;
    let brokenLines = 0;
    let batch: DecisionRecord[] = [];
    for await (const line of createInterface({
      input: createReadStream(replayFile),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      const record = recordOfJsonLine(line);
      if (record === null) {
        brokenLines += line === '' ? 0 : 1;
        continue;
      }
      records += 1;
      batch.push(record);
      if (batch.length < replayBatch) continue;
      await append(batch);
      batch = [];
    }
    if (batch.length > 0) await append(batch);
    await rm(replayFile, { force: true });
    return { records, brokenLines };
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
