/**
 * A decision as `GET /v1/decisions/{id}` shows it: snake_case like every other JSON of the API, money both exact (a
 * string of nano-dollars, since it may exceed what a JSON number holds) and readable.
 */
import { type NanoUsd, usdNumber } from '../base/money.ts';
import { snakeCase } from '../base/snake-case.ts';
import type { DecisionRecord } from '../ledger/record.ts';

export function decisionJson(record: DecisionRecord): Record<string, unknown> {
  const { cost, fallbackCost, candidates, ...rest } = record;
  return {
    object: 'decision',
    ...(snakeCase(rest) as Record<string, unknown>),
    candidates: candidates === null ? [] : (JSON.parse(candidates) as unknown),
    ...money('cost', cost),
    ...money('fallback_cost', fallbackCost),
  };
}

function money(name: string, amount: NanoUsd | null): Record<string, unknown> {
  return {
    [`${name}_nano_usd`]: amount === null ? null : amount.toString(),
    [`${name}_usd`]: amount === null ? null : usdNumber(amount),
  };
}
