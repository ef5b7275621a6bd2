/**
 * The SQLite file, spoken to synchronously. Write-ahead log with `synchronous = FULL`: a commit is on the disk before it is
 * acknowledged, whether the process is killed or the power fails. That costs one fsync a flush, in a thread that nobody waits for.
 */

import type { CompiledQuery } from 'kysely';
import Database from 'libsql';
import { ShuntError } from '../base/errors.ts';
import type { NanoUsd } from '../base/money.ts';
import type { LedgerSummary, PageQuery, SpendDimension, SummaryQuery } from './contract.ts';
import { createQueries, migrations } from './queries.ts';
import type { DecisionRecord } from './record.ts';
import { type DecisionRow, decisionColumns, recordOf, rowOf } from './record-row.ts';
import { summarise } from './sqlite-summary.ts';

export interface SqliteDatabase {
  append(records: readonly DecisionRecord[]): void;
  find(id: string): DecisionRecord | null;
  spentSince(timeMs: number, by: SpendDimension): Map<string, NanoUsd>;
  page(query: PageQuery): DecisionRecord[];
  prune(beforeMs: number, limit: number): number;
  summarise(query: SummaryQuery): LedgerSummary;
  close(): void;
}

export function openDatabase(file: string, busyMs: number): SqliteDatabase {
  const database = new Database(file, { timeout: busyMs });
  database.defaultSafeIntegers(true);
  const queries = createQueries();
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  // Ids are looked up at random: with SQLite's 2 MB of cache, appends to a large ledger would read pages back all the time.
  database.exec('PRAGMA cache_size = -16384');
  database.exec('PRAGMA wal_autocheckpoint = 4000');
  migrate();
  const insert = database.prepare(insertSql());

  return {
    append(records) {
      transaction('BEGIN IMMEDIATE', () => {
        for (const record of records) {
          const row = rowOf(record);
          insert.run(decisionColumns.map((column) => row[column]));
        }
      });
    },
    find(id) {
      const rows = all(queries.selectFrom('decisions').selectAll().where('id', '=', id).compile());
      return rows.length === 0 ? null : recordOf(plainRow(rows[0] as Record<string, unknown>));
    },
    spentSince(timeMs, by) {
      const query = queries
        .selectFrom('decisions')
        .select([`${by} as name`, ({ fn }) => fn.sum<bigint>('cost_nano_usd').as('spent')])
        .where('time', '>=', timeMs)
        .where(by, 'is not', null)
        .where('cost_nano_usd', 'is not', null)
        .groupBy(by);
      const rows = all(query.compile()) as { name: string; spent: bigint }[];
      return new Map(rows.map(({ name, spent }) => [name, spent as NanoUsd]));
    },
    page({ sinceMs, untilMs, limit, after }) {
      const from = Math.max(sinceMs, after?.time ?? sinceMs);
      let query = queries
        .selectFrom('decisions')
        .selectAll()
        .where('time', '>=', Math.ceil(from))
        .where('time', '<', Math.ceil(untilMs))
        .orderBy('time')
        .orderBy('id')
        .limit(limit);
      if (after) {
        const { time, id } = after;
        query = query.where(({ eb, or }) => or([eb('time', '>', time), eb('id', '>', id)]));
      }
      return all(query.compile()).map((row) => recordOf(plainRow(row as Record<string, unknown>)));
    },
    prune(beforeMs, limit) {
      const old = queries.selectFrom('decisions').select('id').where('time', '<', beforeMs).limit(limit);
      const query = queries.deleteFrom('decisions').where('id', 'in', old).compile();
      return database.prepare(query.sql).run([...query.parameters]).changes;
    },
    summarise: (query) => transaction('BEGIN', () => summarise(queries, all, query)),
    close() {
      // Moves the log into the file, so that a copy of the file alone is a backup. PASSIVE waits for nobody.
      database.prepare('PRAGMA wal_checkpoint(PASSIVE)').all();
      database.close();
    },
  };

  /** Integers come as bigints. */
  function all(query: CompiledQuery): unknown[] {
    return database.prepare(query.sql).all([...query.parameters]);
  }

  /** For writing, IMMEDIATE takes the lock at once: a transaction that upgrades later fails instead of waiting its turn. */
  function transaction<T>(begin: 'BEGIN' | 'BEGIN IMMEDIATE', work: () => T): T {
    database.exec(begin);
    try {
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      if (database.inTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }

  function insertSql(): string {
    const placeholders = Object.fromEntries(decisionColumns.map((column) => [column, null])) as unknown as DecisionRow;
    return queries
      .insertInto('decisions')
      .values(placeholders)
      .onConflict((conflict) => conflict.column('id').doNothing())
      .compile().sql;
  }

  function migrate(): void {
    transaction('BEGIN IMMEDIATE', () => {
      database.exec(
        'CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT',
      );
      const [{ version }] = database
        .prepare('SELECT coalesce(max(version), 0) AS version FROM schema_version')
        .all() as [{ version: bigint }];
      const current = Number(version);
      if (current > migrations.length) {
        const message = `The ledger ${file} has schema version ${current}, written by a newer shunt than this one, which knows ${migrations.length}. Run the newer version, or set ledger.url to another file.`;
        throw new ShuntError('ledger_failed', message);
      }
      for (let next = current; next < migrations.length; next++) {
        for (const statement of migrations[next](queries)) database.exec(statement.sql);
        database.prepare('INSERT INTO schema_version VALUES (?, unixepoch())').run([next + 1]);
      }
    });
  }
}

const money = new Set<string>(['cost_nano_usd', 'fallback_cost_nano_usd']);

/** Everything but money fits a number. */
function plainRow(row: Record<string, unknown>): DecisionRow {
  const entries = Object.entries(row).map(([column, value]) => [
    column,
    typeof value === 'bigint' && !money.has(column) ? Number(value) : value,
  ]);
  return Object.fromEntries(entries) as unknown as DecisionRow;
}
