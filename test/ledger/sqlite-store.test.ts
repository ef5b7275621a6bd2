import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFile } from '../../src/ledger/sqlite-file.ts';
import { openSqliteStore } from '../../src/ledger/sqlite-store.ts';
import { ledgerFile, ledgerName, openLedgerStore, spillFile } from '../../src/ledger/store.ts';
import { sampleRecord } from './sample-records.ts';
import { describeLedgerStore } from './store-contract.ts';

const Database = createRequire(import.meta.url)('libsql') as typeof import('libsql');

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-ledger-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const newFile = () => join(folder, `ledger-${count++}.db`);

describeLedgerStore('SQLite', () => openSqliteStore(newFile()));

describe('the SQLite ledger on disk', () => {
  it('makes missing folders, and keeps file and folders from other users', async () => {
    const file = join(folder, 'new', 'deeper', 'ledger.db');
    const store = await openSqliteStore(file);
    await store.append([sampleRecord({ id: 'a' })]);
    expect((await stat(join(folder, 'new'))).mode & 0o777).toBe(0o700);
    for (const name of [file, `${file}-wal`, `${file}-shm`]) expect((await stat(name)).mode & 0o777).toBe(0o600);
    await store.close();
  });

  it('finds what an earlier process left, and does not migrate twice', async () => {
    const file = newFile();
    const first = await openSqliteStore(file);
    await first.append([sampleRecord({ id: 'a' })]);
    await first.close();
    const second = await openSqliteStore(file);
    expect(await second.find('a')).not.toBeNull();
    await second.close();
  });

  it('leaves everything in the one file when it is closed', async () => {
    const file = newFile();
    const store = await openSqliteStore(file);
    await store.append([sampleRecord({ id: 'a' })]);
    await store.close();
    const copy = newFile();
    await copyFile(file, copy);
    const restored = await openSqliteStore(copy);
    expect(await restored.find('a')).not.toBeNull();
    await restored.close();
  });

  it('says that a file is no database, and leaves it as it was', async () => {
    const file = newFile();
    const text = 'these are notes, not a database. '.repeat(200);
    await writeFile(file, text);
    await expect(openSqliteStore(file)).rejects.toMatchObject({
      code: 'ledger_failed',
      message: expect.stringMatching(/ledger-\d+\.db is damaged, or is no SQLite database.*Move it away/),
    });
    expect((await stat(file)).size).toBe(text.length);
  });

  it('says that a ledger is damaged when its pages were overwritten', async () => {
    const file = newFile();
    const store = await openSqliteStore(file);
    await store.append(Array.from({ length: 500 }, (_, i) => sampleRecord({ id: `r${i}` })));
    await store.close();
    const bytes = await readFile(file);
    bytes.fill(0x5a, 100, 20_000);
    await writeFile(file, bytes);
    await expect(openSqliteStore(file)).rejects.toThrow(/is damaged.*put a backup in its place/);
  });

  it('says that a folder stands where the file should be, or a file where a folder should', async () => {
    const place = newFile();
    await mkdir(place);
    await expect(openSqliteStore(place)).rejects.toThrow(/is a folder/);
    const note = newFile();
    await writeFile(note, '');
    await expect(openSqliteStore(join(note, 'ledger.db'))).rejects.toThrow(/a file where a folder is needed/);
  });

  it.skipIf(process.getuid?.() !== 0)('says that a folder cannot be written', async () => {
    const place = join(folder, 'closed');
    await mkdir(place, { mode: 0o755 });
    process.seteuid?.(65_534);
    try {
      await expect(openSqliteStore(join(place, 'ledger.db'))).rejects.toThrow(
        /cannot be written. Make its folder writable/,
      );
    } finally {
      process.seteuid?.(0);
    }
  });

  it('refuses a ledger of a newer version by name', async () => {
    const file = newFile();
    await (await openSqliteStore(file)).close();
    const database = new Database(file);
    database.exec('INSERT INTO schema_version VALUES (99, 0)');
    database.close();
    await expect(openSqliteStore(file)).rejects.toThrow(/schema version 99, written by a newer shunt/);
  });

  it('opens at the same moment in several stores, which see each other’s records', async () => {
    const file = newFile();
    const stores = await Promise.all(Array.from({ length: 4 }, () => openSqliteStore(file)));
    await Promise.all(
      stores.map((store, i) => store.append(Array.from({ length: 50 }, (_, j) => sampleRecord({ id: `${i}-${j}` })))),
    );
    for (const store of stores) {
      const { total } = await store.summarise({ sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER, by: 'route' });
      expect(total.requests).toBe(200);
      expect(await store.find('3-49')).not.toBeNull();
    }
    await Promise.all(stores.map((store) => store.close()));
  });

  it('waits for another writer, then says that the ledger is locked, then works again', async () => {
    const file = newFile();
    const store = await openSqliteStore(file, { busyMs: 50 });
    const other = new Database(file);
    other.exec('BEGIN IMMEDIATE');
    await expect(store.append([sampleRecord({ id: 'a' })])).rejects.toThrow(/is locked by another process/);
    other.exec('ROLLBACK');
    other.close();
    await store.append([sampleRecord({ id: 'a' })]);
    expect(await store.find('a')).not.toBeNull();
    await store.close();
  });

  it.each([
    ['deleted', (file: string) => rm(join(file, '..'), { recursive: true })],
    [
      'replaced',
      async (file: string) => {
        const other = await openSqliteStore(`${file}.other`);
        await other.append([sampleRecord({ id: 'theirs' })]);
        await other.close();
        await rename(`${file}.other`, file);
      },
    ],
  ])('refuses a commit into a file that was %s under it, and goes on in a new one', async (_what, harm) => {
    const file = join(newFile(), 'ledger.db');
    const store = await openSqliteStore(file);
    await store.append([sampleRecord({ id: 'before' })]);
    await harm(file);
    const lost = sampleRecord({ id: 'lost' });
    await expect(store.append([lost])).rejects.toThrow(/ledger\.db was deleted or replaced while it was in use/);
    await store.append([lost]);
    await store.close();
    const again = await openSqliteStore(file);
    expect(await again.find('lost')).toEqual(lost);
    expect(await again.find('before')).toBeNull();
    await again.close();
  });

  it('keeps its log when another process opens and closes the ledger, whoever else has asked for the file here', async () => {
    const file = newFile();
    const store = await openSqliteStore(file);
    await store.append([sampleRecord({ id: 'a' })]);
    makeFile(file);
    const visit =
      "const D = require('libsql'); const d = new D(process.argv[1]); d.prepare('SELECT 1 FROM decisions').all(); d.close()";
    spawnSync(process.execPath, ['-e', visit, file]);
    await store.append([sampleRecord({ id: 'b' })]);
    const seen = spawnSync(process.execPath, [
      '-e',
      visit.replace('d.prepare', 'console.log(d.prepare').replace('.all()', '.all().length)'),
      file,
    ]);
    expect(seen.stdout.toString().trim()).toBe('2');
    await store.close();
  });

  it('notices that its log was deleted, and commits again', async () => {
    const file = newFile();
    const store = await openSqliteStore(file);
    await store.append([sampleRecord({ id: 'a' })]);
    await rm(`${file}-wal`);
    await expect(store.append([sampleRecord({ id: 'b' })])).rejects.toThrow(/-wal was deleted while it was in use/);
    await store.append([sampleRecord({ id: 'b' })]);
    await store.close();
    const again = await openSqliteStore(file);
    expect([(await again.find('a'))?.id, (await again.find('b'))?.id]).toEqual(['a', 'b']);
    await again.close();
  });

  it('never lets a long report hold up the event loop', async () => {
    const store = await openSqliteStore(newFile());
    await store.append(Array.from({ length: 5_000 }, (_, i) => sampleRecord({ id: `r${i}` })));
    let turns = 0;
    const summary = store.summarise({ sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER, by: 'tag' }).then(() => 'done');
    while ((await Promise.race([summary, new Promise((resolve) => setImmediate(resolve, 'turn'))])) === 'turn') turns++;
    expect(turns).toBeGreaterThan(0);
    await store.close();
  });

  it('has every acknowledged record after a kill -9 of the process that wrote it', async () => {
    const file = newFile();
    const script = fileURLToPath(new URL('./killed-writer.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', script, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const acknowledged: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line);
      if (acknowledged.length === 40) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');
    const store = await openSqliteStore(file);
    for (const id of acknowledged) expect(await store.find(id)).not.toBeNull();
    await store.close();
  });
});

describe('openLedgerStore', () => {
  it('resolves relative paths against the folder of the config', async () => {
    expect(ledgerFile('sqlite:.shunt/ledger.db', { folder: '/srv/app' })).toBe('/srv/app/.shunt/ledger.db');
    expect(ledgerFile('sqlite:/var/lib/l.db', { folder: '/srv/app' })).toBe('/var/lib/l.db');
    expect(ledgerFile('none', { folder: '/srv/app' })).toBeNull();
  });

  it('names the key and the fix for a URL that it does not know, without showing it', async () => {
    const opening = openLedgerStore('mysql://joe:hush@x', { folder: '/' });
    await expect(opening).rejects.toThrow(/^ledger\.url must be sqlite:PATH, postgres:\/\/.* or none\./);
    await expect(opening).rejects.not.toThrow(/hush/);
  });

  it('lets records wait beside a SQLite file, or beside the config for a PostgreSQL database', () => {
    const place = { folder: '/srv/app' };
    expect(spillFile('sqlite:data/l.db', place)).toBe('/srv/app/data/l.db.spill.jsonl');
    expect(spillFile('postgresql://u:p@db/x', place)).toBe('/srv/app/.shunt/ledger.spill.jsonl');
    expect(spillFile('none', place)).toBeNull();
    expect(ledgerFile('postgres://u:p@db/x', place)).toBeNull();
    expect(ledgerName('postgres://u:p@db:6432/x?sslmode=require', place)).toBe('postgres://db:6432/x');
  });

  it('keeps nothing with none, and answers everything', async () => {
    const store = await openLedgerStore('none', { folder: '/' });
    await store.append([sampleRecord({ id: 'a' })]);
    expect(await store.find('a')).toBeNull();
    expect(await store.spentSince(0)).toEqual(new Map());
    expect(await store.page({ sinceMs: 0, untilMs: 1, limit: 9, after: null })).toEqual([]);
    expect((await store.summarise({ sinceMs: 0, untilMs: 1, by: 'day' })).total.requests).toBe(0);
    await store.close();
  });
});
