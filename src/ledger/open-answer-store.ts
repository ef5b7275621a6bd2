/** Opens the store of cached answers that belongs to the ledger which `ledger.url` names. */
import type { AnswerStore } from './answer-store.ts';
import { openSqliteAnswerStore } from './sqlite-answer-store.ts';
import { ledgerFile } from './store.ts';

/** null where the ledger has no database, or one that keeps no answers. The file is opened at its first use. */
export function openAnswerStore(url: string, place: { readonly folder: string }): AnswerStore | null {
  const file = url.startsWith('sqlite:') ? ledgerFile(url, place) : null;
  return file === null ? null : openSqliteAnswerStore(file);
}
