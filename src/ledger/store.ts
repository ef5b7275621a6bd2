/** Opens the ledger that `ledger.url` names. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ShuntError } from '../base/errors.ts';
import { isPostgresUrl } from '../config/ledger-url.ts';
import { stateFolder } from '../config/state-folder.ts';
import type { LedgerStore } from './contract.ts';
import { createNoStore } from './no-store.ts';
import { placeOf } from './postgres-failure.ts';
import { openPostgresStore } from './postgres-store.ts';
import { openSqliteStore } from './sqlite-store.ts';

export interface LedgerPlace {
  /** Relative paths resolve against it: the folder of `shunt.yaml`. */
  readonly folder: string;
  /** Takes a ledger that cannot be opened now, told why: it is tried again when something is asked of it. */
  readonly onUnopened?: (error: unknown) => void;
}

export async function openLedgerStore(url: string, place: LedgerPlace): Promise<LedgerStore> {
  const { onUnopened } = place;
  if (isPostgresUrl(url)) return openPostgresStore(url, { onUnopened });
  const file = ledgerFile(url, place);
  return file === null ? createNoStore() : openSqliteStore(file, { onUnopened });
}

/** Absolute path of the SQLite database; null for `none` and for PostgreSQL. */
export function ledgerFile(url: string, place: LedgerPlace): string | null {
  if (url === 'none' || isPostgresUrl(url)) return null;
  const path = /^sqlite:(.+)$/.exec(url)?.[1];
  if (path !== undefined) return resolve(place.folder, path);
  // The URL is not shown: what is none of these may still hold a password.
  const message =
    'ledger.url must be sqlite:PATH, postgres://USER:PASSWORD@HOST:PORT/DATABASE or none. Write e.g. sqlite:.shunt/ledger.db.';
  throw new ShuntError('bad_config', message, { param: 'ledger.url' });
}

/** Where records wait while the database cannot take them; null for `none`. Beside a SQLite file, else on this machine. */
export function spillFile(url: string, place: LedgerPlace): string | null {
  if (isPostgresUrl(url)) return join(stateFolder(place), 'ledger.spill.jsonl');
  const file = ledgerFile(url, place);
  return file === null ? null : `${file}.spill.jsonl`;
}

/** In words, without credentials: for messages. */
export function ledgerName(url: string, place: LedgerPlace): string {
  return isPostgresUrl(url) ? placeOf(url) : (ledgerFile(url, place) ?? 'none');
}

/** null when there is none: opening a SQLite file would make it, and a mistyped path would look like a quiet week. */
export async function openExistingStore(url: string, place: LedgerPlace): Promise<LedgerStore | null> {
  const file = ledgerFile(url, place);
  if (url === 'none' || (file !== null && !existsSync(file))) return null;
  return openLedgerStore(url, place);
}
