import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { ShuntError } from '../../src/base/errors.ts';
import type { LedgerStore } from '../../src/ledger/contract.ts';
import { createNoStore } from '../../src/ledger/no-store.ts';
import type { DecisionRecord } from '../../src/ledger/record.ts';
import { createRecorder, type RecorderOptions } from '../../src/ledger/recorder.ts';
import { createSpill } from '../../src/ledger/spill.ts';
import { openSqliteStore } from '../../src/ledger/sqlite-store.ts';
import { emptiestRecord, sampleRecord, usd } from './sample-records.ts';

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-recorder-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A store in memory that fails, or hangs, while it is told to. */
function moodyStore() {
  const batches: (readonly DecisionRecord[])[] = [];
  const pruned: number[] = [];
  const mood = { failing: false, gate: Promise.resolve() };
  const store: LedgerStore = {
    ...createNoStore(),
    async append(records) {
      await mood.gate;
      if (mood.failing) throw new ShuntError('ledger_failed', 'The ledger x is locked.');
      batches.push(records);
    },
    find: async (id) => batches.flat().find((record) => record.id === id) ?? null,
    prune: async (beforeMs) => pruned.push(beforeMs),
  };
  return { store, batches, mood, pruned, ids: () => batches.flat().map(({ id }) => id) };
}

interface Changes extends Partial<RecorderOptions> {
  readonly spillFile?: string;
  readonly maxSpillBytes?: number;
}

function recorderOver(store: LedgerStore, changes: Changes = {}) {
  const errors: string[] = [];
  const { spillFile = join(folder, `spill-${count++}.jsonl`), maxSpillBytes = 1 << 20, ...rest } = changes;
  const recorder = createRecorder({
    store,
    flushMs: 5,
    maxQueued: 100,
    spill: createSpill(spillFile, maxSpillBytes),
    clock: systemClock,
    onError: (error) => errors.push(error.message),
    ...rest,
  });
  return { recorder, errors, spillFile };
}

function closedGate(): { readonly promise: Promise<void>; open(): void } {
  let open = () => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open: () => open() };
}

describe('createRecorder', () => {
  it('writes what came in within one flush as one batch, without being asked', async () => {
    const { store, batches } = moodyStore();
    const { recorder } = recorderOver(store);
    for (const id of ['a', 'b', 'c']) recorder.record(sampleRecord({ id }));
    expect(recorder.queued).toBe(3);
    await vi.waitFor(() => expect(batches.map((batch) => batch.length)).toEqual([3]));
    expect(recorder.queued).toBe(0);
    await recorder.close();
  });

  it('finds a record while it is queued, while it is written and after that', async () => {
    const { store, mood } = moodyStore();
    const gate = closedGate();
    mood.gate = gate.promise;
    const { recorder } = recorderOver(store);
    const record = sampleRecord({ id: 'a' });
    recorder.record(record);
    expect(await recorder.find('a')).toBe(record);
    const flushed = recorder.flush();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await recorder.find('a')).toBe(record);
    gate.open();
    await flushed;
    expect(await recorder.find('a')).toBe(record);
    expect(await recorder.find('b')).toBeNull();
    await recorder.close();
  });

  it('keeps records in a private file while the store fails, and puts each into the store once when it works again', async () => {
    const { store, mood, ids } = moodyStore();
    const { recorder, errors, spillFile } = recorderOver(store);
    mood.failing = true;
    recorder.record(sampleRecord({ id: 'a' }));
    await recorder.flush();
    recorder.record(emptiestRecord('b'));
    await recorder.flush();
    expect((await stat(spillFile)).mode & 0o777).toBe(0o600);
    expect((await readFile(spillFile, 'utf8')).trim().split('\n')).toHaveLength(2);
    expect(errors[0]).toMatch(/The ledger x is locked\. Decision records are kept in .*spill.*tried again in 250 ms/);
    mood.failing = false;
    await vi.waitFor(() => expect(ids()).toEqual(['a', 'b']), { timeout: 5_000 });
    recorder.record(sampleRecord({ id: 'c' }));
    await recorder.close();
    expect(ids()).toEqual(['a', 'b', 'c']);
    expect(recorder.dropped).toBe(0);
    await expect(stat(spillFile)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('gives a spilled record back exactly, and replays what an earlier process left', async () => {
    const failing = moodyStore();
    failing.mood.failing = true;
    const first = recorderOver(failing.store);
    const records = [
      sampleRecord({ id: 'a', cost: usd(9_007_199_254_740_993n), prompt: 'x\n"y"' }),
      emptiestRecord('b'),
    ];
    for (const record of records) first.recorder.record(record);
    await first.recorder.close();
    await appendFile(first.spillFile, '{"id":"half","ti');

    const working = moodyStore();
    const second = recorderOver(working.store, { spillFile: first.spillFile });
    await second.recorder.flush();
    expect(working.batches.flat()).toEqual(records);
    expect(second.errors).toEqual([expect.stringMatching(/1 lines of .* were no whole record/)]);
    await second.recorder.close();
  });

  it('starts on a new line after half a record', async () => {
    const failing = moodyStore();
    failing.mood.failing = true;
    const { recorder, spillFile } = recorderOver(failing.store, { spillFile: join(folder, 'half.jsonl') });
    await recorder.flush();
    await appendFile(spillFile, '').catch(() => undefined);
    await recorder.close();
    await appendFile(join(folder, 'half.jsonl'), '{"id":"half","ti');
    const again = recorderOver(failing.store, { spillFile: join(folder, 'half.jsonl') });
    again.recorder.record(sampleRecord({ id: 'a' }));
    await again.recorder.close();
    const working = moodyStore();
    const last = recorderOver(working.store, { spillFile: join(folder, 'half.jsonl') });
    await last.recorder.close();
    expect(working.ids()).toEqual(['a']);
  });

  it('spills what comes on top of its bound while the store hangs, and loses nothing', async () => {
    const { store, mood, ids } = moodyStore();
    const gate = closedGate();
    mood.gate = gate.promise;
    const { recorder } = recorderOver(store, { maxQueued: 10 });
    for (let i = 0; i < 15; i++) recorder.record(sampleRecord({ id: `r${i}` }));
    await new Promise((resolve) => setImmediate(resolve));
    gate.open();
    await recorder.flush();
    await recorder.close();
    expect(new Set(ids()).size).toBe(15);
    expect(recorder.dropped).toBe(0);
  });

  it('holds in memory what neither the store nor the spill file can take, until one of them can', async () => {
    const { store, mood, ids } = moodyStore();
    mood.failing = true;
    const blocked = join(folder, 'blocked');
    await writeFile(blocked, 'a file where a folder is needed');
    const { recorder, errors } = recorderOver(store, { spillFile: join(blocked, 'spill.jsonl') });
    for (const id of ['a', 'b', 'c']) {
      recorder.record(sampleRecord({ id }));
      await recorder.flush();
    }
    expect([recorder.queued, recorder.dropped]).toEqual([3, 0]);
    expect((await recorder.find('b'))?.id).toBe('b');
    expect(errors.join('\n')).toMatch(/spill file .* cannot be written .*decision records wait in memory/);
    mood.failing = false;
    await vi.waitFor(() => expect(ids()).toEqual(['a', 'b', 'c']), { timeout: 5_000 });
    expect(recorder.queued).toBe(0);
    await recorder.close();
  });

  it('goes on writing to the store when the spill file cannot be read', async () => {
    const { store, ids } = moodyStore();
    const spillFile = join(folder, 'unreadable.jsonl');
    await mkdir(`${spillFile}.replay`);
    const { recorder, errors } = recorderOver(store, { spillFile });
    recorder.record(sampleRecord({ id: 'a' }));
    await recorder.flush();
    expect(ids()).toEqual(['a']);
    expect(errors).toEqual([expect.stringMatching(/spill file .* cannot be read .*its records wait in it/)]);
    await recorder.close();
  });

  it('makes the folder of the spill file again when somebody has deleted it', async () => {
    const { store, mood, ids } = moodyStore();
    mood.failing = true;
    const place = join(folder, 'deleted');
    const { recorder } = recorderOver(store, { spillFile: join(place, 'spill.jsonl') });
    recorder.record(sampleRecord({ id: 'a' }));
    await recorder.flush();
    expect((await stat(place)).mode & 0o777).toBe(0o700);
    mood.failing = false;
    await vi.waitFor(() => expect(ids()).toEqual(['a']), { timeout: 5_000 });
    await recorder.close();
  });

  it('counts and reports what it has to drop, and never throws', async () => {
    const { store, mood } = moodyStore();
    mood.failing = true;
    const { recorder, errors } = recorderOver(store, { spill: null, maxQueued: 2 });
    for (let i = 0; i < 3; i++) {
      recorder.record(sampleRecord({ id: `r${i}` }));
      await recorder.flush();
    }
    expect([recorder.queued, recorder.dropped]).toEqual([2, 1]);
    await recorder.close();
    recorder.record(sampleRecord({ id: 'late' }));
    expect(recorder.dropped).toBe(4);
    expect(errors.join('\n')).toMatch(/1 decision records were dropped since the start; the last because neither/);
  });

  it('bounds the spill file', async () => {
    const { store, mood } = moodyStore();
    mood.failing = true;
    const { recorder, spillFile } = recorderOver(store, { maxSpillBytes: 1_500, maxQueued: 1 });
    for (let i = 0; i < 5; i++) {
      recorder.record(sampleRecord({ id: `r${i}` }));
      await recorder.flush();
    }
    expect((await stat(spillFile)).size).toBeLessThanOrEqual(1_500);
    expect(recorder.dropped).toBeGreaterThan(0);
    expect(recorder.dropped).toBeLessThan(5);
    await recorder.close();
  });

  it('deletes old records at the first write and then once a day', async () => {
    const { store, pruned } = moodyStore();
    let now = 100 * 86_400_000;
    const { recorder } = recorderOver(store, { keepDays: 90, clock: { now: () => now, monotonic: () => now } });
    for (const hours of [0, 1, 25]) {
      now = 100 * 86_400_000 + hours * 3_600_000;
      recorder.record(sampleRecord({ id: `h${hours}` }));
      await recorder.flush();
    }
    await recorder.close();
    expect(pruned).toEqual([10 * 86_400_000, 10 * 86_400_000 + 25 * 3_600_000]);
  });

  it('loses no record older than its flush to a kill -9, and keeps each once', async () => {
    const file = join(folder, 'killed.db');
    const script = fileURLToPath(new URL('./killed-recorder.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', script, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const settled: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      settled.push(line);
      if (settled.length === 200) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');
    const store = await openSqliteStore(file);
    for (const id of settled) expect(await store.find(id)).not.toBeNull();
    await store.close();
  });
});
