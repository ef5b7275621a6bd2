/**
 * What a report says, from what the ledger added up: shares, rates, savings and cost per accepted outcome, per group and
 * in all. Pure. Money stays exact; nothing is rounded here but quotients, to the nano-dollar. A figure that cannot be
 * known (no price, no request, no feedback) is null, never zero.
 */
import { type NanoUsd, zeroUsd } from '../base/money.ts';
import type { SummaryGroup } from './contract.ts';
import type { OutcomeSums } from './outcome.ts';
import { type OutcomeFigures, outcomeFigures } from './outcome-figures.ts';
import { askedTwice, withReasks } from './reasks.ts';
import type { LatencyMeans, Report, ReportInput, ReportRow } from './report-form.ts';
import { notesOn } from './report-notes.ts';

export function makeReport(input: ReportInput): Report {
  const { query, summary } = input;
  const groups = [...summary.groups, summary.total];
  const outcomes = outcomesOf(input, groups);
  const rows = groups.map((group, i) => {
    const isTotal = i === groups.length - 1;
    const { of, ran } = reasksIn(input, isTotal ? null : group.name);
    return rowOf(group, {
      ofAll: summary.total.requests,
      fallbackRate: query.by === 'route' && !isTotal ? divertedRate(group) : fallbackRate(group),
      embeddingCost: embeddingCost(group, input.embeddingPerHour),
      reasks: of.length,
      askedTwice: askedTwice(ran),
      outcomes: outcomes[i],
    });
  });
  const report = {
    sinceMs: query.sinceMs,
    untilMs: query.untilMs,
    by: query.by,
    rows: rows.slice(0, -1),
    total: { ...rows[rows.length - 1], name: 'total' },
  };
  return { ...report, notes: notesOn(report, input) };
}

/** Rejected answers of a group that were asked again, and second calls that stand in it; null: in all. */
function reasksIn({ reasks, reasksOfAll }: ReportInput, group: string | null) {
  if (group === null) return { of: reasksOfAll, ran: reasksOfAll };
  return { of: reasks.filter(({ of }) => of === group), ran: reasks.filter(({ again }) => again.group === group) };
}

/** One for each of `groups`, the last of which is the total. */
function outcomesOf(input: ReportInput, groups: readonly SummaryGroup[]): OutcomeFigures[] {
  const byGroup = new Map<string, OutcomeSums[]>();
  for (const sums of withReasks(input.outcomes, input.reasks)) {
    const known = byGroup.get(sums.group);
    if (known === undefined) byGroup.set(sums.group, [sums]);
    else known.push(sums);
  }
  return outcomeFigures(
    groups.map((group, i) => ({
      sums:
        i === groups.length - 1 ? withReasks(input.outcomesOfAll, input.reasksOfAll) : (byGroup.get(group.name) ?? []),
      embeddingCost: embeddingCost(group, input.embeddingPerHour),
    })),
  );
}

interface RowTerms {
  readonly ofAll: number;
  readonly fallbackRate: number | null;
  readonly embeddingCost: NanoUsd;
  readonly reasks: number;
  readonly askedTwice: NanoUsd;
  readonly outcomes: OutcomeFigures;
}

function rowOf(group: SummaryGroup, terms: RowTerms): ReportRow {
  const cost = group.unpriced < group.requests ? group.cost : null;
  const fallbackPriced = group.fallbackUnpriced < group.requests;
  const comparableFallbackCost = group.comparableFallbackCost - terms.askedTwice;
  const spent = group.comparableCost + terms.embeddingCost;
  const saving = cost !== null && fallbackPriced ? ((comparableFallbackCost - spent) as NanoUsd) : null;
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
    fallbackOnlyCost: fallbackPriced ? ((group.fallbackCost - terms.askedTwice) as NanoUsd) : null,
    saving,
    savingRate: saving === null ? null : ratio(Number(saving), Number(comparableFallbackCost)),
    addedP50Ms: group.addedP50Ms,
    addedP99Ms: group.addedP99Ms,
    firstByteP50Ms: group.firstByteP50Ms,
    means: meansOf(group),
    reasks: terms.reasks,
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
