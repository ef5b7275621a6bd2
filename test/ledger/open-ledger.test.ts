/** What a proxy does at its start when its ledger cannot be opened. */
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { configSchema } from '../../src/config/schema.ts';
import { type OpenLedger, openLedger } from '../../src/ledger/open-ledger.ts';
import { openSqliteStore } from '../../src/ledger/sqlite-store.ts';
import { sampleRecord } from './sample-records.ts';

const Database = createRequire(import.meta.url)('libsql') as typeof import('libsql');

let folder: string;
let file: string;
let errors: string[];
let ledger: OpenLedger | null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-start-'));
  file = join(folder, 'ledger.db');
  errors = [];
  ledger = null;
});
afterEach(async () => {
  await ledger?.recorder.close();
  await rm(folder, { recursive: true, force: true });
});

async function open(settings: { url?: string; required?: boolean } = {}): Promise<OpenLedger> {
  const { ledger: section } = configSchema.parse({ ledger: { url: `sqlite:${file}`, flush_ms: 1, ...settings } });
  const config = { folder, ledger: section };
  ledger = await openLedger({ config, clock: systemClock, onError: (error) => errors.push(error.message) });
  return ledger;
}

const waits = { timeout: 15_000, interval: 50 };

describe('openLedger', () => {
  it('serves with a damaged ledger, keeps records beside it, and puts them into the one that takes its place', async () => {
    await writeFile(file, 'these are notes, not a database. '.repeat(200));
    const { recorder, store } = await open();
    expect(errors).toEqual([expect.stringMatching(/is damaged.*Move it away.*The proxy serves all the same.*spill/)]);
    recorder.record(sampleRecord({ id: 'a' }));
    await recorder.flush();
    expect(await readFile(`${file}.spill.jsonl`, 'utf8')).toContain('"a"');
    await rename(file, `${file}.damaged`);
    await expect.poll(() => store.find('a').then((record) => record?.id, String), waits).toBe('a');
    await expect.poll(() => recorder.queued, waits).toBe(0);
  });

  it('serves with a locked ledger, and loses nothing when the lock is let go', async () => {
    await (await openSqliteStore(file)).close();
    const other = new Database(file);
    other.exec('BEGIN IMMEDIATE');
    const { recorder, store } = await open();
    expect(errors).toEqual([expect.stringMatching(/is locked by another process.*The proxy serves all the same/)]);
    recorder.record(sampleRecord({ id: 'a' }));
    other.exec('ROLLBACK');
    other.close();
    await expect.poll(() => store.find('a').then((record) => record?.id, String), waits).toBe('a');
  });

  it('refuses to start when nothing can be written beside the ledger either, and names the way out', async () => {
    file = join(folder, 'a-file', 'ledger.db');
    await writeFile(join(folder, 'a-file'), '');
    await expect(open()).rejects.toMatchObject({
      code: 'ledger_failed',
      message: expect.stringMatching(/a file where a folder is needed.*Nor can.*ledger\.required: false/),
    });
  });

  it('serves without a ledger when the config says so, and writes down what it kept as soon as it can', async () => {
    file = join(folder, 'a-file', 'ledger.db');
    await writeFile(join(folder, 'a-file'), '');
    const { recorder, store } = await open({ required: false });
    expect(errors).toEqual([expect.stringMatching(/wait in memory/)]);
    recorder.record(sampleRecord({ id: 'a' }));
    await recorder.flush();
    expect([recorder.queued, recorder.dropped]).toEqual([1, 0]);
    expect((await recorder.find('a'))?.id).toBe('a');
    await rm(join(folder, 'a-file'));
    await expect.poll(() => store.find('a').then((record) => record?.id, String), waits).toBe('a');
    await expect.poll(() => recorder.queued, waits).toBe(0);
  });

  it('leaves no file behind by asking whether one could be written', async () => {
    await writeFile(file, 'not a database. '.repeat(200));
    await open();
    await expect(stat(`${file}.spill.jsonl`)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('needs nothing for a ledger that keeps nothing', async () => {
    const { recorder } = await open({ url: 'none' });
    recorder.record(sampleRecord({ id: 'a' }));
    await recorder.flush();
    expect(errors).toEqual([]);
  });
});
