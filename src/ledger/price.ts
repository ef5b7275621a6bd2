/**
 * What tokens cost on a model, in integer nano-dollars. A model without a price is unpriced (null), never free.
 *
 *   price at that time (`later`) ─► tier of that prompt (`above`) ─► Σ tokens × rate + per request
 */
import type { NanoUsd } from '../base/money.ts';
import type { ModelConfig } from '../config/schema.ts';
import type { TokenUsage } from './record.ts';

type Price = NonNullable<ModelConfig['usd_per_million']>;
type Rates = Pick<Price, 'input' | 'cached_input' | 'cache_write' | 'output' | 'reasoning' | 'per_request'>;

/**
 * `at`: when the request came, in milliseconds since the epoch. Cached, cache-written and reasoning tokens are parts of
 * input and output, charged at their own rates where the model has one.
 */
export function priceOf(model: Pick<ModelConfig, 'usd_per_million'>, usage: TokenUsage, at: number): NanoUsd | null {
  if (model.usd_per_million === undefined) return null;
  const rates = ratesFor(model.usd_per_million, usage.input, at);
  const cached = Math.min(usage.cachedInput, usage.input);
  const written = Math.min(usage.cacheWrite ?? 0, usage.input - cached);
  const thought = Math.min(usage.reasoning, usage.output);
  const cost =
    BigInt(usage.input - cached - written) * rates.input +
    BigInt(cached) * (rates.cached_input ?? rates.input) +
    BigInt(written) * (rates.cache_write ?? rates.input) +
    BigInt(usage.output - thought) * rates.output +
    BigInt(thought) * (rates.reasoning ?? rates.output) +
    (rates.per_request ?? 0n);
  return cost as NanoUsd;
}

/** The rates that hold at a time for a prompt of so many tokens. */
export function ratesFor(price: Price, inputTokens: number, at: number): Rates {
  const inForce = lastBelow(price.later, at + 1, ({ from }) => from) ?? price;
  return lastBelow(inForce.above, inputTokens, ({ input_tokens }) => input_tokens) ?? inForce;
}

/** Of the steps whose bound is below the value, the one with the highest, in whatever order they were written. */
function lastBelow<T>(steps: readonly T[] | undefined, value: number, boundOf: (step: T) => number): T | null {
  let found: T | null = null;
  for (const step of steps ?? []) {
    if (boundOf(step) < value && (found === null || boundOf(step) > boundOf(found))) found = step;
  }
  return found;
}
