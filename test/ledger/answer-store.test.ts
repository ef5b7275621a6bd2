/** The second level of the exact cache: a table in the ledger's database, on either engine. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AnswerStore, StoredAnswer } from '../../src/ledger/answer-store.ts';
import { openAnswerStore } from '../../src/ledger/open-answer-store.ts';
import { openLedgerStore } from '../../src/ledger/store.ts';
import { startPostgres, type TestPostgres } from './postgres-server.ts';

let folder = '';
let opened: AnswerStore[] = [];
let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
}, 120_000);
afterAll(() => server.stop());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-answers-'));
  opened = [];
  await server.reset();
});
afterEach(async () => {
  await Promise.all(opened.map((store) => store.close()));
  await rm(folder, { recursive: true });
});

function openAt(url: string): AnswerStore {
  const store = openAnswerStore(url, { folder });
  if (store === null) throw new Error(`${url} keeps no answers`);
  opened.push(store);
  return store;
}

const limits = { now: 1_000, maxBytes: 1 << 20 };

function answer(key: string, changed: Partial<StoredAnswer> = {}): StoredAnswer {
  return {
    key,
    tenant: 'key:app-a',
    person: null,
    route: 'faq',
    model: 'small',
    tags: ['team-a'],
    form: 'json',
    contentType: 'application/json',
    body: new TextEncoder().encode(`{"answer":"${key}"}`),
    usage: { input: 1, cachedInput: 0, output: 2, reasoning: 0, source: 'reported' },
    storedAt: 1_000,
    expiresAt: 5_000,
    ...changed,
  };
}

const textOf = (found: StoredAnswer | null) => (found === null ? null : Buffer.from(found.body).toString());

const engines = ['SQLite', 'PostgreSQL'] as const;
const urlOf = (engine: (typeof engines)[number]) => (engine === 'SQLite' ? 'sqlite:ledger.db' : server.url);

describe.each(engines)('answers stored in %s', (engine) => {
  const open = () => openAt(urlOf(engine));

  it('come back as they were, also to another process and beside the ledger itself', async () => {
    const ledger = await openLedgerStore(urlOf(engine), { folder });
    const store = open();
    await store.put([answer('a'), answer('b', { route: null, usage: null, form: 'sse' })], limits);
    const found = await open().get('a', 2_000);
    expect({ ...found, body: null }).toEqual({ ...answer('a'), body: null });
    expect(textOf(found)).toBe('{"answer":"a"}');
    expect(await store.get('b', 2_000)).toMatchObject({ route: null, usage: null, form: 'sse' });
    expect(await store.get('c', 2_000)).toBeNull();
    await ledger.close();
  });

  it('are over when their time is, and replaced by newer ones of the same key', async () => {
    const store = open();
    await store.put([answer('a')], limits);
    expect(await store.get('a', 4_999)).not.toBeNull();
    expect(await store.get('a', 5_000)).toBeNull();
    await store.put([answer('a', { model: 'large', expiresAt: 9_000 })], limits);
    expect(await store.get('a', 5_000)).toMatchObject({ model: 'large' });
    await store.put([answer('b', { expiresAt: 200_000 })], { ...limits, now: 100_000 });
    expect((await store.stats(0)).entries).toBe(1);
  });

  it('stay within their bytes: the oldest go', async () => {
    const store = open();
    const body = new Uint8Array(10_000);
    for (let i = 0; i < 30; i++)
      await store.put([answer(`k${i}`, { body, storedAt: i, expiresAt: 1e9 })], { now: i * 60_000, maxBytes: 100_000 });
    const { bytes, entries } = await store.stats(0);
    expect(bytes).toBeLessThanOrEqual(100_000);
    expect(entries).toBeGreaterThan(5);
    expect(await store.get('k0', 0)).toBeNull();
    expect(await store.get('k29', 0)).not.toBeNull();
  });

  it('go by route, tag, tenant and age', async () => {
    const store = open();
    const fill = () =>
      store.put(
        [
          answer('a'),
          answer('b', { route: 'other', tags: ['team-b', 'x'] }),
          answer('c', { route: null, tenant: 'key:app-b' }),
          answer('d', { storedAt: 10, person: 'hmac:anna' }),
        ],
        limits,
      );
    const left = async () => {
      const found = await Promise.all(['a', 'b', 'c', 'd'].map(async (key) => (await store.get(key, 0)) && key));
      return found.filter((key) => key !== null).join('');
    };
    for (const [filter, count, rest] of [
      [{ route: 'faq' }, 2, 'bc'],
      [{ route: null }, 1, 'abd'],
      [{ tag: 'x' }, 1, 'acd'],
      [{ tenant: 'key:app-b' }, 1, 'abd'],
      [{ person: 'hmac:anna' }, 1, 'abc'],
      [{ storedBefore: 1_000 }, 1, 'abc'],
      [{ route: 'faq', storedBefore: 1_000 }, 1, 'abc'],
      [{}, 4, ''],
    ] as const) {
      await fill();
      expect([filter, (await store.purge(filter)).length, await left()]).toEqual([filter, count, rest]);
    }
  });
});

describe('stored answers', () => {
  it('hold no prompt', async () => {
    await openAt('sqlite:ledger.db').put([answer('digest')], limits);
    const columns = new Database(join(folder, 'ledger.db')).prepare('PRAGMA table_info(cached_answers_1)').all([]);
    expect((columns as { name: string }[]).map(({ name }) => name)).not.toContain('prompt');
  });

  it('are nowhere without a ledger, and fail in words where the file is no database, or the server is gone', async () => {
    expect(openAnswerStore('none', { folder })).toBeNull();
    await writeFile(join(folder, 'ledger.db'), 'this is a text and no database, whatever its name says.'.repeat(100));
    await expect(openAt('sqlite:ledger.db').get('a', 0)).rejects.toThrow(/is damaged, or is no SQLite database/);
    await expect(openAt('postgres://u:secret@127.0.0.1:1/x').get('a', 0)).rejects.toThrow(
      /^The ledger postgres:\/\/127\.0\.0\.1:1\/x cannot be reached/,
    );
  });
});
