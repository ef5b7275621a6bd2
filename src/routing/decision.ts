/**
 * The words of a decision: what the matcher returns and what the gateway makes of it. Pure data; the same object is
 * shown by `shunt route`, `POST /v1/route`, the ledger and the evaluation.
 */

/** The parts of a score, each on its own scale; which of them count, and how much, is in the index's manifest. */
export interface ScoreParts {
  /** Cosine of the prompt with the route's nearest dense prototype. */
  readonly dense: number;
  /** Cosine in the space of idf-weighted words and character n-grams of the route's examples. */
  readonly lexical: number;
  /** Probability by the refined prototypes (a linear head fitted from the examples). */
  readonly refined: number;
  /** Cosine with the nearest single example; compared only when asked to explain, else 0. */
  readonly nearest: number;
  /** Cosine with the nearest counter-example; 0 without any. */
  readonly counter: number;
}

/** Where a route's threshold comes from, and whether it keeps a promise. */
export interface ThresholdPromise {
  /** `route`, `pooled`: calibrated for `precision` with a 95% bound. `none`: a plain or default threshold, no promise. */
  readonly scope: 'route' | 'pooled' | 'none';
  readonly precision: number | null;
  /** What the card asks for, where only the lower `precision` is proven. */
  readonly asked?: number;
  /** Labelled rows still missing before what the card asks for could be promised; 0 when it is; null when nothing was asked for. */
  readonly missingRows: number | null;
}

export interface Candidate {
  readonly route: string;
  /** In [0, 1]. */
  readonly score: number;
  readonly threshold: number;
  /** What `threshold` is compared with. */
  readonly thresholdOn: 'score' | 'cosine';
  /** What is compared with it: the score, or the dense cosine. */
  readonly compared: number;
  /** Only when asked to explain: they cost more than the decision itself. */
  readonly parts: ScoreParts | null;
  readonly passes: boolean;
}

export interface NearestExample {
  readonly route: string;
  readonly text: string;
  readonly similarity: number;
}

export type MatchReason =
  | 'matched'
  | 'below-threshold'
  | 'margin-too-small'
  | 'counter-example'
  | 'out-of-scope'
  | 'language-not-covered'
  | 'empty-text'
  | 'no-routes';

export interface MatchResult {
  /** The accepted route, or null: fall back. */
  readonly route: string | null;
  readonly reason: MatchReason;
  /** The best candidate's score (accepted or not); 0 without candidates. */
  readonly score: number;
  /** Best score minus the next route's score. */
  readonly margin: number;
  /** Best first, at most `limit`. */
  readonly candidates: readonly Candidate[];
  /** Nearest single examples over all routes, best first; only when asked to explain. */
  readonly nearest: readonly NearestExample[];
  readonly promise: ThresholdPromise;
  /** Probability that the prompt belongs to some route. */
  readonly inScope: number;
}
