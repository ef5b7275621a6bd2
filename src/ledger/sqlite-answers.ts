/**
 * The table of cached answers in the ledger's SQLite file, spoken to synchronously. It is a cache: a table that is not as
 * it should be is dropped and made anew, and a commit need not have reached the disk.
 */
import Database from 'libsql';
import type { AnswerFilter, AnswerStore, AnswerStoreStats, StoredAnswer } from './answer-store.ts';
import { makeFile } from './sqlite-file.ts';

export interface SqliteAnswers {
  get(key: string, now: number): StoredAnswer | null;
  put(answers: readonly StoredAnswer[], limits: Parameters<AnswerStore['put']>[1]): void;
  purge(filter: AnswerFilter): string[];
  stats(now: number): AnswerStoreStats;
  close(): void;
}

interface AnswerRow {
  readonly key: string;
  readonly tenant: string;
  readonly person: string | null;
  readonly route: string | null;
  readonly model: string;
  readonly tags: string;
  readonly form: string;
  readonly content_type: string;
  readonly body: Uint8Array;
  readonly usage: string | null;
  readonly stored_at: number;
  readonly expires_at: number;
}

const columns = [
  'key',
  'tenant',
  'person',
  'route',
  'model',
  'tags',
  'form',
  'content_type',
  'body',
  'usage',
  'stored_at',
  'expires_at',
] as const satisfies readonly (keyof AnswerRow)[];

/** The number changes with the columns: a table of another shunt is left alone, and ages. */
const table = 'cached_answers_1';
/** A row's other columns and its place in the indexes. */
const rowBytes = 600;
/** Expired rows are looked for no more often than this. */
const sweepMs = 60_000;

export function openAnswers(file: string, busyMs: number): SqliteAnswers {
  makeFile(file);
  const database = new Database(file, { timeout: busyMs });
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = NORMAL');
  makeTable();
  const find = database.prepare(`SELECT ${columns.join(', ')} FROM ${table} WHERE key = ? AND expires_at > ?`);
  const marks = columns.map(() => '?').join(', ');
  const insert = database.prepare(`INSERT OR REPLACE INTO ${table} (${columns.join(', ')}) VALUES (${marks})`);
  let sweptAt = 0;
  /** As far as this process knows; a sweep reads what others have written. */
  let bytes = 0;

  return {
    get(key, now) {
      const row = find.get([key, now]) as AnswerRow | undefined;
      return row === undefined ? null : answerOf(row);
    },
    put(answers, { now, maxBytes }) {
      transaction(() => {
        for (const answer of answers) {
          const row = rowOf(answer);
          insert.run(columns.map((column) => row[column]));
          bytes += answer.body.length + rowBytes;
        }
        if (now - sweptAt >= sweepMs) sweep(now);
        if (bytes > maxBytes) shrink(maxBytes);
      });
    },
    purge(filter) {
      const { where, values } = conditionOf(filter);
      const sql = `DELETE FROM ${table} WHERE ${where} RETURNING key`;
      return transaction(() => (database.prepare(sql).all(values) as { key: string }[]).map(({ key }) => key));
    },
    stats(now) {
      const sql = `SELECT count(*) AS entries, coalesce(sum(length(body) + ${rowBytes}), 0) AS bytes FROM ${table} WHERE expires_at > ?`;
      return database.prepare(sql).get([now]) as AnswerStoreStats;
    },
    close: () => database.close(),
  };

  function makeTable(): void {
    transaction(() => {
      database.exec(`CREATE TABLE IF NOT EXISTS ${table} (
        key TEXT PRIMARY KEY NOT NULL, tenant TEXT NOT NULL, person TEXT, route TEXT, model TEXT NOT NULL, tags TEXT NOT NULL,
        form TEXT NOT NULL, content_type TEXT NOT NULL, body BLOB NOT NULL, usage TEXT,
        stored_at INTEGER NOT NULL, expires_at INTEGER NOT NULL) STRICT`);
      database.exec(`CREATE INDEX IF NOT EXISTS ${table}_by_age ON ${table} (stored_at)`);
      database.exec(`CREATE INDEX IF NOT EXISTS ${table}_by_end ON ${table} (expires_at)`);
    });
  }

  function sweep(now: number): void {
    sweptAt = now;
    database.prepare(`DELETE FROM ${table} WHERE expires_at <= ?`).run([now]);
    const sql = `SELECT coalesce(sum(length(body) + ${rowBytes}), 0) AS bytes FROM ${table}`;
    bytes = (database.prepare(sql).get([]) as { bytes: number }).bytes;
  }

  /** The oldest go until a tenth of the room is free again, so that not every write has to make room. */
  function shrink(maxBytes: number): void {
    const oldest = database
      .prepare(`SELECT key, length(body) + ${rowBytes} AS bytes FROM ${table} ORDER BY stored_at`)
      .iterate([]) as Iterable<{ key: string; bytes: number }>;
    const gone: string[] = [];
    for (const row of oldest) {
      if (bytes <= maxBytes * 0.9) break;
      gone.push(row.key);
      bytes -= row.bytes;
    }
    const remove = database.prepare(`DELETE FROM ${table} WHERE key = ?`);
    for (const key of gone) remove.run([key]);
  }

  /** IMMEDIATE takes the lock at once: a transaction that upgrades later fails instead of waiting its turn. */
  function transaction<T>(work: () => T): T {
    database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      if (database.inTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }
}

function conditionOf(filter: AnswerFilter): { readonly where: string; readonly values: (string | number)[] } {
  const conditions: string[] = ['1 = 1'];
  const values: (string | number)[] = [];
  const add = (condition: string, value: string | number) => {
    conditions.push(condition);
    values.push(value);
  };
  if (filter.route === null) conditions.push('route IS NULL');
  else if (filter.route !== undefined) add('route = ?', filter.route);
  if (filter.tenant !== undefined) add('tenant = ?', filter.tenant);
  if (filter.person !== undefined) add('person = ?', filter.person);
  if (filter.storedBefore !== undefined) add('stored_at < ?', filter.storedBefore);
  if (filter.tag !== undefined) add('EXISTS (SELECT 1 FROM json_each(tags) WHERE json_each.value = ?)', filter.tag);
  return { where: conditions.join(' AND '), values };
}

function rowOf(answer: StoredAnswer): AnswerRow {
  const { key, tenant, person, route, model, form, contentType, body, usage, storedAt, expiresAt } = answer;
  return {
    key,
    tenant,
    person,
    route,
    model,
    form,
    tags: JSON.stringify(answer.tags),
    content_type: contentType,
    body: Buffer.from(body),
    usage: usage === null ? null : JSON.stringify(usage),
    stored_at: Math.round(storedAt),
    expires_at: Math.round(expiresAt),
  };
}

/** What stands in these columns was written by `rowOf`; a row that was meddled with is no answer. */
function answerOf(row: AnswerRow): StoredAnswer | null {
  try {
    return {
      key: row.key,
      tenant: row.tenant,
      person: row.person,
      route: row.route,
      model: row.model,
      tags: JSON.parse(row.tags) as string[],
      form: row.form === 'sse' ? 'sse' : 'json',
      contentType: row.content_type,
      body: row.body,
      usage: row.usage === null ? null : (JSON.parse(row.usage) as StoredAnswer['usage']),
      storedAt: row.stored_at,
      expiresAt: row.expires_at,
    };
  } catch {
    return null;
  }
}
