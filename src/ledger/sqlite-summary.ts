/**
 * The sums and percentiles of a report. SQLite adds up, exactly, in integers. It has no percentile, and ranking rows with
 * window functions sorts them at full width (4.4 s of CPU for a million rows): the latencies come out packed into a few
 * long strings instead, in chunks of rows, and are sorted here as plain numbers (0.8 s).
 */
import { type CompiledQuery, type RawBuilder, sql } from 'kysely';
import type { NanoUsd } from '../base/money.ts';
import {
  explicitReasons,
  type LedgerSummary,
  type SummaryDimension,
  type SummaryGroup,
  type SummaryQuery,
} from './contract.ts';
import type { LedgerQueries } from './queries.ts';
import { Samples } from './samples.ts';

type Run = (query: CompiledQuery) => unknown[];

export function summarise(queries: LedgerQueries, run: Run, query: SummaryQuery): LedgerSummary {
  const sums = sumRows(queries, run, query, query.by);
  // Tags overlap, so their groups do not add up to the whole.
  const total = query.by === 'tag' ? sumRows(queries, run, query, null) : [addRows(sums)];
  const latencies = readLatencies(queries, run, query);
  const diverted = query.by === 'route' ? divertedByRoute(queries, run, query) : new Map<string, number>();
  const names = new Set([...sums.map(({ name }) => name), ...diverted.keys()]);
  const byName = new Map(sums.map((row) => [row.name, row]));
  const groups = [...names].map((name) =>
    groupOf(byName.get(name) ?? { ...addRows([]), name }, latencies.get(name), diverted.get(name) ?? 0),
  );
  const order = query.by === 'day' ? byDay : byRequests;
  return { groups: groups.sort(order), total: groupOf(total[0], latencies.get(everything), 0) };
}

const everything = '';

function byDay(a: SummaryGroup, b: SummaryGroup): number {
  return a.name < b.name ? -1 : 1;
}

function byRequests(a: SummaryGroup, b: SummaryGroup): number {
  return b.requests - a.requests || b.diverted - a.diverted || (a.name < b.name ? -1 : 1);
}

/** The group of a row, as SQL over the columns of `decisions` (and of `json_each(tags)` for tags). */
function groupName(by: SummaryDimension | null): RawBuilder<string> {
  const explicit = sql.join(explicitReasons.map((reason) => sql.lit(reason)));
  switch (by) {
    case null:
      return sql<string>`''`;
    case 'route':
      return sql<string>`case when route is not null then route when reason in (${explicit}) then '(explicit)' else 'fallback' end`;
    case 'model':
      return sql<string>`coalesce(model, '(none)')`;
    case 'key':
      return sql<string>`coalesce(key, '(anonymous)')`;
    case 'day':
      return sql<string>`strftime('%Y-%m-%d', time / 1000, 'unixepoch')`;
    case 'reason':
      return sql<string>`reason`;
    case 'tag':
      return sql<string>`coalesce(tag.value, '(untagged)')`;
  }
}

function source(by: SummaryDimension | null): RawBuilder<unknown> {
  return by === 'tag' ? sql`decisions left join json_each(decisions.tags) as tag` : sql`decisions`;
}

/** Bigints throughout, as SQLite gives them. */
type SumRow = { readonly name: string } & Readonly<Record<SumColumn, bigint>>;
type SumColumn = (typeof sumColumns)[number];

const sumColumns = [
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
] as const;

function sumRows(queries: LedgerQueries, run: Run, query: SummaryQuery, by: SummaryDimension | null): SumRow[] {
  const explicit = sql.join(explicitReasons.map((reason) => sql.lit(reason)));
  const statement = sql`
    select ${groupName(by)} as name,
      count(*) as requests,
      coalesce(sum(reason not in (${explicit})), 0) as asked,
      coalesce(sum(route is null and reason not in (${explicit})), 0) as fellBack,
      coalesce(sum(status >= 400 and status <> 499), 0) as errors,
      coalesce(sum(cache = 'hit'), 0) as cacheHits,
      coalesce(sum(input_tokens), 0) as inputTokens,
      coalesce(sum(cached_input_tokens), 0) as cachedInputTokens,
      coalesce(sum(output_tokens), 0) as outputTokens,
      coalesce(sum(reasoning_tokens), 0) as reasoningTokens,
      coalesce(sum(usage_source = 'estimated'), 0) as estimated,
      coalesce(sum(cost_nano_usd), 0) as cost,
      coalesce(sum(cost_nano_usd is null), 0) as unpriced,
      coalesce(sum(fallback_cost_nano_usd), 0) as fallbackCost,
      coalesce(sum(fallback_cost_nano_usd is null), 0) as fallbackUnpriced,
      coalesce(sum(case when fallback_cost_nano_usd is not null then cost_nano_usd end), 0) as comparableCost,
      coalesce(sum(case when cost_nano_usd is not null then fallback_cost_nano_usd end), 0) as comparableFallbackCost
    from ${source(by)}
    where time >= ${query.sinceMs} and time < ${query.untilMs}
    ${by === null ? sql`` : sql`group by 1`}`;
  return run(statement.compile(queries)) as SumRow[];
}

function addRows(rows: readonly SumRow[]): SumRow {
  const sums = sumColumns.map((column) => [column, rows.reduce((sum, row) => sum + row[column], 0n)]);
  return { name: everything, ...(Object.fromEntries(sums) as Record<SumColumn, bigint>) };
}

function divertedByRoute(queries: LedgerQueries, run: Run, query: SummaryQuery): Map<string, number> {
  const statement = queries
    .selectFrom('decisions')
    .select(['would_route as name', ({ fn }) => fn.countAll<bigint>().as('count')])
    .where('route', 'is', null)
    .where('would_route', 'is not', null)
    .where('time', '>=', query.sinceMs)
    .where('time', '<', query.untilMs)
    .groupBy('would_route');
  const rows = run(statement.compile()) as { name: string; count: bigint }[];
  return new Map(rows.map(({ name, count }) => [name, Number(count)]));
}

interface Latencies {
  readonly added: Samples;
  readonly firstByte: Samples;
}

/** Rows a chunk: bounds the memory that one packed string takes to a few megabytes. */
const chunkRows = 100_000;
const fieldEnd = '\u001f';
const rowEnd = '\u001e';

/** By group, and for everything under ''. In whole microseconds. */
function readLatencies(queries: LedgerQueries, run: Run, query: SummaryQuery): Map<string, Latencies> {
  const inRange = sql`time >= ${query.sinceMs} and time < ${query.untilMs}`;
  const [{ first, last }] = run(
    sql`select min(rowid) as first, max(rowid) as last from decisions where ${inRange}`.compile(queries),
  ) as { first: bigint | null; last: bigint | null }[];
  const latencies = new Map<string, Latencies>([[everything, { added: new Samples(), firstByte: new Samples() }]]);
  if (first === null || last === null) return latencies;
  for (let from = Number(first); from <= Number(last); from += chunkRows) {
    const statement = sql`
      select group_concat(${groupName(query.by)}
        || ${sql.lit(fieldEnd)} || cast(round(added_ms * 1000) as integer)
        || ${sql.lit(fieldEnd)} || coalesce(cast(round(first_byte_ms * 1000) as integer), '')
        || ${sql.lit(fieldEnd)} || ${query.by === 'tag' ? sql`coalesce(tag.key, 0)` : sql`0`}, ${sql.lit(rowEnd)}) as packed
      from ${source(query.by)}
      where decisions.rowid >= ${from} and decisions.rowid < ${from + chunkRows} and ${inRange}`;
    const [{ packed }] = run(statement.compile(queries)) as { packed: string | null }[];
    if (packed !== null) unpack(packed, latencies);
  }
  return latencies;
}

function unpack(packed: string, latencies: Map<string, Latencies>): void {
  const whole = latencies.get(everything) as Latencies;
  for (const row of packed.split(rowEnd)) {
    const [name, added, firstByte, place] = row.split(fieldEnd);
    let group = latencies.get(name);
    if (group === undefined) {
      group = { added: new Samples(), firstByte: new Samples() };
      latencies.set(name, group);
    }
    // A request with several tags stands in several rows, but counts once in the whole: at its first tag.
    for (const { added: addedMs, firstByte: firstByteMs } of place === '0' ? [group, whole] : [group]) {
      addedMs.add(Number(added) / 1_000);
      if (firstByte !== '') firstByteMs.add(Number(firstByte) / 1_000);
    }
  }
}

function groupOf(row: SumRow, latencies: Latencies | undefined, diverted: number): SummaryGroup {
  return {
    name: row.name,
    requests: Number(row.requests),
    asked: Number(row.asked),
    fellBack: Number(row.fellBack),
    diverted,
    errors: Number(row.errors),
    cacheHits: Number(row.cacheHits),
    inputTokens: Number(row.inputTokens),
    cachedInputTokens: Number(row.cachedInputTokens),
    outputTokens: Number(row.outputTokens),
    reasoningTokens: Number(row.reasoningTokens),
    estimated: Number(row.estimated),
    cost: row.cost as NanoUsd,
    unpriced: Number(row.unpriced),
    fallbackCost: row.fallbackCost as NanoUsd,
    fallbackUnpriced: Number(row.fallbackUnpriced),
    comparableCost: row.comparableCost as NanoUsd,
    comparableFallbackCost: row.comparableFallbackCost as NanoUsd,
    addedP50Ms: latencies?.added.percentile(0.5) ?? null,
    addedP99Ms: latencies?.added.percentile(0.99) ?? null,
    firstByteP50Ms: latencies?.firstByte.percentile(0.5) ?? null,
  };
}
