/** The ledger as commands read it: opened only when it is there, and a plain word when it keeps no text. */
import { existsSync } from 'node:fs';
import { ShuntError } from '../base/errors.ts';
import type { Config } from '../config/schema.ts';
import type { Period } from '../evaluation/recorded.ts';
import type { LedgerStore } from '../ledger/contract.ts';
import { ledgerFile, openLedgerStore } from '../ledger/store.ts';
import { readMoment } from './report-period.ts';

export function periodOf(flags: { readonly since: string; readonly until?: string }, nowMs: number): Period {
  const sinceMs = readMoment('--since', flags.since, nowMs);
  const untilMs = flags.until === undefined ? nowMs : readMoment('--until', flags.until, nowMs);
  if (sinceMs < untilMs) return { sinceMs, untilMs };
  throw new ShuntError('invalid_request', '--since is not before --until. Swap them, or leave --until out.');
}

/** Opening would make the file: a mistyped path would look like a quiet week. */
export function openExistingLedger({ ledger, folder }: Config): Promise<LedgerStore> {
  const file = ledgerFile(ledger.url, { folder });
  if (file === null)
    throw new ShuntError('bad_config', 'The ledger is switched off (ledger.url: none): no decision was recorded.');
  if (!existsSync(file))
    throw new ShuntError('bad_config', `There is no ledger at ${file}: \`shunt serve\` makes it with this config.`);
  return openLedgerStore(ledger.url, { folder });
}

/** Why there is no text, and what keeps it from now on. */
export function noTextWords({ ledger }: Config): string {
  const keeps: Record<Config['ledger']['prompts'], string> = {
    none: 'ledger.prompts: none keeps nothing of a prompt',
    hash: 'ledger.prompts: hash keeps a hash only',
    redacted: 'no decision of this period was recorded since ledger.prompts is redacted',
    full: 'no decision of this period was recorded since ledger.prompts is full',
  };
  return `The ledger holds no text of these prompts: ${keeps[ledger.prompts]}. Set ledger.prompts to full, or to redacted (secrets and addresses by shape taken out); it counts for prompts from then on.`;
}
