/** The stories about decisions: find one, page through a period, add up spend, delete the old and what has to be forgotten. */
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { NanoUsd } from '../base/money.ts';
import type { EraseSelection, LedgerEntry, PageQuery, SpendDimension } from './contract.ts';
import type { LedgerQueries } from './queries.ts';
import type { DecisionRecord } from './record.ts';
import { type DecisionRow, recordOf } from './record-row.ts';
import type { Row, Steps } from './steps.ts';

export function* find({ build }: LedgerQueries, id: string): Steps<DecisionRecord | null> {
  const rows = yield build.selectFrom('decisions').selectAll().where('id', '=', id).compile();
  return rows.length === 0 ? null : recordOf(plainRow(rows[0]));
}

export function* spentSince(
  { build }: LedgerQueries,
  { timeMs, by }: { readonly timeMs: number; readonly by: SpendDimension },
): Steps<Map<string, NanoUsd>> {
  const rows = yield build
    .selectFrom('decisions')
    .select([`${by} as name`, ({ fn }) => fn.sum<bigint>('cost_nano_usd').as('spent')])
    .where('time', '>=', Math.ceil(timeMs))
    .where(by, 'is not', null)
    .where('cost_nano_usd', 'is not', null)
    .groupBy(by)
    .compile();
  return new Map(rows.map(({ name, spent }) => [name as string, spent as NanoUsd]));
}

export function* page({ build }: LedgerQueries, { sinceMs, untilMs, limit, after }: PageQuery): Steps<LedgerEntry[]> {
  let query = build
    .selectFrom('decisions')
    .selectAll()
    .where('time', '>=', Math.ceil(Math.max(sinceMs, after?.time ?? sinceMs)))
    .where('time', '<', Math.ceil(untilMs))
    .orderBy('time')
    .orderBy('id')
    .limit(limit);
  if (after) {
    const { time, id } = after;
    query = query.where(({ eb, or }) => or([eb('time', '>', time), eb('id', '>', id)]));
  }
  const rows = yield query.compile();
  return rows.map((row) => entryOf(plainRow(row)));
}

/** At most `limit`, so that what waits behind it waits briefly. Outcomes go with their decision. */
export function* prune(
  { build }: LedgerQueries,
  { beforeMs, limit }: { readonly beforeMs: number; readonly limit: number },
): Steps<number> {
  yield build.deleteFrom('pending_outcomes').where('time', '<', Math.ceil(beforeMs)).compile();
  const old = build.selectFrom('decisions').select('id').where('time', '<', Math.ceil(beforeMs)).limit(limit);
  const gone = yield build.deleteFrom('decisions').where('id', 'in', old).returning('id').compile();
  return gone.length;
}

export function* countSelected(queries: LedgerQueries, selection: EraseSelection): Steps<number> {
  const [{ count }] = yield queries.build
    .selectFrom('decisions')
    .select(({ fn }) => fn.countAll<bigint>().as('count'))
    .where(selected(queries, selection))
    .compile();
  return Number(count);
}

/** At most `limit` decisions; what else names the key is forgotten at once. */
export function* erase(
  queries: LedgerQueries,
  { selection, limit }: { readonly selection: EraseSelection; readonly limit: number },
): Steps<number> {
  const { build } = queries;
  if (selection.by === 'key') {
    yield build.deleteFrom('pending_outcomes').where('actor', '=', selection.value).compile();
    yield build.updateTable('outcomes').set({ actor: null }).where('actor', '=', selection.value).compile();
  }
  const chosen = build.selectFrom('decisions').select('id').where(selected(queries, selection)).limit(limit);
  const gone = yield build.deleteFrom('decisions').where('id', 'in', chosen).returning('id').compile();
  return gone.length;
}

function selected({ engine }: LedgerQueries, { by, value }: EraseSelection): RawBuilder<SqlBool> {
  if (by !== 'tag') return sql<SqlBool>`decisions.${sql.ref(by)} = ${value}`;
  return engine === 'sqlite'
    ? sql<SqlBool>`exists (select 1 from json_each(decisions.tags) where value = ${value})`
    : sql<SqlBool>`jsonb_exists(decisions.tags::jsonb, ${value})`;
}

function entryOf(row: DecisionRow): LedgerEntry {
  const { accepted, outcome_score: score, outcome_source: source } = row;
  const told = source === null ? null : { source, score, accepted: accepted === null ? null : accepted === 1 };
  return { ...recordOf(row), outcome: told };
}

const money = new Set<string>(['cost_nano_usd', 'fallback_cost_nano_usd']);

/** Everything but money fits a number. */
function plainRow(row: Row): DecisionRow {
  const plain: Record<string, unknown> = {};
  for (const column in row) {
    const value = row[column];
    plain[column] = typeof value === 'bigint' && !money.has(column) ? Number(value) : value;
  }
  return plain as unknown as DecisionRow;
}
