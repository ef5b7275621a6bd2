/**
 * What the semantic cache promises to its callers, and nothing of how. It finds, among the entries of one partition, an
 * earlier prompt whose answer may stand for the new prompt's, and says why or why not. It holds no answers: an entry names
 * one by the key of the exact cache, and whoever serves checks that answer's route, age and temperature (`policy.ts`).
 *
 *   look ──► hit        serve the answer of `entryId`
 *        ├─► would-hit  similar and in agreement, but the evidence does not cover it: ask the backend
 *        └─► miss       ask the backend; `put` what it said
 *
 *   `verify` on either of the first two: ask the backend all the same, compare both answers, and `judge` the finding
 */
import type { UnitVector } from '../base/vector.ts';

export interface SemanticQuery {
  /** Of `partitionOf`: a digest over everything but the last user text. */
  readonly partition: string;
  /** Whose evidence counts: error rates differ between routes. */
  readonly route: string;
  /** Bound on wrong ÷ served semantic hits, in (0, 1). */
  readonly maxError: number;
  /** The last user text as it came, and its vector by the model that the cache was made for. */
  readonly text: string;
  readonly vector: UnitVector;
}

/** What was found, and how sure the cache is that one answer serves both prompts. */
export interface SemanticFind {
  readonly entryId: string;
  /** Cosine of the two prompts. */
  readonly similarity: number;
  /** In [0, 1]: similarity and shared words together; thresholds are compared with this. */
  readonly score: number;
  /** Least score that the evidence covers at this `maxError`; null: none is covered yet. */
  readonly threshold: number | null;
  /** Drawn for verification: ask the backend, compare, and call `judge` with this very object. */
  readonly verify: boolean;
  /** `kind` is `hit`: told again here, so that a find can be judged later by itself. */
  readonly served: boolean;
}

export type SemanticLook =
  | ({ readonly kind: 'hit' } & SemanticFind)
  | ({ readonly kind: 'would-hit'; readonly why: 'no-evidence' | 'below-threshold' } & SemanticFind)
  | {
      readonly kind: 'miss';
      readonly why: SemanticMiss;
      /** The most similar entry, for `explain`; null when the partition is empty. */
      readonly nearest: { readonly entryId: string; readonly similarity: number } | null;
      /** With `disagreement`: what of the nearest entry did not agree. */
      readonly disagreement: Disagreement | null;
    };

/** `unreadable`: too long or too short a text, or a vector without direction. */
export type SemanticMiss = 'empty' | 'far' | 'disagreement' | 'unreadable';

/** The rule that set two prompts apart, and the words of either that it saw. */
export interface Disagreement {
  readonly rule: AgreementRule;
  readonly asked: string;
  readonly stored: string;
}

export type AgreementRule =
  | 'number'
  | 'date'
  | 'unit'
  | 'negation'
  | 'name'
  | 'direction'
  | 'comparison'
  | 'opposite'
  | 'quantifier'
  | 'identifier'
  | 'quotation'
  | 'language'
  | 'question'
  | 'material'
  | 'wording';

export interface SemanticEntry {
  readonly entryId: string;
  readonly partition: string;
  readonly route: string;
  readonly tenant: string;
  readonly tags: readonly string[];
  readonly text: string;
  readonly vector: UnitVector;
  /** Milliseconds since the epoch. */
  readonly storedAt: number;
  readonly expiresAt: number;
}

/** What `purge` may ask of an entry. */
export type SemanticEntryFacts = Pick<SemanticEntry, 'entryId' | 'route' | 'tenant' | 'tags' | 'storedAt'>;

/** A pair of prompts of which somebody knows whether one answer serves both. `route` null: counts for every route. */
export interface LabelledPair {
  readonly a: string;
  readonly b: string;
  readonly same: boolean;
  readonly route: string | null;
}

export interface SemanticCache {
  look(query: SemanticQuery): SemanticLook;
  /** Replaces an entry of the same id. False: the text is one that no hit may be built on, so nothing was kept. */
  put(entry: SemanticEntry): boolean;
  /** The verdict on a find that asked for one: does the stored answer serve the new prompt as well as its own would? */
  judge(route: string, find: Pick<SemanticFind, 'score' | 'served'>, right: boolean): void;
  /** Counts a labelled pair as a verdict: what a find of the one for the other would have been. */
  learn(pair: LabelledPair, vectors: readonly [a: UnitVector, b: UnitVector]): void;
  /** Drops entries for which `chosen` holds; how many. Evidence stays: it holds no text. */
  purge(chosen: (entry: SemanticEntryFacts) => boolean): number;
  stats(): SemanticStats;
  /** The cache as the bytes of one file. */
  encode(): Buffer;
}

export interface SemanticStats {
  readonly entries: number;
  readonly partitions: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /** By route: what is known of would-be hits, and what of the hits that were served. */
  readonly evidence: readonly RouteEvidence[];
}

export interface RouteEvidence {
  readonly route: string;
  /** Would-be hits that were verified, labelled pairs included, and those of them that were wrong. */
  readonly verified: number;
  readonly wrong: number;
  /** Of those, hits that were served, with a two-sided 95% interval on the wrong share; null without any. */
  readonly served: {
    readonly verified: number;
    readonly wrong: number;
    readonly interval: readonly [number, number] | null;
  };
  /** Served errors became too many: evidence began anew this often. */
  readonly restarts: number;
}

/** How to make one: `createSemanticCache(options)`, or `openSemanticCache(options, bytes)` from what `encode` wrote. */
export interface SemanticCacheOptions {
  /** `sha256:…` of the embedding model; the dimensions of its vectors. */
  readonly fingerprint: string;
  readonly dimensions: number;
  readonly maxBytes: number;
  /** Share of finds that are verified once there is evidence; before, all are. */
  readonly verifyShare: number;
  readonly now: () => number;
  /** In [0, 1): draws what is verified. */
  readonly random: () => number;
}
