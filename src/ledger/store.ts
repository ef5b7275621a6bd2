/** Opens the ledger that `ledger.url` names. */
import { resolve } from 'node:path';
import { ShuntError } from '../base/errors.ts';
import type { LedgerStore } from './contract.ts';
import { createNoStore } from './no-store.ts';
import { openSqliteStore } from './sqlite-store.ts';

export interface LedgerPlace {
  /** Relative paths resolve against it: the folder of `shunt.yaml`. */
  readonly folder: string;
  /** Takes a ledger that cannot be opened now, told why: it is tried again when something is asked of it. */
  readonly onUnopened?: (error: unknown) => void;
}

export async function openLedgerStore(url: string, place: LedgerPlace): Promise<LedgerStore> {
  const file = ledgerFile(url, place);
  return file === null ? createNoStore() : openSqliteStore(file, { onUnopened: place.onUnopened });
}

/** Absolute path of the database; null for `none`. */
export function ledgerFile(url: string, place: LedgerPlace): string | null {
  if (url === 'none') return null;
  const path = /^sqlite:(.+)$/.exec(url)?.[1];
  if (path !== undefined) return resolve(place.folder, path);
  throw new ShuntError(
    'bad_config',
    `ledger.url = ${url}: must be sqlite:PATH or none. Write e.g. sqlite:.shunt/ledger.db.`,
    {
      param: 'ledger.url',
    },
  );
}
