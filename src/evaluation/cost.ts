/**
 * What the decisions would cost, per 1,000 prompts, beside sending everything to the fallback. Tokens come from the data
 * (`input_tokens`, `output_tokens`) where it has them, else four bytes a token and one assumed length of answer; the
 * report says which. A model without a price makes the figure null, never free.
 */
import type { ModelConfig } from '../config/schema.ts';
import { priceOf } from '../ledger/price.ts';
import { fixedTarget } from '../routing/route.ts';
import type { EvaluatedRow } from './evaluated-row.ts';

export interface CostFigures {
  readonly usd_per_1000: number | null;
  readonly fallback_usd_per_1000: number | null;
  readonly saving_usd_per_1000: number | null;
  /** Share of the fallback-only cost. */
  readonly saving_share: number | null;
  readonly assumed_output_tokens: number;
  /** Rows whose token counts stand in the data. */
  readonly rows_with_tokens: number;
}

export interface CostTerms {
  readonly models: Readonly<Record<string, Pick<ModelConfig, 'usd_per_million'>>>;
  /** `targetOf(null)` is the fallback. */
  readonly targetOf: (route: string | null) => string;
  readonly assumedOutputTokens: number;
  /** Prices are those of this time, in milliseconds since the epoch. */
  readonly at: number;
}

/** `routeOf` gives the route a row is sent to: what was decided, or what a baseline would decide. */
export function costOf(
  rows: readonly EvaluatedRow[],
  terms: CostTerms,
  routeOf: (row: EvaluatedRow) => string | null,
): CostFigures {
  const spent = sumOf(rows, terms, routeOf);
  const fallback = sumOf(rows, terms, () => null);
  const saving = spent === null || fallback === null ? null : fallback - spent;
  return {
    usd_per_1000: spent,
    fallback_usd_per_1000: fallback,
    saving_usd_per_1000: saving,
    saving_share: saving === null || !fallback ? null : saving / fallback,
    assumed_output_tokens: terms.assumedOutputTokens,
    rows_with_tokens: rows.filter((row) => row.outputTokens !== null).length,
  };
}

/** Dollars per 1,000 rows of sending each to `targetOf(routeOf(row))`. */
function sumOf(
  rows: readonly EvaluatedRow[],
  { models, targetOf, assumedOutputTokens, at }: CostTerms,
  routeOf: (row: EvaluatedRow) => string | null,
): number | null {
  if (rows.length === 0) return null;
  let nano = 0n;
  for (const row of rows) {
    const target = targetOf(routeOf(row));
    if (target === fixedTarget) continue;
    const model = models[target];
    const output = row.outputTokens ?? assumedOutputTokens;
    const usage = { input: row.inputTokens, cachedInput: 0, output, reasoning: 0, source: 'estimated' as const };
    const cost = model ? priceOf(model, usage, at) : null;
    if (cost === null) return null;
    nano += cost;
  }
  return (Number(nano) / 1e9 / rows.length) * 1_000;
}
