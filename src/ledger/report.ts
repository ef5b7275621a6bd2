/**
 * What a report says, from what the ledger added up: shares, rates, savings and cost per accepted outcome, per group and
 * in all. Pure. Money stays exact; nothing is rounded here but quotients, to the nano-dollar. A figure that cannot be
 * known (no price, no request, no feedback) is null, never zero.
 */
import { type NanoUsd, zeroUsd } from '../base/money.ts';
import type { SummaryGroup } from './contract.ts';
import type { OutcomeSums } from './outcome.ts';
import { type OutcomeFigures, outcomeFigures } from './outcome-figures.ts';
import type { LatencyMeans, Report, ReportInput, ReportRow } from './report-form.ts';
import { notesOn } from './report-notes.ts';

export function makeReport(input: ReportInput): Report {
  const { query, summary } = input;
  const groups = [...summary.groups, summary.total];
  const outcomes = outcomesOf(input, groups);
  const row = (group: SummaryGroup, i: number) =>
    rowOf(group, {
      ofAll: summary.total.requests,
      fallbackRate: query.by === 'route' && i < summary.groups.length ? divertedRate(group) : fallbackRate(group),
      embeddingCost: embeddingCost(group, input.embeddingPerHour),
      outcomes: outcomes[i],
    });
  const report = {
    sinceMs: query.sinceMs,
    untilMs: query.untilMs,
    by: query.by,
    rows: summary.groups.map(row),
    total: { ...row(summary.total, summary.groups.length), name: 'total' },
  };
  return { ...report, notes: notesOn(report, input) };
}

/** One for each of `groups`, the last of which is the total. */
function outcomesOf(input: ReportInput, groups: readonly SummaryGroup[]): OutcomeFigures[] {
  const byGroup = new Map<string, OutcomeSums[]>();
  for (const sums of input.outcomes) {
    const known = byGroup.get(sums.group);
    if (known === undefined) byGroup.set(sums.group, [sums]);
    else known.push(sums);
  }
  return outcomeFigures(
    groups.map((group, i) => ({
      sums: i === groups.length - 1 ? input.outcomesOfAll : (byGroup.get(group.name) ?? []),
      embeddingCost: embeddingCost(group, input.embeddingPerHour),
    })),
  );
}

interface RowTerms {
  readonly ofAll: number;
  readonly fallbackRate: number | null;
  readonly embeddingCost: NanoUsd;
  readonly outcomes: OutcomeFigures;
}

function rowOf(group: SummaryGroup, terms: RowTerms): ReportRow {
  const cost = group.unpriced < group.requests ? group.cost : null;
  const fallbackOnlyCost = group.fallbackUnpriced < group.requests ? group.fallbackCost : null;
  const comparable = cost !== null && fallbackOnlyCost !== null;
  const spent = group.comparableCost + terms.embeddingCost;
  const saving = comparable ? ((group.comparableFallbackCost - spent) as NanoUsd) : null;
  return {
    name: group.name,
    requests: group.requests,
    share: ratio(group.requests, terms.ofAll),
    fallbackRate: terms.fallbackRate,
    errors: group.errors,
    cacheHits: group.cacheHits,
    inputTokens: group.inputTokens,
    cachedInputTokens: group.cachedInputTokens,
    outputTokens: group.outputTokens,
    reasoningTokens: group.reasoningTokens,
    estimated: group.estimated,
    cost,
    unpriced: group.unpriced,
    embeddingCost: terms.embeddingCost,
    fallbackOnlyCost,
    saving,
    savingRate: saving === null ? null : ratio(Number(saving), Number(group.comparableFallbackCost)),
    addedP50Ms: group.addedP50Ms,
    addedP99Ms: group.addedP99Ms,
    firstByteP50Ms: group.firstByteP50Ms,
    means: meansOf(group),
    outcomes: terms.outcomes,
  };
}

function meansOf(group: SummaryGroup): LatencyMeans {
  const mean = (microseconds: number, requests = group.requests) => ratio(microseconds / 1_000, requests);
  return {
    embedMs: mean(group.embedUs),
    matchMs: mean(group.matchUs),
    addedMs: mean(group.addedUs),
    firstByteMs: mean(group.firstByteUs, group.firstBytes),
    totalMs: mean(group.totalUs),
  };
}

const microsecondsPerHour = 3_600_000_000n;

function embeddingCost({ embedUs }: SummaryGroup, perHour: NanoUsd | null): NanoUsd {
  if (perHour === null) return zeroUsd;
  return ((BigInt(embedUs) * perHour + microsecondsPerHour / 2n) / microsecondsPerHour) as NanoUsd;
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
