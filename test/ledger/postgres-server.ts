/**
 * A PostgreSQL for tests: the one that SHUNT_TEST_POSTGRES_URL names (its `public` schema is emptied!), else a server
 * started from this machine's binaries in a folder of its own, else PGlite behind a socket, which needs nothing; the
 * URL `pglite` asks for that one.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

export interface TestPostgres {
  readonly url: string;
  /** PGlite runs one transaction at a time and keeps no password. */
  readonly real: boolean;
  /** Drops everything that is in the database. */
  reset(): Promise<void>;
  /** A query of one's own. */
  query(text: string): Promise<readonly Record<string, unknown>[]>;
  /** Cuts every connection, as a failing network or a restart does. */
  disconnect(): Promise<void>;
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<TestPostgres> {
  const given = process.env.SHUNT_TEST_POSTGRES_URL;
  if (given === 'pglite') return startPglite();
  if (given !== undefined && given !== '') return testPostgres(given, true, () => Promise.resolve());
  const binaries = binariesFolder();
  return binaries === null ? startPglite() : startServer(binaries);
}

const user = 'shunt';
const password = 'test-secret-73';

async function startServer(binaries: string): Promise<TestPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'shunt-postgres-'));
  const data = join(folder, 'data');
  const port = await freePort();
  // PostgreSQL refuses to run as root; any other user will do.
  const owner = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  if (owner.uid !== undefined) await chown(folder, owner.uid, owner.gid);
  const options = { cwd: folder, ...owner };
  const init = ['-D', data, '-U', user, '--auth=trust', '--encoding=UTF8', '--no-sync', '--no-instructions'];
  await promisify(execFile)(join(binaries, 'initdb'), init, options);
  const settings = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'fsync=off'];
  const server = spawn(join(binaries, 'postgres'), ['-D', data, '-p', String(port), ...settings], {
    ...options,
    stdio: 'ignore',
  });
  const stop = async () => {
    await ended(server);
    await rm(folder, { recursive: true, force: true });
  };
  const url = `postgres://${user}:${password}@127.0.0.1:${port}/postgres`;
  await answering(url, server);
  return testPostgres(url, true, stop);
}

async function startPglite(): Promise<TestPostgres> {
  const [{ PGlite }, { PGLiteSocketServer }] = await Promise.all([
    import('@electric-sql/pglite'),
    import('@electric-sql/pglite-socket'),
  ]);
  const db = await PGlite.create();
  const server = new PGLiteSocketServer({ db, port: 0, host: '127.0.0.1', maxConnections: 16 });
  await server.start();
  const url = `postgres://postgres:${password}@${server.getServerConn()}/postgres`;
  return testPostgres(url, false, async () => {
    await server.stop();
    await db.close();
  });
}

function testPostgres(url: string, real: boolean, stop: () => Promise<void>): TestPostgres {
  const query = async (text: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      const result: pg.QueryResult<Record<string, unknown>> = await client.query(text);
      return result.rows;
    } finally {
      await client.end();
    }
  };
  return {
    url,
    real,
    query,
    async reset() {
      await query('DROP SCHEMA public CASCADE');
      await query('CREATE SCHEMA public');
    },
    async disconnect() {
      await query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'shunt'");
    },
    stop,
  };
}

/** The first of the path, or of where distributions put them, newest first. */
function binariesFolder(): string | null {
  const versions = '/usr/lib/postgresql';
  const installed = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...installed.map((version) => join(versions, version, 'bin')),
  ];
  const whole = (folder: string) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres'));
  return folders.find(whole) ?? null;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function answering(url: string, server: ChildProcess): Promise<void> {
  for (let tries = 0; ; tries++) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (tries > 300 || server.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  // "Fast shutdown": rolls back what is open and leaves.
  server.kill('SIGINT');
  await once(server, 'exit');
}
