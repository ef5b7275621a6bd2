/**
 * The figures of a report's row under the names that every form of it uses. Dollars are decimal strings with all nine
 * digits: exact, and no reader makes a float of them unasked. null means unknown.
 */
import type { NanoUsd } from '../base/money.ts';
import type { ReportRow } from '../ledger/report-form.ts';

export type ReportFields = ReturnType<typeof fieldsOf>;
export type ReportField = keyof ReportFields;

export function fieldsOf(row: ReportRow) {
  return { ...costFields(row), ...outcomeFields(row), ...latencyFields(row) };
}

function costFields(row: ReportRow) {
  return {
    name: row.name,
    requests: row.requests,
    share: row.share,
    fallback_rate: row.fallbackRate,
    errors: row.errors,
    cache_hits: row.cacheHits,
    input_tokens: row.inputTokens,
    cached_input_tokens: row.cachedInputTokens,
    output_tokens: row.outputTokens,
    reasoning_tokens: row.reasoningTokens,
    estimated_requests: row.estimated,
    cost_usd: exactUsd(row.cost),
    unpriced_requests: row.unpriced,
    embedding_usd: exactUsd(row.embeddingCost),
    fallback_only_usd: exactUsd(row.fallbackOnlyCost),
    saving_usd: exactUsd(row.saving),
    saving_rate: row.savingRate,
  };
}

function outcomeFields({ outcomes, reasks }: ReportRow) {
  const { acceptedEstimate, perAccepted, reweighted, fallbackPerAccepted } = outcomes;
  return {
    answers: outcomes.answers,
    labelled_share: outcomes.labelledShare,
    accepted: outcomes.accepted,
    rejected: outcomes.rejected,
    failed_checks: outcomes.failedChecks,
    unknown: outcomes.unknown,
    asked_again: reasks,
    accepted_estimate: acceptedEstimate?.value ?? null,
    accepted_low: acceptedEstimate?.low ?? null,
    accepted_high: acceptedEstimate?.high ?? null,
    outcome_cost_usd: exactUsd(outcomes.cost),
    usd_per_accepted: exactUsd(perAccepted?.value ?? null),
    usd_per_accepted_low: exactUsd(perAccepted?.low ?? null),
    usd_per_accepted_high: exactUsd(perAccepted?.high ?? null),
    reweighted_usd_per_accepted: exactUsd(reweighted?.value ?? null),
    reweighted_low: exactUsd(reweighted?.low ?? null),
    reweighted_high: exactUsd(reweighted?.high ?? null),
    usd_per_confirmed: exactUsd(outcomes.perConfirmed),
    fallback_usd_per_accepted: exactUsd(fallbackPerAccepted?.value ?? null),
    fallback_usd_at_best: exactUsd(outcomes.fallbackAtBest),
    saving_usd_per_accepted: exactUsd(outcomes.savingPerAccepted),
    feedback_sources: outcomes.sources,
    feedback_leans_by: outcomes.bias.map(({ stratum }) => stratum),
  };
}

function latencyFields({ addedP50Ms, addedP99Ms, firstByteP50Ms, means }: ReportRow) {
  return {
    added_p50_ms: addedP50Ms,
    added_p99_ms: addedP99Ms,
    first_byte_p50_ms: firstByteP50Ms,
    embed_mean_ms: means.embedMs,
    match_mean_ms: means.matchMs,
    added_mean_ms: means.addedMs,
    first_byte_mean_ms: means.firstByteMs,
    total_mean_ms: means.totalMs,
  };
}

export function exactUsd(amount: NanoUsd | null): string | null {
  if (amount === null) return null;
  const digits = (amount < 0n ? -amount : amount).toString().padStart(10, '0');
  return `${amount < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}
