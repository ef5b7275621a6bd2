/**
 * The sums behind cost per accepted outcome: one row for each group, stratum, outcome, source and verdict. SQLite groups
 * by sorting, so its rows are added up in chunks that sort in memory, as in `sqlite-summary.ts`.
 */
import { type CompiledQuery, type RawBuilder, sql } from 'kysely';
import type { NanoUsd } from '../base/money.ts';
import type { SummaryQuery } from './contract.ts';
import { groupName, groupSource, unroutedList } from './grouping.ts';
import type { CheckVerdict, OutcomeCounts, OutcomeQuery, OutcomeSums, Stratum } from './outcome.ts';
import type { LedgerQueries } from './queries.ts';
import type { Row, Steps } from './steps.ts';
import { inPeriod, inRange, rowRanges } from './summary-queries.ts';

interface SumsRow {
  readonly accepted: bigint | null;
  readonly source: string | null;
  readonly verdict: CheckVerdict | null;
  readonly requests: bigint;
  readonly unpriced: bigint;
  readonly answers: bigint;
  readonly cost: NanoUsd;
  readonly comparable: bigint;
  readonly fallback_cost: NanoUsd;
}

export function* outcomeSums(queries: LedgerQueries, query: OutcomeQuery): Steps<OutcomeSums[]> {
  const id = sql`''`;
  if (queries.engine === 'postgres') {
    const rows = yield select(queries, query, { where: inPeriod(query), id });
    return rows.map((row) => sumsOf(row, query));
  }
  const merged = new Map<string, OutcomeSums>();
  for (const range of yield* rowRanges(queries, query)) {
    for (const row of yield select(queries, query, { where: inRange(query, range), id })) {
      const sums = sumsOf(row, query);
      const key = JSON.stringify([sums.group, sums.stratum, sums.outcome, sums.source, sums.check]);
      const before = merged.get(key);
      merged.set(key, before === undefined ? sums : plus(before, sums));
    }
  }
  return [...merged.values()];
}

function plus(a: OutcomeSums, b: OutcomeSums): OutcomeSums {
  return {
    ...a,
    requests: a.requests + b.requests,
    unpriced: a.unpriced + b.unpriced,
    answers: a.answers + b.answers,
    cost: (a.cost + b.cost) as NanoUsd,
    comparable: a.comparable + b.comparable,
    fallbackCost: (a.fallbackCost + b.fallbackCost) as NanoUsd,
  };
}

/** How many decisions of a period have an outcome, and how many a bad one: whether there is anything to add up. */
export function* countOutcomes({ build }: LedgerQueries, period: Omit<SummaryQuery, 'by'>): Steps<OutcomeCounts> {
  const [counts] = yield sql`
    select count(accepted) as told, count(*) filter (where accepted = 0) as rejected
    from decisions where ${inPeriod(period)}`.compile(build);
  return { told: Number(counts.told), rejected: Number(counts.rejected) };
}

/** The same of single decisions; by tag, one for each of a decision's tags. */
export function* sumsEach(
  queries: LedgerQueries,
  query: OutcomeQuery,
  ids: readonly string[],
): Steps<{ readonly id: string; readonly sums: OutcomeSums }[]> {
  const where = sql`decisions.id in (${sql.join(ids)})`;
  const rows = yield select(queries, query, { where, id: sql`decisions.id` });
  return rows.map((row) => ({ id: row.request_id as string, sums: sumsOf(row, query) }));
}

function select(
  { build, engine }: LedgerQueries,
  { by, strata }: OutcomeQuery,
  of: { readonly where: RawBuilder<unknown>; readonly id: RawBuilder<unknown> },
): CompiledQuery {
  const split = strata.map((stratum, i) => sql`${stratumOf(stratum)} as ${sql.ref(`stratum_${i}`)}`);
  const keys = sql.join([sql`${of.id} as request_id`, sql`${groupName(engine, by)} as group_name`, ...split]);
  const both = sql`cost_nano_usd is not null and fallback_cost_nano_usd is not null`;
  const canBeJudged = sql`reason not in (${unroutedList()}) or accepted is not null`;
  const positions = Array.from({ length: strata.length + 5 }, (_, i) => sql.lit(i + 1));
  return sql`
    select ${keys},
      accepted,
      outcome_source as source,
      verdict,
      count(*) as requests,
      count(*) - count(cost_nano_usd) as unpriced,
      count(cost_nano_usd) filter (where ${canBeJudged}) as answers,
      coalesce(sum(cost_nano_usd), 0) as cost,
      count(*) filter (where ${both}) as comparable,
      coalesce(sum(fallback_cost_nano_usd) filter (where ${both}), 0) as fallback_cost
    from ${groupSource(engine, by)}
    where ${of.where}
    group by ${sql.join(positions)}`.compile(build);
}

function sumsOf(row: Row, { strata }: OutcomeQuery): OutcomeSums {
  const sums = row as unknown as SumsRow;
  return {
    group: row.group_name as string,
    stratum: strata.map((_, i) => String(row[`stratum_${i}`])),
    outcome: sums.accepted === null ? 'unknown' : sums.accepted === 1n ? 'accepted' : 'rejected',
    source: sums.source,
    check: sums.verdict,
    requests: Number(sums.requests),
    unpriced: Number(sums.unpriced),
    answers: Number(sums.answers),
    cost: sums.cost,
    comparable: Number(sums.comparable),
    fallbackCost: sums.fallback_cost,
  };
}

/** Bands by their lower end, as text. */
function stratumOf(stratum: Stratum): RawBuilder<string> {
  switch (stratum) {
    case 'route':
      return sql<string>`coalesce(route, '(none)')`;
    case 'key':
      return sql<string>`coalesce(decisions.key, '(anonymous)')`;
    case 'model':
      return sql<string>`coalesce(model, '(none)')`;
    case 'score':
      return band('score', ['0.9', '0.8', '0.7', '0.6', '0.5', '0.4', '0.3', '0.2', '0.1']);
    case 'length':
      return band('input_tokens', ['65536', '16384', '4096', '1024', '256', '64', '16']);
  }
}

function band(column: string, lowerEnds: readonly string[]): RawBuilder<string> {
  const cases = lowerEnds.map((end) => sql`when ${sql.ref(column)} >= ${sql.raw(end)} then ${sql.lit(end)}`);
  return sql<string>`case when ${sql.ref(column)} is null then '(none)' ${sql.join(cases, sql` `)} else '0' end`;
}
