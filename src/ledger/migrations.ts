/**
 * The versions of the schema, applied once, in order, under a lock of the engine, so that replicas may start together.
 * Never edit one that was released: add the next.
 *
 * Money is whole nano-dollars in 64 bits, exact to nine billion dollars a sum; NULL means unpriced. Ids compare byte by
 * byte on both engines, whatever language a PostgreSQL database was made for.
 */
import { type CompiledQuery, sql } from 'kysely';
import type { LedgerQueries } from './queries.ts';

type Migration = (queries: LedgerQueries) => readonly CompiledQuery[];

export const migrations: readonly Migration[] = [decisions, outcomes];

function decisions({ build, engine }: LedgerQueries): readonly CompiledQuery[] {
  const { id, whole, real, strict } = columnTypes(engine);
  return [
    build.schema
      .createTable('decisions')
      .addColumn('id', id, (column) => column.primaryKey().notNull())
      .addColumn('time', whole, (column) => column.notNull())
      .addColumn('tenant', 'text', (column) => column.notNull())
      .addColumn('key', 'text')
      .addColumn('tags', 'text', (column) => column.notNull())
      .addColumn('endpoint', 'text', (column) => column.notNull())
      .addColumn('requested_model', 'text', (column) => column.notNull())
      .addColumn('route', 'text')
      .addColumn('would_route', 'text')
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('score', real)
      .addColumn('threshold', real)
      .addColumn('margin', real)
      .addColumn('candidates', 'text')
      .addColumn('snapshot', 'text', (column) => column.notNull())
      .addColumn('model', 'text')
      .addColumn('backend', 'text')
      .addColumn('fallback_model', 'text', (column) => column.notNull())
      .addColumn('attempts', whole, (column) => column.notNull())
      .addColumn('cache', 'text', (column) => column.notNull())
      .addColumn('pin', 'text', (column) => column.notNull())
      .addColumn('stream', whole, (column) => column.notNull())
      .addColumn('status', whole, (column) => column.notNull())
      .addColumn('error_code', 'text')
      .addColumn('finish_reason', 'text')
      .addColumn('truncated', whole, (column) => column.notNull())
      .addColumn('input_tokens', whole, (column) => column.notNull())
      .addColumn('cached_input_tokens', whole, (column) => column.notNull())
      .addColumn('output_tokens', whole, (column) => column.notNull())
      .addColumn('reasoning_tokens', whole, (column) => column.notNull())
      .addColumn('usage_source', 'text', (column) => column.notNull())
      .addColumn('cost_nano_usd', whole)
      .addColumn('fallback_cost_nano_usd', whole)
      .addColumn('added_ms', real, (column) => column.notNull())
      .addColumn('embed_ms', real, (column) => column.notNull())
      .addColumn('match_ms', real, (column) => column.notNull())
      .addColumn('first_byte_ms', real)
      .addColumn('total_ms', real, (column) => column.notNull())
      .addColumn('prompt', 'text')
      .modifyEnd(strict)
      .compile(),
    build.schema.createIndex('decisions_by_time').on('decisions').column('time').compile(),
    build.schema.createIndex('decisions_by_route').on('decisions').columns(['route', 'time']).compile(),
  ];
}

function outcomes({ build, engine }: LedgerQueries): readonly CompiledQuery[] {
  const { id, whole, real, strict } = columnTypes(engine);
  const added = [
    ['response_id', id],
    ['person', 'text'],
    ['verdict', 'text'],
    ['accepted', whole],
    ['outcome_score', real],
    ['outcome_source', 'text'],
  ] as const;
  const sequence = (name: 'outcomes' | 'pending_outcomes') =>
    engine === 'sqlite'
      ? build.schema.createTable(name).addColumn('seq', 'integer', (column) => column.primaryKey().autoIncrement())
      : build.schema
          .createTable(name)
          .addColumn('seq', 'bigint', (column) => column.primaryKey().generatedAlwaysAsIdentity());
  return [
    ...added.map(([name, type]) => build.schema.alterTable('decisions').addColumn(name, type).compile()),
    build.schema
      .createIndex('decisions_by_response')
      .on('decisions')
      .column('response_id')
      .where(sql.ref('response_id'), 'is not', null)
      .compile(),
    sequence('outcomes')
      .addColumn('request_id', id, (column) => column.notNull().references('decisions.id').onDelete('cascade'))
      .addColumn('time', whole, (column) => column.notNull())
      .addColumn('source', 'text', (column) => column.notNull())
      .addColumn('accepted', whole)
      .addColumn('score', real)
      .addColumn('reason', 'text')
      .addColumn('actor', 'text')
      .addColumn('metadata', 'text')
      .modifyEnd(strict)
      .compile(),
    build.schema.createIndex('outcomes_by_request').on('outcomes').column('request_id').compile(),
    sequence('pending_outcomes')
      .addColumn('reference', id, (column) => column.notNull())
      .addColumn('by_response', whole, (column) => column.notNull())
      .addColumn('tenant', 'text')
      .addColumn('time', whole, (column) => column.notNull())
      .addColumn('source', 'text', (column) => column.notNull())
      .addColumn('accepted', whole)
      .addColumn('score', real)
      .addColumn('reason', 'text')
      .addColumn('actor', 'text')
      .addColumn('metadata', 'text')
      .modifyEnd(strict)
      .compile(),
    build.schema.createIndex('pending_by_reference').on('pending_outcomes').column('reference').compile(),
  ];
}

function columnTypes(engine: LedgerQueries['engine']) {
  return engine === 'sqlite'
    ? ({ id: 'text', whole: 'integer', real: 'real', strict: sql`strict` } as const)
    : ({ id: sql`text collate "C"`, whole: 'bigint', real: 'double precision', strict: sql`` } as const);
}
