/** The sums and percentiles of a report, where PostgreSQL works them out itself: one query for the groups, one for the whole. */
import { sql } from 'kysely';
import type { LedgerSummary, SummaryGroup, SummaryQuery } from './contract.ts';
import type { LedgerQueries } from './queries.ts';
import type { Row, Steps } from './steps.ts';
import { divertedRequests, inOrder, summaryGroup } from './summary-group.ts';
import { inPeriod, type SumRow, sumColumns, sumsByGroup } from './summary-queries.ts';

/** Nearest rank over whole microseconds, as SQLite's summary has it. */
const percentiles = sql`,
  percentile_disc(0.5) within group (order by round(added_ms * 1000)) as added_p50,
  percentile_disc(0.99) within group (order by round(added_ms * 1000)) as added_p99,
  percentile_disc(0.5) within group (order by round(first_byte_ms * 1000)) as first_byte_p50`;

export function* postgresSummary(queries: LedgerQueries, query: SummaryQuery): Steps<LedgerSummary> {
  const parts = { where: inPeriod(query), more: percentiles };
  const byGroup = yield sumsByGroup(queries, query, parts);
  const [whole = { ...nothing }] = yield sumsByGroup(queries, { ...query, by: null }, parts);
  const diverted = yield* divertedRequests(queries, query);
  const known = new Set(byGroup.map(({ name }) => name));
  const onlyDiverted = [...diverted.keys()].filter((name) => !known.has(name)).map((name) => ({ ...nothing, name }));
  const groups = [...byGroup, ...onlyDiverted].map((row) => groupOf(row, diverted.get(row.name as string) ?? 0));
  return { groups: inOrder(groups, query.by), total: groupOf(whole, 0) };
}

const nothing: Row = {
  ...Object.fromEntries(sumColumns.map((column) => [column, 0n])),
  name: '',
  added_p50: null,
  added_p99: null,
  first_byte_p50: null,
};

function groupOf(row: Row, diverted: number): SummaryGroup {
  return summaryGroup(row as unknown as SumRow, diverted, {
    addedP50Ms: milliseconds(row.added_p50),
    addedP99Ms: milliseconds(row.added_p99),
    firstByteP50Ms: milliseconds(row.first_byte_p50),
  });
}

function milliseconds(microseconds: unknown): number | null {
  return typeof microseconds === 'number' ? microseconds / 1_000 : null;
}
