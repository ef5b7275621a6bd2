/**
 * The ledger as the rest of the program sees it: append what happened, find one decision, add up many. Every method is
 * off the caller's thread. Errors are `ledger_failed` with words for the operator.
 */
import type { NanoUsd } from '../base/money.ts';
import type { SummaryDimension } from './dimension.ts';
import type { Outcome, OutcomeCounts, OutcomeQuery, OutcomeSums, Reask, ToldOutcome, ToldResult } from './outcome.ts';
import type { DecisionRecord } from './record.ts';

export interface LedgerStore {
  /** Resolves when every record is committed. One transaction; a record whose id is already there changes nothing. */
  append(records: readonly DecisionRecord[]): Promise<void>;
  find(id: string): Promise<DecisionRecord | null>;
  /** Other processes write to it too: whoever keeps sums of it reads them again now and then. */
  readonly shared: boolean;
  /** What each virtual key, or each route, has spent since `timeMs`; unpriced requests count nothing. */
  spentSince(timeMs: number, by?: SpendDimension): Promise<Map<string, NanoUsd>>;
  summarise(query: SummaryQuery): Promise<LedgerSummary>;
  /** Decisions of a period, oldest first, at most `limit` at once: for reading many in bounded memory. */
  page(query: PageQuery): Promise<readonly LedgerEntry[]>;
  /** Resolves when every outcome is committed, in one transaction; one result for each, in their order. */
  tell(outcomes: readonly ToldOutcome[]): Promise<readonly ToldResult[]>;
  /** Everything that was told about a decision, oldest first; the last one counts. */
  outcomes(requestId: string): Promise<readonly Outcome[]>;
  /** What `accepted-cost.ts` computes with. Largest group first is not promised. */
  countOutcomes(period: Omit<SummaryQuery, 'by'>): Promise<OutcomeCounts>;
  outcomeSums(query: OutcomeQuery): Promise<readonly OutcomeSums[]>;
  /** Rejected answers of cheaper models that were asked again of the strong one. */
  reasks(query: OutcomeQuery): Promise<readonly Reask[]>;
  /** Deletes what is older, with its outcomes; resolves with the number of decisions deleted. Appends may go on meanwhile. */
  prune(beforeMs: number): Promise<number>;
  /** How many decisions `erase` would delete. */
  countSelected(selection: EraseSelection): Promise<number>;
  /** Deletes every decision of a key, tag or person, with its outcomes; resolves with the number of decisions deleted. */
  erase(selection: EraseSelection): Promise<number>;
  close(): Promise<void>;
}

/** Whose spend is added up; keys unless said otherwise. Requests without a key, or without a route, are left out. */
export type SpendDimension = 'key' | 'route';

/** A decision with what is held of it now: the latest explicit outcome. */
export interface LedgerEntry extends DecisionRecord {
  readonly outcome: Pick<Outcome, 'accepted' | 'score' | 'source'> | null;
}

/** `person` as it stands in the ledger, hashed: `createPersonKeeper` makes it. */
export interface EraseSelection {
  readonly by: 'key' | 'tag' | 'person';
  readonly value: string;
}

export interface PageQuery {
  /** Milliseconds since the epoch; from this one on. */
  readonly sinceMs: number;
  /** Up to but without this one. */
  readonly untilMs: number;
  /** 1 or more. */
  readonly limit: number;
  /** The last record of the page before; null: from the beginning. Records that are appended meanwhile repeat none. */
  readonly after: { readonly time: number; readonly id: string } | null;
}

export interface SummaryQuery {
  /** Milliseconds since the epoch; from this one on. */
  readonly sinceMs: number;
  /** Up to but without this one. */
  readonly untilMs: number;
  readonly by: SummaryDimension;
}

export interface LedgerSummary {
  /** Largest first; days in order. With `tag`, a request stands in each of its tags' groups. */
  readonly groups: readonly SummaryGroup[];
  /** Every request once, whatever the groups. */
  readonly total: SummaryGroup;
}

export interface SummaryGroup {
  /** The route, model, key, day, reason, pin or tag. Names in parentheses are ours: `(explicit)`, `(none)`, `(untagged)`. */
  readonly name: string;
  readonly requests: number;
  /** Requests that asked to be routed: all but those that named a model themselves. */
  readonly asked: number;
  /** Of those, the ones that went to the fallback model. */
  readonly fellBack: number;
  /** By route only: requests that matched this route and were yet sent to the fallback (a failure, an ability that lacks). */
  readonly diverted: number;
  /** Status 400 and above; a client that went away (499) is none. */
  readonly errors: number;
  readonly cacheHits: number;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  /** Requests whose tokens we estimated, since the backend did not report any. */
  readonly estimated: number;
  /** Sum over the priced requests. */
  readonly cost: NanoUsd;
  readonly unpriced: number;
  /** What the fallback model would have cost, over requests whose fallback is priced. */
  readonly fallbackCost: NanoUsd;
  readonly fallbackUnpriced: number;
  /** The same two sums over requests that have both prices: the only ones that a saving can be read from. */
  readonly comparableCost: NanoUsd;
  readonly comparableFallbackCost: NanoUsd;
  /** Nearest-rank percentiles; null without a value. */
  readonly addedP50Ms: number | null;
  readonly addedP99Ms: number | null;
  readonly firstByteP50Ms: number | null;
  /** Sums of the latency split, each request's part in whole microseconds, so that any order of adding gives the same. */
  readonly addedUs: number;
  readonly embedUs: number;
  readonly matchUs: number;
  readonly firstByteUs: number;
  /** Requests that have a first byte: what `firstByteUs` is a sum over. */
  readonly firstBytes: number;
  readonly totalUs: number;
}

/** Reasons of requests that no route decides: embeddings, what is passed through as it is, verdicts on cached answers. */
export const unroutedReasons = ['pass-through', 'own-embedding', 'cache-judge'] as const;

/** Reasons of requests that named a model themselves: they were not routed, so they did not fall back either. */
export const explicitReasons = ['explicit-model', 'unknown-model-passthrough', ...unroutedReasons] as const;
