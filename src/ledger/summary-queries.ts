/** The SQL behind a summary: the sums by group, on either engine; SQLite's packed latencies; and what was diverted. */
import { type CompiledQuery, type RawBuilder, sql } from 'kysely';
import type { SummaryQuery } from './contract.ts';
import type { SummaryDimension } from './dimension.ts';
import { explicitList, groupName, groupSource } from './grouping.ts';
import type { LedgerQueries } from './queries.ts';
import type { Steps } from './steps.ts';

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

/** Bigints throughout. */
export type SumRow = { readonly name: string } & Readonly<Record<SumColumn, bigint>>;

export const fieldEnd = '\u001f';
export const rowEnd = '\u001e';

const chunkRows = 50_000;

/** The rows of a period in ranges that SQLite groups in memory; none without rows. */
export function* rowRanges({ build }: LedgerQueries, period: Omit<SummaryQuery, 'by'>): Steps<RowRange[]> {
  const [{ first, last }] =
    yield sql`select min(rowid) as first, max(rowid) as last from decisions where ${inPeriod(period)}`.compile(build);
  const ranges: RowRange[] = [];
  for (let from = Number(first ?? 0); last !== null && from <= Number(last); from += chunkRows)
    ranges.push({ from, to: from + chunkRows });
  return ranges;
}

export type GroupQuery = Omit<SummaryQuery, 'by'> & { readonly by: SummaryDimension | null };

/** The sums of `sumColumns`, to select; `more` stands behind them. */
export function sumsByGroup(
  { build, engine }: LedgerQueries,
  query: GroupQuery,
  parts: { readonly where: RawBuilder<unknown>; readonly more: RawBuilder<unknown> },
): CompiledQuery {
  const explicit = explicitList();
  return sql`
    select ${groupName(engine, query.by)} as name,
      count(*) as requests,
      count(*) filter (where reason not in (${explicit})) as asked,
      count(*) filter (where route is null and reason not in (${explicit})) as "fellBack",
      count(*) filter (where status >= 400 and status <> 499) as errors,
      count(*) filter (where cache in ('hit', 'semantic')) as "cacheHits",
      coalesce(sum(input_tokens), 0) as "inputTokens",
      coalesce(sum(cached_input_tokens), 0) as "cachedInputTokens",
      coalesce(sum(output_tokens), 0) as "outputTokens",
      coalesce(sum(reasoning_tokens), 0) as "reasoningTokens",
      count(*) filter (where usage_source = 'estimated') as estimated,
      coalesce(sum(cost_nano_usd), 0) as cost,
      count(*) - count(cost_nano_usd) as unpriced,
      coalesce(sum(fallback_cost_nano_usd), 0) as "fallbackCost",
      count(*) - count(fallback_cost_nano_usd) as "fallbackUnpriced",
      coalesce(sum(case when fallback_cost_nano_usd is not null then cost_nano_usd end), 0) as "comparableCost",
      coalesce(sum(case when cost_nano_usd is not null then fallback_cost_nano_usd end), 0) as "comparableFallbackCost",
      ${microseconds('added_ms')} as "addedUs",
      ${microseconds('embed_ms')} as "embedUs",
      ${microseconds('match_ms')} as "matchUs",
      ${microseconds('first_byte_ms')} as "firstByteUs",
      count(first_byte_ms) as "firstBytes",
      ${microseconds('total_ms')} as "totalUs"
      ${parts.more}
    from ${groupSource(engine, query.by)}
    where ${parts.where}
    group by 1`.compile(build);
}

function microseconds(column: string): RawBuilder<unknown> {
  return sql`cast(round(coalesce(sum(${sql.ref(column)}), 0) * 1000) as bigint)`;
}

/**
 * One long string: a row is `name␟added µs␟first byte µs or nothing␟place of the tag␞`. A string crosses from SQLite to
 * JavaScript in a quarter of the time that rows take.
 */
export function packedLatencies({ build, engine }: LedgerQueries, query: SummaryQuery, rows: RowRange): CompiledQuery {
  const end = sql.lit(fieldEnd);
  return sql`
    select group_concat(${groupName(engine, query.by)}
      || ${end} || cast(round(added_ms * 1000) as integer)
      || ${end} || coalesce(cast(round(first_byte_ms * 1000) as integer), '')
      || ${end} || ${query.by === 'tag' ? sql`coalesce(tag.key, 0)` : sql`0`} || ${sql.lit(rowEnd)}, '') as packed
    from ${groupSource(engine, query.by)}
    where ${inRange(query, rows)}`.compile(build);
}

/** Requests that matched a route and went to the fallback, by that route. */
export function divertedByRoute({ build }: LedgerQueries, query: SummaryQuery): CompiledQuery {
  return build
    .selectFrom('decisions')
    .select(['would_route as name', ({ fn }) => fn.countAll<bigint>().as('count')])
    .where('route', 'is', null)
    .where('would_route', 'is not', null)
    .where('time', '>=', Math.ceil(query.sinceMs))
    .where('time', '<', Math.ceil(query.untilMs))
    .groupBy('would_route')
    .compile();
}

export function inPeriod({ sinceMs, untilMs }: Omit<SummaryQuery, 'by'>): RawBuilder<unknown> {
  return sql`time >= ${Math.ceil(sinceMs)} and time < ${Math.ceil(untilMs)}`;
}

export function inRange(query: Omit<SummaryQuery, 'by'>, rows: RowRange): RawBuilder<unknown> {
  return sql`decisions.rowid >= ${rows.from} and decisions.rowid < ${rows.to} and ${inPeriod(query)}`;
}
