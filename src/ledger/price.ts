/** What tokens cost on a model, in integer nano-dollars. A model without a price is unpriced (null), never free. */
import type { NanoUsd } from '../base/money.ts';
import type { ModelConfig } from '../config/schema.ts';
import type { TokenUsage } from './record.ts';

/** Cached input is charged at its own price where the model has one; reasoning tokens are part of the output. */
export function priceOf(model: Pick<ModelConfig, 'usd_per_million'>, usage: TokenUsage): NanoUsd | null {
  const price = model.usd_per_million;
  if (price === undefined) return null;
  const cached = Math.min(usage.cachedInput, usage.input);
  const cachedPrice = price.cached_input ?? price.input;
  const cost =
    BigInt(usage.input - cached) * price.input + BigInt(cached) * cachedPrice + BigInt(usage.output) * price.output;
  return cost as NanoUsd;
}
