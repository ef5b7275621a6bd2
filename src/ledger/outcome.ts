/**
 * What became of an answer: accepted, rejected or unknown, who says so, and how the report adds it up. Pure data.
 *
 *   explicit    somebody told us (`POST /v1/feedback`): every word is kept, in order; the latest one counts
 *   automatic   we looked ourselves (`check`; later `judge`, `shadow`, `implicit`): kept apart, never mixed into the
 *               explicit ones, so that a report can say what its figures rest on
 *
 * The verdict of the check stands in the decision's own row, since nearly every request has one and it is known when
 * the row is written. Explicit outcomes come later, or sooner, and stand in a table of their own; the latest is copied
 * to the decision, so that a report over a million decisions reads one table.
 */
import type { NanoUsd } from '../base/money.ts';
import type { SummaryDimension } from './dimension.ts';

/** Sources that only Shunt itself may name; any other word is explicit, `feedback` when none is given. */
export const automaticSources = ['check', 'judge', 'shadow', 'implicit'] as const;

/** One entry of a decision's history. Never changed, only followed by another. */
export interface Outcome {
  readonly requestId: string;
  /** Milliseconds since the epoch: when it was told. */
  readonly time: number;
  /** `feedback`, a caller's own word for it (`thumbs`, `qa`), or one of `automaticSources`. */
  readonly source: string;
  /** null: looked at and left open. */
  readonly accepted: boolean | null;
  /** In [0, 1]; null when only yes or no was said. */
  readonly score: number | null;
  readonly reason: string | null;
  /** Name of the key that told it; null without keys, and for automatic ones. */
  readonly actor: string | null;
  /** A JSON object, as it was sent. */
  readonly metadata: string | null;
}

/** By which name an outcome calls the decision that it is about. */
export interface OutcomeReference {
  readonly by: 'request' | 'response';
  readonly id: string;
  /** The id may be of a decision that is not in the ledger yet: an answer that still streams, a row that waits elsewhere. */
  readonly mayWait: boolean;
}

export interface ToldOutcome {
  readonly reference: OutcomeReference;
  /** Only decisions of this tenant; null: of any, for admins. */
  readonly tenant: string | null;
  readonly outcome: Omit<Outcome, 'requestId'>;
}

/**
 * `unchanged`: the latest outcome says the same already. `pending`: kept until the decision is in the ledger. `unknown`:
 * there is no such decision, or it is somebody else's; nothing was kept.
 */
export interface ToldResult {
  readonly state: 'recorded' | 'unchanged' | 'pending' | 'unknown';
  /** null when it cannot be known, or not be told. */
  readonly requestId: string | null;
}

/**
 * What an automatic look at the answer found. `passed`: it is of the JSON schema that was asked for, which is not to say
 * that it is any good. Without a verdict, nothing was asked for that could be checked, and nothing was wrong.
 */
export const checkVerdicts = ['passed', 'error', 'empty', 'refused', 'cut', 'not-json', 'schema-mismatch'] as const;
export type CheckVerdict = (typeof checkVerdicts)[number];

export const strata = ['route', 'key', 'model', 'score', 'length'] as const;
export type Stratum = (typeof strata)[number];

export interface OutcomeQuery {
  /** Milliseconds since the epoch, of the decision; from this one on. */
  readonly sinceMs: number;
  /** Up to but without this one. */
  readonly untilMs: number;
  /** null: everything is one group, named ''. */
  readonly by: SummaryDimension | null;
  /** Each group is split further by these. `score`: tenths of the match score; `length`: powers of four of the input tokens. */
  readonly strata: readonly Stratum[];
}

/** Decisions by their latest explicit outcome. */
export interface OutcomeCounts {
  /** That have one at all. */
  readonly told: number;
  readonly rejected: number;
}

/**
 * Sums over the requests of one group and stratum that share outcome, source and check. By tag, a request stands in each
 * of its tags' groups.
 */
export interface OutcomeSums {
  /** As in `SummaryGroup.name`. */
  readonly group: string;
  /** Values of the query's `strata`, in their order. `(none)` without a score. Bands by their lower end: `0.8`, `256`. */
  readonly stratum: readonly string[];
  /** By the latest explicit outcome. */
  readonly outcome: 'accepted' | 'rejected' | 'unknown';
  /** Of that outcome; null when there is none. */
  readonly source: string | null;
  readonly check: CheckVerdict | null;
  readonly requests: number;
  readonly unpriced: number;
  /** Priced requests whose answer can be accepted: embeddings and passed-through requests cannot, unless somebody did. */
  readonly answers: number;
  /** Over the priced requests. */
  readonly cost: NanoUsd;
  /** Requests with both prices, and what the fallback would have cost for them. */
  readonly comparable: number;
  readonly fallbackCost: NanoUsd;
}

/** A rejected answer of a cheaper model whose prompt was asked again of the strong one soon after. */
export interface Reask {
  /** The group of the rejected answer. */
  readonly of: string;
  /** The second request alone, in the group where it stands. */
  readonly again: OutcomeSums;
}
