/** What the store and its worker thread say to each other. Only data that survives a structured clone. */
import type { Operations } from './operations.ts';
import type { DecisionRecord } from './record.ts';

/** Per operation: what goes in, what comes out. */
export interface SqliteOperations extends Operations {
  open: { input: { readonly file: string; readonly busyMs: number }; output: null };
  append: { input: readonly DecisionRecord[]; output: null };
  close: { input: null; output: null };
}

export type SqliteOperation = keyof SqliteOperations;

export type SqliteRequest = {
  [O in SqliteOperation]: { readonly id: number; readonly operation: O; readonly input: SqliteOperations[O]['input'] };
}[SqliteOperation];

export type SqliteReply =
  | { readonly id: number; readonly output: SqliteOperations[SqliteOperation]['output'] }
  | { readonly id: number; readonly failure: string };
