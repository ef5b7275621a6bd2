/** Reads from the ledger what a report, and its page, is made from, in as few passes over it as the question allows. */
import type { NanoUsd } from '../base/money.ts';
import { type Comparison, compareReports } from './compare-reports.ts';
import type { LedgerStore, SummaryQuery } from './contract.ts';
import type { OutcomeSums, Reask } from './outcome.ts';
import { feedbackStrata } from './outcome-figures.ts';
import { makeReport } from './report.ts';
import type { Report } from './report-form.ts';
import { type Trends, trendsOf } from './report-trends.ts';

export interface ReportTerms {
  /** `ledger.embedding_usd_per_hour`; null: not set. */
  readonly embeddingPerHour: NanoUsd | null;
}

export async function readReport(store: LedgerStore, query: SummaryQuery, terms: ReportTerms): Promise<Report> {
  const [summary, read] = await Promise.all([store.summarise(query), readOutcomes(store, query)]);
  // Tags overlap: their sums are not those of all requests.
  const ofAll = query.by === 'tag' ? await readOutcomes(store, { ...query, by: null }) : read;
  return makeReport({
    query,
    summary,
    outcomes: read.sums,
    outcomesOfAll: ofAll.sums,
    reasks: read.reasks,
    reasksOfAll: ofAll.reasks,
    ...terms,
  });
}

type OutcomeTerms = Omit<SummaryQuery, 'by'> & { readonly by: SummaryQuery['by'] | null };

interface Outcomes {
  readonly sums: readonly OutcomeSums[];
  readonly reasks: readonly Reask[];
}

/** Strata are what feedback is tested by: without feedback there is nothing to test, and a million rows are added up faster. */
async function readOutcomes(store: LedgerStore, query: OutcomeTerms): Promise<Outcomes> {
  const { told, rejected } = await store.countOutcomes(query);
  if (told === 0) return { sums: await store.outcomeSums({ ...query, strata: [] }), reasks: [] };
  const split = { ...query, strata: feedbackStrata };
  return { sums: await store.outcomeSums(split), reasks: rejected > 0 ? await store.reasks(split) : [] };
}

export interface ReportPage {
  readonly report: Report;
  readonly byRoute: Report;
  /** Requests that asked to be routed and went to the fallback; the most frequent reason first. */
  readonly fallbackReasons: readonly { readonly name: string; readonly requests: number }[];
  readonly trends: Trends;
  /** null: with no other period. */
  readonly comparison: Comparison | null;
}

/** All that the page shows beside `report`; `before` is the report of the other period. */
export async function readReportPage(
  store: LedgerStore,
  { report, before, terms }: { report: Report; before: Report | null; terms: ReportTerms },
): Promise<ReportPage> {
  const { sinceMs, untilMs, by } = report;
  const period = { sinceMs, untilMs };
  const byRoute = by === 'route' ? report : await readReport(store, { ...period, by: 'route' }, terms);
  const { groups } = await store.summarise({ ...period, by: 'reason' });
  const routesByDay = await store.outcomeSums({ ...period, by: 'day', strata: ['route'] });
  const scoresByDay = await store.outcomeSums({ ...period, by: 'day', strata: ['score'] });
  return {
    report,
    byRoute,
    fallbackReasons: groups
      .filter(({ fellBack }) => fellBack > 0)
      .map(({ name, fellBack }) => ({ name, requests: fellBack }))
      .sort((a, b) => b.requests - a.requests),
    trends: trendsOf(routesByDay, scoresByDay),
    comparison: before === null ? null : compareReports(before, report),
  };
}
