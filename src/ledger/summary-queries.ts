/** The SQL behind a summary: over a range of rows, the sums by group, the packed latencies, and what was diverted. */
import { type CompiledQuery, type RawBuilder, sql } from 'kysely';
import { explicitReasons, type SummaryDimension, type SummaryQuery } from './contract.ts';
import type { LedgerQueries } from './queries.ts';

/** Rows of the table by SQLite's own number: from the first, up to but without the second. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

export const sumColumns = [
  'requests',
  'asked',
  'fellBack',
  'errors',
  'cacheHits',
  'inputTokens',
  'cachedInputTokens',
  'outputTokens',
  'reasoningTokens',
  'estimated',
  'cost',
  'unpriced',
  'fallbackCost',
  'fallbackUnpriced',
  'comparableCost',
  'comparableFallbackCost',
  'addedUs',
  'embedUs',
  'matchUs',
  'firstByteUs',
  'firstBytes',
  'totalUs',
] as const;
export type SumColumn = (typeof sumColumns)[number];

/** Bigints throughout, as SQLite gives them. */
export type SumRow = { readonly name: string } & Readonly<Record<SumColumn, bigint>>;

export const fieldEnd = '\u001f';
export const rowEnd = '\u001e';

export function firstAndLastRow(queries: LedgerQueries, query: SummaryQuery): CompiledQuery {
  const inPeriod = sql`time >= ${query.sinceMs} and time < ${query.untilMs}`;
  return sql`select min(rowid) as first, max(rowid) as last from decisions where ${inPeriod}`.compile(queries);
}

/** `by` null: one row for everything. */
export function sumsByGroup(
  queries: LedgerQueries,
  query: Omit<SummaryQuery, 'by'> & { readonly by: SummaryDimension | null },
  rows: RowRange,
): CompiledQuery {
  const explicit = explicitList();
  return sql`
    select ${groupName(query.by)} as name,
      count(*) as requests,
      sum(reason not in (${explicit})) as asked,
      sum(route is null and reason not in (${explicit})) as fellBack,
      sum(status >= 400 and status <> 499) as errors,
      sum(cache = 'hit') as cacheHits,
      sum(input_tokens) as inputTokens,
      sum(cached_input_tokens) as cachedInputTokens,
      sum(output_tokens) as outputTokens,
      sum(reasoning_tokens) as reasoningTokens,
      sum(usage_source = 'estimated') as estimated,
      coalesce(sum(cost_nano_usd), 0) as cost,
      sum(cost_nano_usd is null) as unpriced,
      coalesce(sum(fallback_cost_nano_usd), 0) as fallbackCost,
      sum(fallback_cost_nano_usd is null) as fallbackUnpriced,
      coalesce(sum(case when fallback_cost_nano_usd is not null then cost_nano_usd end), 0) as comparableCost,
      coalesce(sum(case when cost_nano_usd is not null then fallback_cost_nano_usd end), 0) as comparableFallbackCost,
      ${microseconds('added_ms')} as addedUs,
      ${microseconds('embed_ms')} as embedUs,
      ${microseconds('match_ms')} as matchUs,
      ${microseconds('first_byte_ms')} as firstByteUs,
      count(first_byte_ms) as firstBytes,
      ${microseconds('total_ms')} as totalUs
    from ${source(query.by)}
    where ${inRange(query, rows)}
    group by 1`.compile(queries);
}

function microseconds(column: string): RawBuilder<unknown> {
  return sql`coalesce(sum(cast(round(${sql.ref(column)} * 1000) as bigint)), 0)`;
}

/**
 * One long string: a row is `name␟added µs␟first byte µs or nothing␟place of the tag␞`. A string crosses from SQLite to
 * JavaScript in a quarter of the time that rows take.
 */
export function packedLatencies(queries: LedgerQueries, query: SummaryQuery, rows: RowRange): CompiledQuery {
  const end = sql.lit(fieldEnd);
  return sql`
    select group_concat(${groupName(query.by)}
      || ${end} || cast(round(added_ms * 1000) as integer)
      || ${end} || coalesce(cast(round(first_byte_ms * 1000) as integer), '')
      || ${end} || ${query.by === 'tag' ? sql`coalesce(tag.key, 0)` : sql`0`} || ${sql.lit(rowEnd)}, '') as packed
    from ${source(query.by)}
    where ${inRange(query, rows)}`.compile(queries);
}

/** Requests that matched a route and went to the fallback, by that route. */
export function divertedByRoute(queries: LedgerQueries, query: SummaryQuery): CompiledQuery {
  return queries
    .selectFrom('decisions')
    .select(['would_route as name', ({ fn }) => fn.countAll<bigint>().as('count')])
    .where('route', 'is', null)
    .where('would_route', 'is not', null)
    .where('time', '>=', query.sinceMs)
    .where('time', '<', query.untilMs)
    .groupBy('would_route')
    .compile();
}

/** The group of a row, over the columns of `decisions` (and of `json_each(tags)` for tags). */
function groupName(by: SummaryDimension | null): RawBuilder<string> {
  switch (by) {
    case null:
      return sql<string>`''`;
    case 'route':
      return sql<string>`case when route is not null then route when reason in (${explicitList()}) then '(explicit)' else 'fallback' end`;
    case 'model':
      return sql<string>`coalesce(model, '(none)')`;
    case 'key':
      return sql<string>`coalesce(decisions.key, '(anonymous)')`;
    case 'day':
      return sql<string>`strftime('%Y-%m-%d', time / 1000, 'unixepoch')`;
    case 'reason':
      return sql<string>`reason`;
    case 'pin':
      return sql<string>`pin`;
    case 'tag':
      return sql<string>`coalesce(tag.value, '(untagged)')`;
  }
}

function explicitList(): RawBuilder<unknown> {
  return sql.join(explicitReasons.map((reason) => sql.lit(reason)));
}

function source(by: SummaryDimension | null): RawBuilder<unknown> {
  return by === 'tag' ? sql`decisions left join json_each(decisions.tags) as tag` : sql`decisions`;
}

function inRange(query: Omit<SummaryQuery, 'by'>, rows: RowRange): RawBuilder<unknown> {
  return sql`decisions.rowid >= ${rows.from} and decisions.rowid < ${rows.to}
    and time >= ${query.sinceMs} and time < ${query.untilMs}`;
}
