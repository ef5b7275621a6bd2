/** One labelled row with the decision that was made about it: what every figure of an evaluation is computed from. */

export interface RankedRoute {
  readonly route: string;
  readonly score: number;
}

export interface EvaluatedRow {
  readonly file: string;
  readonly line: number;
  /** The prompt, cut to `excerptLength`. */
  readonly excerpt: string;
  /** Same text, same key: by it two evaluations of the same data are paired. */
  readonly key: string;
  /** Short plain fields of the data besides text and route. */
  readonly extra: Readonly<Record<string, string>>;
  readonly inputTokens: number;
  /** null: the data does not say. */
  readonly outputTokens: number | null;
  /** null: out of scope. */
  readonly truth: string | null;
  /** Best first, whatever the thresholds say; the first is the best route. */
  readonly candidates: readonly RankedRoute[];
  /** What serving would do: the accepted route, or null for the fallback. */
  readonly accepted: string | null;
  readonly reason: string;
  /** null: embedded in a batch, where one row's time means nothing. */
  readonly latencyMs: number | null;
  /** What trivial routers would say. */
  readonly trivial: { readonly lexical: RankedRoute; readonly length: RankedRoute } | null;
}

export const excerptLength = 160;

export function bestScore(row: EvaluatedRow): number {
  return row.candidates[0]?.score ?? 0;
}

/** The best route is the right one: what the accept score is meant to predict. */
export function bestIsRight(row: EvaluatedRow): boolean {
  return row.truth !== null && row.candidates[0]?.route === row.truth;
}

/** In scope on the right route, or out of scope on the fallback. */
export function decidedRight(row: EvaluatedRow): boolean {
  return row.accepted === row.truth;
}
