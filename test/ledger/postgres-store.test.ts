import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { openLedger } from '../../src/ledger/open-ledger.ts';
import { openPostgresStore } from '../../src/ledger/postgres-store.ts';
import { tells } from './outcome-contract.ts';
import { startPostgres, type TestPostgres } from './postgres-server.ts';
import { sampleRecord } from './sample-records.ts';
import { describeLedgerStore } from './store-contract.ts';

let server: TestPostgres;
let folder: string;
beforeAll(async () => {
  server = await startPostgres();
  folder = await mkdtemp(join(tmpdir(), 'shunt-ledger-'));
}, 120_000);
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const open = async () => {
  await server.reset();
  return openPostgresStore(server.url);
};

describeLedgerStore('PostgreSQL', open);

describe('the PostgreSQL ledger', () => {
  it('is made once by replicas that start at the same moment, which see each other’s records', async () => {
    await server.reset();
    const stores = await Promise.all(
      Array.from({ length: 4 }, () => openPostgresStore(server.url, { connections: 2, connectMs: 30_000 })),
    );
    expect(await server.query('SELECT version FROM schema_version ORDER BY version')).toHaveLength(2);
    await Promise.all(
      stores.map((store, i) => store.append(Array.from({ length: 50 }, (_, j) => sampleRecord({ id: `${i}-${j}` })))),
    );
    expect(await stores[0].find('3-49')).not.toBeNull();
    await Promise.all(stores.map((store) => store.close()));
  });

  it('refuses a ledger of a newer version by name, and shows no password', async () => {
    await (await open()).close();
    await server.query('INSERT INTO schema_version VALUES (99, 0)');
    const { username, password, host } = new URL(server.url);
    const error = await openPostgresStore(server.url).catch((reason: unknown) => reason);
    expect(String(error)).toMatch(/schema version 99, written by a newer shunt/);
    expect(String(error)).toContain(`postgres://${host}/postgres`);
    expect(String(error)).not.toContain(password);
    expect(String(error)).not.toContain(`${username}@`);
  });

  it('takes text that PostgreSQL has no place for: zero bytes and halves of surrogate pairs', async () => {
    const store = await open();
    const prompt = 'zero \0 half \ud83d whole 👩‍💻 backslash \\u0000 \\\\';
    await store.append([sampleRecord({ id: 'a', prompt })]);
    expect((await store.find('a'))?.prompt).toBe('zero \ufffd half \ufffd whole 👩‍💻 backslash \\u0000 \\\\');
    expect(await store.find('a\0')).toBeNull();
    await store.tell([tells('a', { reason: 'x\0y' })]);
    expect((await store.outcomes('a'))[0].reason).toBe('x\ufffdy');
    await store.close();
  });

  it('goes on with a new connection after the old one was cut', async () => {
    const store = await open();
    await store.append([sampleRecord({ id: 'a' })]);
    if (server.real) await server.disconnect();
    await vi.waitFor(() => store.append([sampleRecord({ id: 'b' })]), { timeout: 10_000 });
    expect(await store.find('b')).not.toBeNull();
    await store.close();
  });

  it('lets outcomes and appends of several replicas meet in any order, and loses no outcome', async () => {
    const [teller, writer] = [await open(), await openPostgresStore(server.url)];
    const ids = Array.from({ length: 40 }, (_, i) => `r${i}`);
    await Promise.all(
      ids.flatMap((id) => [teller.tell([tells(id, { mayWait: true })]), writer.append([sampleRecord({ id })])]),
    );
    for (const id of ids) expect(await teller.outcomes(id)).toHaveLength(1);
    expect(await server.query('SELECT 1 FROM pending_outcomes')).toEqual([]);
    await Promise.all([teller.close(), writer.close()]);
  });

  it('says that nobody answers, in words and without the password', async () => {
    const silent = createServer();
    const sockets: Socket[] = [];
    silent.on('connection', (socket) => sockets.push(socket));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const url = `postgres://joe:hush-hush@127.0.0.1:${port}/x`;
    const error = await openPostgresStore(url, { connectMs: 100 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ledger_failed', message: expect.stringMatching(/cannot be reached. Start/) });
    expect(String(error)).not.toMatch(/hush|joe/);
    for (const socket of sockets) socket.destroy();
    silent.close();
    await once(silent, 'close');
    await expect(openPostgresStore(url)).rejects.toThrow(/cannot be reached.*ECONNREFUSED/);
  });

  it('has records wait in a file while the database is away, and puts them into it once when it is back', async () => {
    await server.reset();
    const { port } = new URL(server.url);
    const link = await breakableLink(Number(port));
    const url = new URL(server.url);
    url.port = String(link.port);
    link.cut();
    const errors: string[] = [];
    const ledger = { url: url.href, flush_ms: 5, keep_days: 36_500, required: true } as const;
    const { recorder, store } = await openLedger({
      config: { folder, ledger: { ...ledger, prompts: 'hash', accept_score: 0.5 } },
      clock: systemClock,
      onError: (error) => errors.push(error.message),
    });
    for (const id of ['a', 'b']) recorder.record(sampleRecord({ id }));
    await recorder.flush();
    const spill = join(folder, '.shunt', 'ledger.spill.jsonl');
    expect((await readFile(spill, 'utf8')).trim().split('\n')).toHaveLength(2);
    link.mend();
    await vi.waitFor(async () => expect(await store.find('b')).not.toBeNull(), { timeout: 20_000 });
    recorder.record(sampleRecord({ id: 'b', route: 'another' }));
    recorder.record(sampleRecord({ id: 'c' }));
    await recorder.close();
    expect(await server.query('SELECT id, route FROM decisions ORDER BY id')).toEqual(
      ['a', 'b', 'c'].map((id) => ({ id, route: 'translation' })),
    );
    expect(errors.join('\n')).not.toContain(new URL(server.url).password);
    await link.close();
  });

  it('has every acknowledged record after a kill -9 of the process that wrote it', async () => {
    await (await open()).close();
    const script = fileURLToPath(new URL('./killed-writer.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', script, server.url], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const acknowledged: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line);
      if (acknowledged.length === 40) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    const store = await openPostgresStore(server.url);
    for (const id of acknowledged) expect(await store.find(id)).not.toBeNull();
    await store.close();
  });
});

/** Stands between the store and the server, and can be cut. */
async function breakableLink(port: number) {
  const { connect } = await import('node:net');
  const sockets = new Set<Socket>();
  let open = true;
  const link = createServer((inner) => {
    if (!open) {
      inner.destroy();
      return;
    }
    const outer = connect(port, '127.0.0.1');
    for (const [socket, other] of [
      [inner, outer],
      [outer, inner],
    ]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => other.destroy());
      socket.pipe(other);
    }
  });
  link.listen(0, '127.0.0.1');
  await once(link, 'listening');
  const address = link.address();
  return {
    port: typeof address === 'object' ? address?.port : 0,
    cut() {
      open = false;
      for (const socket of sockets) socket.destroy();
    },
    mend() {
      open = true;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      link.close();
      await once(link, 'close');
    },
  };
}
