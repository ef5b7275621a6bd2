/** What the store and its worker thread say to each other. Only data that survives a structured clone. */
import type { NanoUsd } from '../base/money.ts';
import type { LedgerSummary, PageQuery, SpendDimension, SummaryQuery } from './contract.ts';
import type { DecisionRecord } from './record.ts';

/** Per operation: what goes in, what comes out. */
export interface SqliteOperations {
  open: { input: { readonly file: string; readonly busyMs: number }; output: null };
  append: { input: readonly DecisionRecord[]; output: null };
  find: { input: string; output: DecisionRecord | null };
  spentSince: { input: { readonly timeMs: number; readonly by: SpendDimension }; output: Map<string, NanoUsd> };
  summarise: { input: SummaryQuery; output: LedgerSummary };
  page: { input: PageQuery; output: readonly DecisionRecord[] };
  /** At most `limit` records, so that appends waiting behind it wait briefly. */
  prune: { input: { readonly beforeMs: number; readonly limit: number }; output: number };
  close: { input: null; output: null };
}

export type SqliteOperation = keyof SqliteOperations;

export type SqliteRequest = {
  [O in SqliteOperation]: { readonly id: number; readonly operation: O; readonly input: SqliteOperations[O]['input'] };
}[SqliteOperation];

export type SqliteReply =
  | { readonly id: number; readonly output: SqliteOperations[SqliteOperation]['output'] }
  | { readonly id: number; readonly failure: string };
