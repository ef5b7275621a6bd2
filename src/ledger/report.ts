/**
 * What a report says, from what the ledger added up: shares, rates and savings, per group and in all. Pure. Money stays
 * exact; nothing is rounded here. A figure that cannot be known (no price, no request) is null, never zero.
 */
import type { NanoUsd } from '../base/money.ts';
import type { LedgerSummary, SummaryDimension, SummaryGroup, SummaryQuery } from './contract.ts';

export interface Report {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly by: SummaryDimension;
  readonly rows: readonly ReportRow[];
  readonly total: ReportRow;
  /** What a reader must know to read the figures right; whole sentences. */
  readonly notes: readonly string[];
}

export interface ReportRow {
  readonly name: string;
  readonly requests: number;
  /** Of all requests, in [0, 1]. */
  readonly share: number | null;
  /**
   * A route's: of the requests that matched it, those that went to the fallback nevertheless. Any other group's: of the
   * requests that asked to be routed, those that went to the fallback.
   */
  readonly fallbackRate: number | null;
  readonly errors: number;
  readonly cacheHits: number;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly estimated: number;
  readonly cost: NanoUsd | null;
  readonly unpriced: number;
  /** What sending everything to the fallback model would have cost. */
  readonly fallbackOnlyCost: NanoUsd | null;
  /** Fallback-only minus cost over the requests that have both prices; negative when routing cost more. */
  readonly saving: NanoUsd | null;
  /** The saving ÷ the fallback-only cost of the same requests. */
  readonly savingRate: number | null;
  readonly addedP50Ms: number | null;
  readonly addedP99Ms: number | null;
  readonly firstByteP50Ms: number | null;
}

export function makeReport(query: SummaryQuery, summary: LedgerSummary): Report {
  const { total } = summary;
  const rows = summary.groups.map((group) =>
    rowOf(group, total.requests, query.by === 'route' ? divertedRate(group) : fallbackRate(group)),
  );
  return {
    sinceMs: query.sinceMs,
    untilMs: query.untilMs,
    by: query.by,
    rows,
    total: rowOf({ ...total, name: 'total' }, total.requests, fallbackRate(total)),
    notes: notesOn(query, summary),
  };
}

function rowOf(group: SummaryGroup, allRequests: number, rate: number | null): ReportRow {
  const cost = group.unpriced < group.requests ? group.cost : null;
  const fallbackOnlyCost = group.fallbackUnpriced < group.requests ? group.fallbackCost : null;
  const comparable = cost !== null && fallbackOnlyCost !== null;
  const saving = comparable ? ((group.comparableFallbackCost - group.comparableCost) as NanoUsd) : null;
  return {
    name: group.name,
    requests: group.requests,
    share: ratio(group.requests, allRequests),
    fallbackRate: rate,
    errors: group.errors,
    cacheHits: group.cacheHits,
    inputTokens: group.inputTokens,
    cachedInputTokens: group.cachedInputTokens,
    outputTokens: group.outputTokens,
    reasoningTokens: group.reasoningTokens,
    estimated: group.estimated,
    cost,
    unpriced: group.unpriced,
    fallbackOnlyCost,
    saving,
    savingRate: saving === null ? null : ratio(Number(saving), Number(group.comparableFallbackCost)),
    addedP50Ms: group.addedP50Ms,
    addedP99Ms: group.addedP99Ms,
    firstByteP50Ms: group.firstByteP50Ms,
  };
}

function fallbackRate(group: SummaryGroup): number | null {
  return ratio(group.fellBack, group.asked);
}

/** The rows `fallback` and `(explicit)` are no routes: nothing was diverted from them. */
function divertedRate(group: SummaryGroup): number | null {
  if (group.name === 'fallback' || group.name === '(explicit)') return null;
  return ratio(group.diverted, group.requests + group.diverted);
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function notesOn(query: SummaryQuery, { groups, total }: LedgerSummary): string[] {
  const notes: string[] = [];
  if (query.by === 'tag') notes.push('A request with several tags stands in several rows; the total counts it once.');
  if (query.by === 'route' && groups.some(({ name }) => name === '(explicit)')) {
    notes.push('(explicit): requests that named a model themselves; they are not part of the fallback rate.');
  }
  if (total.unpriced > 0) {
    notes.push(
      `${total.unpriced} requests went to a model without a price: their cost is not in these figures. Set models.NAME.usd_per_million.`,
    );
  }
  if (total.fallbackUnpriced > 0) {
    notes.push(
      `${total.fallbackUnpriced} requests have a fallback model without a price: no saving is counted for them.`,
    );
  }
  if (total.estimated > 0) {
    notes.push(`${total.estimated} requests have estimated tokens, since their backend reported none.`);
  }
  return notes;
}
