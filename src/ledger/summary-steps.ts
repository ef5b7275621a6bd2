/** A report's summary, in the way that suits the engine. */
import type { LedgerSummary, SummaryQuery } from './contract.ts';
import { postgresSummary } from './postgres-summary.ts';
import type { LedgerQueries } from './queries.ts';
import { sqliteSummary } from './sqlite-summary.ts';
import type { Steps } from './steps.ts';

export function summarise(queries: LedgerQueries, query: SummaryQuery): Steps<LedgerSummary> {
  return queries.engine === 'sqlite' ? sqliteSummary(queries, query) : postgresSummary(queries, query);
}
