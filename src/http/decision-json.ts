/**
 * A decision as `GET /v1/decisions/{id}` shows it: snake_case like every other JSON of the API, money both exact (a
 * string of nano-dollars, since it may exceed what a JSON number holds) and readable.
 */
import { type NanoUsd, usdNumber } from '../base/money.ts';
import { snakeCase } from '../base/snake-case.ts';
import type { Outcome } from '../ledger/outcome.ts';
import type { FoundDecision } from './services.ts';

export function decisionJson({ record, outcomes }: FoundDecision): Record<string, unknown> {
  const { cost, fallbackCost, candidates, ...rest } = record;
  return {
    object: 'decision',
    ...(snakeCase(rest) as Record<string, unknown>),
    candidates: candidates === null ? [] : (JSON.parse(candidates) as unknown),
    ...money('cost', cost),
    ...money('fallback_cost', fallbackCost),
    outcome: wordFor(outcomes.at(-1)),
    outcomes: outcomes.map(outcomeJson),
  };
}

function wordFor(latest: Outcome | undefined): 'accepted' | 'rejected' | 'unknown' {
  if (latest === undefined || latest.accepted === null) return 'unknown';
  return latest.accepted ? 'accepted' : 'rejected';
}

function outcomeJson({ requestId: _, metadata, ...told }: Outcome): Record<string, unknown> {
  return { ...told, metadata: metadata === null ? null : (JSON.parse(metadata) as unknown) };
}

function money(name: string, amount: NanoUsd | null): Record<string, unknown> {
  return {
    [`${name}_nano_usd`]: amount === null ? null : amount.toString(),
    [`${name}_usd`]: amount === null ? null : usdNumber(amount),
  };
}
