/** What both engines' summaries have in common: a group out of its sums, what was diverted from routes, and the order. */
import type { NanoUsd } from '../base/money.ts';
import type { SummaryGroup, SummaryQuery } from './contract.ts';
import type { SummaryDimension } from './dimension.ts';
import type { LedgerQueries } from './queries.ts';
import type { Steps } from './steps.ts';
import { divertedByRoute, type SumRow } from './summary-queries.ts';

type Percentiles = Pick<SummaryGroup, 'addedP50Ms' | 'addedP99Ms' | 'firstByteP50Ms'>;

export function summaryGroup(sums: SumRow, diverted: number, percentiles: Percentiles): SummaryGroup {
  return {
    name: sums.name,
    requests: Number(sums.requests),
    asked: Number(sums.asked),
    fellBack: Number(sums.fellBack),
    diverted,
    errors: Number(sums.errors),
    cacheHits: Number(sums.cacheHits),
    inputTokens: Number(sums.inputTokens),
    cachedInputTokens: Number(sums.cachedInputTokens),
    outputTokens: Number(sums.outputTokens),
    reasoningTokens: Number(sums.reasoningTokens),
    estimated: Number(sums.estimated),
    cost: sums.cost as NanoUsd,
    unpriced: Number(sums.unpriced),
    fallbackCost: sums.fallbackCost as NanoUsd,
    fallbackUnpriced: Number(sums.fallbackUnpriced),
    comparableCost: sums.comparableCost as NanoUsd,
    comparableFallbackCost: sums.comparableFallbackCost as NanoUsd,
    ...percentiles,
    addedUs: Number(sums.addedUs),
    embedUs: Number(sums.embedUs),
    matchUs: Number(sums.matchUs),
    firstByteUs: Number(sums.firstByteUs),
    firstBytes: Number(sums.firstBytes),
    totalUs: Number(sums.totalUs),
  };
}

/** Only routes have any. */
export function* divertedRequests(queries: LedgerQueries, query: SummaryQuery): Steps<Map<string, number>> {
  if (query.by !== 'route') return new Map();
  const rows = yield divertedByRoute(queries, query);
  return new Map(rows.map(({ name, count }) => [name as string, Number(count)]));
}

export function inOrder(groups: SummaryGroup[], by: SummaryDimension): SummaryGroup[] {
  return groups.sort(by === 'day' ? byName : byRequests);
}

function byName(a: SummaryGroup, b: SummaryGroup): number {
  return a.name < b.name ? -1 : 1;
}

function byRequests(a: SummaryGroup, b: SummaryGroup): number {
  return b.requests - a.requests || b.diverted - a.diverted || byName(a, b);
}
