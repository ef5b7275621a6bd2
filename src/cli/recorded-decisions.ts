/** The ledger as commands read it: opened only when it is there, and a plain word when it keeps no text. */
import { ShuntError } from '../base/errors.ts';
import type { Config } from '../config/schema.ts';
import type { LedgerStore } from '../ledger/contract.ts';
import { ledgerName, openExistingStore } from '../ledger/store.ts';

/** The ledger that the config names; an error that says what to do when there is none. */
export async function openExistingLedger({ ledger, folder }: Config): Promise<LedgerStore> {
  if (ledger.url === 'none')
    throw new ShuntError('bad_config', 'The ledger is switched off (ledger.url: none): no decision was recorded.');
  const store = await openExistingStore(ledger.url, { folder });
  if (store !== null) return store;
  const name = ledgerName(ledger.url, { folder });
  throw new ShuntError('bad_config', `There is no ledger at ${name}: \`shunt serve\` makes it with this config.`);
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
