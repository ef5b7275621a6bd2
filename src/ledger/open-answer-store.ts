/** Opens the store of cached answers that belongs to the ledger which `ledger.url` names. */
import { isPostgresUrl } from '../config/ledger-url.ts';
import type { AnswerStore } from './answer-store.ts';
import { openPostgresAnswerStore } from './postgres-answer-store.ts';
import { openSqliteAnswerStore } from './sqlite-answer-store.ts';
import { ledgerFile } from './store.ts';

/** null where the ledger has no database. File or server are opened at the first use. */
export function openAnswerStore(url: string, place: { readonly folder: string }): AnswerStore | null {
  if (isPostgresUrl(url)) return openPostgresAnswerStore(url);
  const file = ledgerFile(url, place);
  return file === null ? null : openSqliteAnswerStore(file);
}
