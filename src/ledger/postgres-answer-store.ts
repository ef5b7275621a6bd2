/**
 * Cached answers in PostgreSQL, where replicas share them: the table of the SQLite one. Two connections of its own, so that
 * the ledger's writers are never waited for; the table is made at the first call that reaches the server.
 */
import pg from 'pg';
import { ShuntError } from '../base/errors.ts';
import type { AnswerFilter, AnswerStore, StoredAnswer } from './answer-store.ts';
import { describePostgresFailure, placeOf } from './postgres-failure.ts';

/** The number changes with the columns: a table of another shunt is left alone, and ages. */
const table = 'cached_answers_1';
/** A row's other columns and its place in the indexes. */
const rowBytes = 600;
const sweepMs = 60_000;
const queryMs = 10_000;

interface AnswerRow {
  readonly key: string;
  readonly tenant: string;
  readonly person: string | null;
  readonly route: string | null;
  readonly model: string;
  readonly tags: readonly string[];
  readonly form: string;
  readonly content_type: string;
  readonly body: Buffer;
  readonly usage: StoredAnswer['usage'];
  /** Eight bytes come as text. */
  readonly stored_at: string;
  readonly expires_at: string;
}

export function openPostgresAnswerStore(url: string): AnswerStore {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'shunt-answers',
    max: 2,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    allowExitOnIdle: true,
    query_timeout: queryMs,
  });
  // An idle connection that breaks is none that anybody waits for.
  pool.on('error', () => undefined);
  let made: Promise<unknown> | null = null;
  let sweptAt = 0;

  async function query<R extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[],
  ): Promise<pg.QueryResult<R>> {
    try {
      made ??= pool.query(makeTable);
      await made;
      return await pool.query<R>(text, [...values]);
    } catch (error) {
      made = null;
      throw new ShuntError('ledger_failed', describePostgresFailure(placeOf(url), error), { cause: error });
    }
  }

  return {
    async get(key, now) {
      const { rows } = await query<AnswerRow>(`SELECT * FROM ${table} WHERE key = $1 AND expires_at > $2`, [key, now]);
      return rows.length === 0 ? null : answerOf(rows[0]);
    },
    async put(answers, { now, maxBytes }) {
      for (const answer of answers) await query(upsert, valuesOf(answer));
      if (now - sweptAt < sweepMs) return;
      sweptAt = now;
      await query(`DELETE FROM ${table} WHERE expires_at <= $1`, [now]);
      await query(shrink, [maxBytes]);
    },
    async purge(filter) {
      const { where, values } = conditionOf(filter);
      const { rows } = await query<{ key: string }>(`DELETE FROM ${table} WHERE ${where} RETURNING key`, values);
      return rows.map(({ key }) => key);
    },
    async stats(now) {
      const { rows } = await query<{ entries: string; bytes: string }>(
        `SELECT count(*) AS entries, coalesce(sum(length(body) + ${rowBytes}), 0) AS bytes FROM ${table} WHERE expires_at > $1`,
        [now],
      );
      return { entries: Number(rows[0].entries), bytes: Number(rows[0].bytes) };
    },
    close: () => pool.end(),
  };
}

/** Replicas that start together would trip over each other's CREATE without the lock. */
const makeTable = `
  BEGIN;
  SELECT pg_advisory_xact_lock(7217002);
  CREATE TABLE IF NOT EXISTS ${table} (
    key text PRIMARY KEY, tenant text NOT NULL, person text, route text, model text NOT NULL, tags jsonb NOT NULL,
    form text NOT NULL, content_type text NOT NULL, body bytea NOT NULL, usage jsonb, stored_at bigint NOT NULL, expires_at bigint NOT NULL);
  CREATE INDEX IF NOT EXISTS ${table}_by_age ON ${table} (stored_at);
  CREATE INDEX IF NOT EXISTS ${table}_by_end ON ${table} (expires_at);
  COMMIT`;

const columns = 'key, tenant, person, route, model, tags, form, content_type, body, usage, stored_at, expires_at';
const upsert = `
  INSERT INTO ${table} (${columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
  ON CONFLICT (key) DO UPDATE SET (${columns.replace('key, ', '')}) = (${columns
    .replace('key, ', '')
    .split(', ')
    .map((column) => `excluded.${column}`)
    .join(', ')})`;

/** The newest stay, as far as the bytes reach. */
const shrink = `
  DELETE FROM ${table} WHERE key IN (
    SELECT key FROM (
      SELECT key, sum(length(body) + ${rowBytes}) OVER (ORDER BY stored_at DESC, key) AS held FROM ${table}
    ) AS ranked WHERE held > $1)`;

function valuesOf(answer: StoredAnswer): unknown[] {
  const { key, tenant, person, route, model, tags, form, contentType, body, usage, storedAt, expiresAt } = answer;
  const json = usage === null ? null : JSON.stringify(usage);
  const times = [Math.round(storedAt), Math.round(expiresAt)];
  return [
    key,
    tenant,
    person,
    route,
    model,
    JSON.stringify(tags),
    form,
    contentType,
    Buffer.from(body),
    json,
    ...times,
  ];
}

function conditionOf(filter: AnswerFilter): { readonly where: string; readonly values: unknown[] } {
  const conditions: string[] = ['true'];
  const values: unknown[] = [];
  const add = (condition: (mark: string) => string, value: unknown) => {
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  if (filter.route === null) conditions.push('route IS NULL');
  else if (filter.route !== undefined) add((mark) => `route = ${mark}`, filter.route);
  if (filter.tenant !== undefined) add((mark) => `tenant = ${mark}`, filter.tenant);
  if (filter.person !== undefined) add((mark) => `person = ${mark}`, filter.person);
  if (filter.storedBefore !== undefined) add((mark) => `stored_at < ${mark}`, Math.round(filter.storedBefore));
  if (filter.tag !== undefined) add((mark) => `tags @> ${mark}::jsonb`, JSON.stringify([filter.tag]));
  return { where: conditions.join(' AND '), values };
}

function answerOf(row: AnswerRow): StoredAnswer {
  const { key, tenant, person, route, model, tags, body, usage } = row;
  const form = row.form === 'sse' ? 'sse' : 'json';
  const times = { storedAt: Number(row.stored_at), expiresAt: Number(row.expires_at) };
  return { key, tenant, person, route, model, tags, form, contentType: row.content_type, body, usage, ...times };
}
