/**
 * What a model costs, as it is written: dollars per million tokens, as plain decimals that are exact to $0.001 per
 * million (one nano-dollar a token); finer ones are refused, never rounded.
 *
 *   usd_per_million: { input: 2.00, cached_input: 0.10, cache_write: 2.50, output: 10.00 }
 *     above:  [ { input_tokens: 272000, input: 4.00, … } ]     the whole request, once its prompt is longer
 *     later:  [ { from: 2027-01-01, input: 1.50, … } ]         what holds from that day on (UTC)
 */
import { z } from 'zod';
import { nanoPerToken, nanoUsd } from '../base/money.ts';

const amount = z.union([z.number(), z.string()]);

/** Dollars per million tokens; exact to $0.001 per million. */
const perMillion = amount.transform((value, context) => {
  const nano = nanoPerToken(value);
  if (nano !== null) return nano;
  context.addIssue({
    code: 'custom',
    message: 'must be a plain decimal of dollars per million tokens, at most 3 decimals',
  });
  return z.NEVER;
});

/** Dollars; exact to a nano-dollar. */
export const exactDollars = amount.transform((value, context) => {
  const nano = nanoUsd(value);
  if (nano !== null) return nano;
  context.addIssue({ code: 'custom', message: 'must be a plain decimal of dollars, at most 9 decimals' });
  return z.NEVER;
});

/** Midnight UTC of a day, in milliseconds since the epoch. YAML may have read the day as a date already. */
export const day = z.union([z.string(), z.date()]).transform((value, context) => {
  const text = value instanceof Date ? value.toISOString().slice(0, 10) : value;
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time) && new Date(time).toISOString().startsWith(text)) return time;
  context.addIssue({ code: 'custom', message: 'must be a day such as 2027-01-01' });
  return z.NEVER;
});

const rates = z.strictObject({
  input: perMillion,
  /** Input that the backend read from its own prompt cache; as `input` when not set. */
  cached_input: perMillion.optional(),
  /** Input that the backend wrote to its prompt cache; as `input` when not set. */
  cache_write: perMillion.optional(),
  output: perMillion,
  /** Output that was thought and not said; as `output` when not set. */
  reasoning: perMillion.optional(),
  /** Dollars for each request, on top of its tokens. */
  per_request: exactDollars.optional(),
});

const tokens = z.number().int().positive();
const above = z
  .array(rates.extend({ input_tokens: tokens }))
  .min(1)
  .optional();

export const priceSchema = rates.extend({
  above,
  later: z
    .array(rates.extend({ from: day, above }))
    .min(1)
    .optional(),
});

/** Where a model's price comes from. */
export interface PriceSource {
  readonly from: 'config' | 'file' | 'shipped' | 'none';
  /** The source's own words: a page, or the file. */
  readonly source: string | null;
  /** `YYYY-MM-DD`: the day to which the figure is dated. */
  readonly date: string | null;
}
