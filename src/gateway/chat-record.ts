/** Turns what happened to a chat request into its ledger record. Called after the reply has ended. */

import { type NanoUsd, zeroUsd } from '../base/money.ts';
import type { Config } from '../config/schema.ts';
import { priceOf } from '../ledger/price.ts';
import type { DecisionRecord, TokenUsage } from '../ledger/record.ts';
import type { CountTokens } from '../ledger/token-counter.ts';
import { noUsage } from '../ledger/usage.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import type { MatchResult } from '../routing/decision.ts';
import type { ChatRequest } from './chat-request.ts';
import { type ClientRequest, requestTags } from './client-request.ts';
import { failoverReason } from './decision-headers.ts';
import { countUsage, outputTokens } from './estimate-usage.ts';
import type { ExchangeResult } from './exchange-result.ts';
import type { Plan } from './plan-form.ts';

export interface ChatOutcome {
  readonly request: ClientRequest;
  readonly chat: ChatRequest;
  readonly snapshot: Snapshot;
  readonly plan: Plan;
  readonly result: ExchangeResult;
  readonly addedMs: number;
  readonly totalMs: number;
  /** For usage that was not reported. */
  readonly count: CountTokens;
  readonly cache: DecisionRecord['cache'];
  readonly verdict: DecisionRecord['verdict'];
}

/** With `unknown_model: passthrough` a name is whatever the client wrote; a row is not to hold a megabyte of it. */
const longestName = 256;

export function chatRecord(
  options: { readonly config: Config },
  outcome: ChatOutcome,
): Omit<DecisionRecord, 'prompt' | 'person'> {
  const { request, chat, snapshot, plan, result } = outcome;
  const usage = usageFor(outcome);
  const models = options.config.models;
  const failedOver = result.model !== null && result.model !== plan.target;
  return {
    id: request.id,
    time: request.receivedAt,
    tenant: request.tenant.id,
    key: request.tenant.key,
    tags: requestTags(request),
    endpoint: chat.dialect,
    requestedModel: chat.model.slice(0, longestName),
    route: failedOver ? null : plan.route,
    wouldRoute: failedOver ? plan.route : plan.wouldRoute,
    reason: failedOver ? failoverReason(result) : plan.reason,
    score: plan.match?.score ?? null,
    threshold: plan.match?.candidates[0]?.threshold ?? null,
    margin: plan.match?.margin ?? null,
    candidates: plan.match === null ? null : candidatesJson(plan.match),
    snapshot: snapshot.id,
    model: result.model,
    backend: result.backend,
    fallbackModel: plan.fallback,
    attempts: result.attempts,
    cache: outcome.cache,
    pin: failedOver && plan.conversation?.inToolLoop ? 'switched' : plan.pin,
    stream: chat.stream,
    status: result.status,
    errorCode: result.errorCode,
    finishReason: result.finishReason,
    responseId: result.responseId,
    verdict: outcome.verdict,
    truncated: result.truncated,
    usage,
    cost: outcome.cache === 'hit' || outcome.cache === 'semantic' ? zeroUsd : costOf(result.model, usage),
    fallbackCost: costOf(plan.fallback, usage),
    latency: {
      addedMs: outcome.addedMs,
      embedMs: plan.embedMs,
      matchMs: plan.matchMs,
      firstByteMs: result.firstByteMs,
      totalMs: outcome.totalMs,
    },
  };

  function costOf(name: string | null, tokens: TokenUsage): NanoUsd | null {
    if (name === null || tokens.source === 'none') return zeroUsd;
    const model = models[name];
    return model ? priceOf(model, tokens, request.receivedAt) : null;
  }
}

/** Tokens were bought and nobody said how many, or not all: they must be counted. */
export function needsCount(result: ExchangeResult): boolean {
  if (result.usage !== null) return result.truncated;
  if (result.model === null || result.status >= 400) return result.sentBytes > 0 && result.status === 499;
  return true;
}

/** Reported usage; else an estimate for answers that sent something; nothing for those that did not. */
function usageFor({ result, chat, count }: ChatOutcome): TokenUsage {
  if (!needsCount(result)) return result.usage ?? noUsage;
  if (result.usage === null) return countUsage(chat, result, count);
  // A stream that was cut has reported its usage so far, or only that of its beginning: what went out was paid for too.
  const output = Math.max(result.usage.output, outputTokens(result, count));
  return { ...result.usage, output, source: 'estimated' };
}

function candidatesJson(match: MatchResult): string {
  return JSON.stringify(
    match.candidates
      .slice(0, 3)
      .map(({ route, score, threshold }) => ({ route, score: Number(score.toFixed(4)), threshold })),
  );
}
