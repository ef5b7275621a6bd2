/**
 * Where decision records go while the database cannot take them: lines of JSON at the end of a file beside it. Replayed
 * into the store when it works again; records that are in both places count once, since appending is idempotent by id.
 *
 *     <db>.spill.jsonl          being written
 *     <db>.spill.jsonl.replay   being read back; after a crash in the middle it is read again from its start
 */
import { createReadStream } from 'node:fs';
import { appendFile, mkdir, rename, rm, stat, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { messageOf, ShuntError } from '../base/errors.ts';
import type { DecisionRecord } from './record.ts';
import { jsonLineOf, recordOfJsonLine } from './record-row.ts';

export interface Spill {
  readonly file: string;
  /** Rejects when the file cannot be written or would grow past its bound; then nothing of them stands in it. */
  write(records: readonly DecisionRecord[]): Promise<void>;
  /** Rejects when nothing could be written now: the folder is closed, the disk full. Leaves nothing behind. */
  probe(): Promise<void>;
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
  /** The last line is whole, as far as we know. */
  let clean = false;
  let last: Promise<unknown> = Promise.resolve();

  return {
    file,
    write: (records) => inTurn(() => write(records)),
    probe: () =>
      inTurn(async () => {
        const size = await sizeOf(file);
        // The room of some records, in lines that a replay passes over.
        await append('\n'.repeat(8_192), size);
        if (size === 0) await rm(file);
        else await truncate(file, size);
      }),
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
    await rename(file, replayFile);
    return true;
  }

  async function write(records: readonly DecisionRecord[]): Promise<void> {
    const size = await sizeOf(file);
    const lines = records.map((record) => `${jsonLineOf(record)}\n`).join('');
    // A process that was killed may have left half a line: the first record after it must not be glued to it.
    const text = clean || size === 0 ? lines : `\n${lines}`;
    if (size + Buffer.byteLength(text) > maxBytes)
      throw new ShuntError('ledger_failed', `The spill file ${file} has reached ${maxBytes} bytes.`);
    await append(text, size);
    clean = true;
  }

  /** All of it, or nothing: half a batch would be read back as well, with a broken line at its end. */
  async function append(text: string, size: number): Promise<void> {
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await appendFile(file, text, { mode: 0o600 });
    } catch (error) {
      clean = false;
      await truncate(file, size).catch(() => undefined);
      throw new ShuntError('ledger_failed', `The spill file ${file} cannot be written (${messageOf(error)}).`, {
        cause: error,
      });
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
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 0;
    throw error;
  }
}
