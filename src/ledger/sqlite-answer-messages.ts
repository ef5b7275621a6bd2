/** What the store of cached answers and its worker thread say to each other. */
import type { AnswerFilter, AnswerStore, AnswerStoreStats, StoredAnswer } from './answer-store.ts';

/** Per operation: what goes in, what comes out. */
export interface AnswerOperations {
  open: { input: { readonly file: string; readonly busyMs: number }; output: null };
  get: { input: { readonly key: string; readonly now: number }; output: StoredAnswer | null };
  put: {
    input: { readonly answers: readonly StoredAnswer[]; readonly limits: Parameters<AnswerStore['put']>[1] };
    output: null;
  };
  purge: { input: AnswerFilter; output: readonly string[] };
  stats: { input: number; output: AnswerStoreStats };
  close: { input: null; output: null };
}

export type AnswerOperation = keyof AnswerOperations;

export type AnswerRequest = {
  [O in AnswerOperation]: { readonly id: number; readonly operation: O; readonly input: AnswerOperations[O]['input'] };
}[AnswerOperation];

export type AnswerReply =
  | { readonly id: number; readonly output: AnswerOperations[AnswerOperation]['output'] }
  | { readonly id: number; readonly failure: string };
