/**
 * The ledger's tables, and the query builder for either engine. Kysely only compiles: SQLite is spoken to synchronously in
 * a thread of its own, PostgreSQL through its own client, and the same stories (`steps.ts`) run on both.
 *
 *   decisions          one row a request, with the latest explicit outcome copied into it
 *   outcomes           every explicit outcome of a decision, in the order in which they were told
 *   pending_outcomes   outcomes that came before their decision: an answer that still streams, a row in the spill file
 *   schema_version     which of `migrations.ts` were applied
 */
import {
  DummyDriver,
  type Generated,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { DecisionRow } from './record-row.ts';

export interface OutcomeRow {
  /** The order in which they were told. */
  seq: Generated<bigint>;
  request_id: string;
  time: number;
  source: string;
  accepted: number | null;
  score: number | null;
  reason: string | null;
  actor: string | null;
  metadata: string | null;
}

export interface PendingRow extends Omit<OutcomeRow, 'request_id'> {
  /** A request id or a response id. */
  reference: string;
  by_response: number;
  /** Whose decision it must turn out to be; null: an admin's word counts for anybody's. */
  tenant: string | null;
}

interface LedgerTables {
  decisions: DecisionRow;
  outcomes: OutcomeRow;
  pending_outcomes: PendingRow;
  schema_version: { version: number; applied_at: number };
}

export type Engine = 'sqlite' | 'postgres';

export interface LedgerQueries {
  readonly engine: Engine;
  readonly build: Kysely<LedgerTables>;
}

export function createQueries(engine: Engine): LedgerQueries {
  const sqlite = engine === 'sqlite';
  const build = new Kysely<LedgerTables>({
    dialect: {
      createAdapter: () => (sqlite ? new SqliteAdapter() : new PostgresAdapter()),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => (sqlite ? new SqliteIntrospector(db) : new PostgresIntrospector(db)),
      createQueryCompiler: () => (sqlite ? new SqliteQueryCompiler() : new PostgresQueryCompiler()),
    },
  });
  return { engine, build };
}
