/**
 * The ledger's tables and queries, written with Kysely and only compiled by it: the database is spoken to synchronously,
 * in a thread of its own, where Kysely's promises would buy nothing.
 */
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely';
import type { DecisionRow } from './record-row.ts';

interface LedgerTables {
  decisions: DecisionRow;
  schema_version: { version: number; applied_at: number };
}

export type LedgerQueries = Kysely<LedgerTables>;

export function createQueries(): LedgerQueries {
  return new Kysely<LedgerTables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
}

/**
 * Each entry is one version of the schema, applied once, in order. Never edit one that was released: add the next.
 * Money is INTEGER nano-dollars, exact to nine billion dollars a sum; NULL means unpriced.
 */
export const migrations: readonly ((queries: LedgerQueries) => readonly CompiledQuery[])[] = [
  (queries) => [
    queries.schema
      .createTable('decisions')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('time', 'integer', (column) => column.notNull())
      .addColumn('tenant', 'text', (column) => column.notNull())
      .addColumn('key', 'text')
      .addColumn('tags', 'text', (column) => column.notNull())
      .addColumn('endpoint', 'text', (column) => column.notNull())
      .addColumn('requested_model', 'text', (column) => column.notNull())
      .addColumn('route', 'text')
      .addColumn('would_route', 'text')
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('score', 'real')
      .addColumn('threshold', 'real')
      .addColumn('margin', 'real')
      .addColumn('candidates', 'text')
      .addColumn('snapshot', 'text', (column) => column.notNull())
      .addColumn('model', 'text')
      .addColumn('backend', 'text')
      .addColumn('fallback_model', 'text', (column) => column.notNull())
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addColumn('cache', 'text', (column) => column.notNull())
      .addColumn('pin', 'text', (column) => column.notNull())
      .addColumn('stream', 'integer', (column) => column.notNull())
      .addColumn('status', 'integer', (column) => column.notNull())
      .addColumn('error_code', 'text')
      .addColumn('finish_reason', 'text')
      .addColumn('truncated', 'integer', (column) => column.notNull())
      .addColumn('input_tokens', 'integer', (column) => column.notNull())
      .addColumn('cached_input_tokens', 'integer', (column) => column.notNull())
      .addColumn('output_tokens', 'integer', (column) => column.notNull())
      .addColumn('reasoning_tokens', 'integer', (column) => column.notNull())
      .addColumn('usage_source', 'text', (column) => column.notNull())
      .addColumn('cost_nano_usd', 'integer')
      .addColumn('fallback_cost_nano_usd', 'integer')
      .addColumn('added_ms', 'real', (column) => column.notNull())
      .addColumn('embed_ms', 'real', (column) => column.notNull())
      .addColumn('match_ms', 'real', (column) => column.notNull())
      .addColumn('first_byte_ms', 'real')
      .addColumn('total_ms', 'real', (column) => column.notNull())
      .addColumn('prompt', 'text')
      .modifyEnd(sql`strict`)
      .compile(),
    queries.schema.createIndex('decisions_by_time').on('decisions').column('time').compile(),
    queries.schema.createIndex('decisions_by_route').on('decisions').columns(['route', 'time']).compile(),
  ],
];
