/** How a report looks: its rows, its notes, and what it is made from. A figure that cannot be known is null, never zero. */
import type { NanoUsd } from '../base/money.ts';
import type { LedgerSummary, SummaryQuery } from './contract.ts';
import type { SummaryDimension } from './dimension.ts';
import type { OutcomeSums, Reask } from './outcome.ts';
import type { OutcomeFigures } from './outcome-figures.ts';

export interface Report {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly by: SummaryDimension;
  readonly rows: readonly ReportRow[];
  readonly total: ReportRow;
  /** What a reader must know to read the figures right; whole sentences. */
  readonly notes: readonly string[];
}

export interface ReportRow {
  readonly name: string;
  readonly requests: number;
  /** Of all requests, in [0, 1]. */
  readonly share: number | null;
  /**
   * A route's: of the requests that matched it, those that went to the fallback nevertheless. Any other group's: of the
   * requests that asked to be routed, those that went to the fallback.
   */
  readonly fallbackRate: number | null;
  readonly errors: number;
  readonly cacheHits: number;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly estimated: number;
  /** What the models charged; embedding is not in it. */
  readonly cost: NanoUsd | null;
  readonly unpriced: number;
  /** Time spent on embedding prompts, at `ledger.embedding_usd_per_hour`; zero where that is not set. */
  readonly embeddingCost: NanoUsd;
  /** What sending everything to the fallback model would have cost; it would not have been asked a second time. */
  readonly fallbackOnlyCost: NanoUsd | null;
  /** Fallback-only minus cost and embedding, over the requests that have both prices; negative when routing cost more. */
  readonly saving: NanoUsd | null;
  /** The saving ÷ the fallback-only cost of the same requests. */
  readonly savingRate: number | null;
  readonly addedP50Ms: number | null;
  readonly addedP99Ms: number | null;
  readonly firstByteP50Ms: number | null;
  readonly means: LatencyMeans;
  /** Rejected answers of this row that were asked again of the strong model: they stand in its `outcomes`, cost and all. */
  readonly reasks: number;
  readonly outcomes: OutcomeFigures;
}

/** Means over the requests of a group; null without one. `addedMs` holds embedding and matching. */
export interface LatencyMeans {
  readonly embedMs: number | null;
  readonly matchMs: number | null;
  readonly addedMs: number | null;
  readonly firstByteMs: number | null;
  readonly totalMs: number | null;
}

export interface ReportInput {
  readonly query: SummaryQuery;
  readonly summary: LedgerSummary;
  /** Split by `feedbackStrata`, or not at all. */
  readonly outcomes: readonly OutcomeSums[];
  /** Of every request once; the same as `outcomes` where groups do not overlap. */
  readonly outcomesOfAll: readonly OutcomeSums[];
  /** Rejected cheap answers that were asked again; and of every request once. */
  readonly reasks: readonly Reask[];
  readonly reasksOfAll: readonly Reask[];
  /** null: nobody said what embedding costs. */
  readonly embeddingPerHour: NanoUsd | null;
}
