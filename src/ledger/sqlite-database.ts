/**
 * The SQLite file, spoken to synchronously. Write-ahead log with `synchronous = FULL`: a commit is on the disk before it is
 * acknowledged, whether the process is killed or the power fails. That costs one fsync a flush, in a thread that nobody waits for.
 */

import { type CompiledQuery, sql } from 'kysely';
import Database from 'libsql';
import { ShuntError } from '../base/errors.ts';
import { migrations } from './migrations.ts';
import { type OperationName, type Operations, operation } from './operations.ts';
import { settlePending } from './outcome-steps.ts';
import { createQueries } from './queries.ts';
import type { DecisionRecord } from './record.ts';
import { decisionColumns, rowOf } from './record-row.ts';
import { type Row, runSteps } from './steps.ts';

export interface SqliteDatabase {
  append(records: readonly DecisionRecord[]): void;
  perform<O extends OperationName>(name: O, input: Operations[O]['input']): Operations[O]['output'];
  close(): void;
}

export function openDatabase(file: string, busyMs: number): SqliteDatabase {
  const database = new Database(file, { timeout: busyMs });
  database.defaultSafeIntegers(true);
  const queries = createQueries('sqlite');
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA foreign_keys = ON');
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
        runSteps(settlePending(queries, records), all);
      });
    },
    perform(name, input) {
      const { steps, access } = operation(name);
      // What is erased is to be gone from the file as well, and not only from its tables.
      if (name === 'erase') database.exec('PRAGMA secure_delete = ON');
      return transaction(access === 'write' ? 'BEGIN IMMEDIATE' : 'BEGIN', () => runSteps(steps(queries, input), all));
    },
    close() {
      // Moves the log into the file, so that a copy of the file alone is a backup. PASSIVE waits for nobody.
      database.prepare('PRAGMA wal_checkpoint(PASSIVE)').all();
      database.close();
    },
  };

  /** Integers come as bigints. */
  function all(query: CompiledQuery): readonly Row[] {
    return database.prepare(query.sql).all([...query.parameters]) as Row[];
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
    const columns = sql.join(decisionColumns.map((column) => sql.ref(column)));
    const values = sql.join(decisionColumns.map(() => null));
    return sql`insert into decisions (${columns}) values (${values}) on conflict (id) do nothing`.compile(queries.build)
      .sql;
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
