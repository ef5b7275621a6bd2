/** `shunt ledger`: take decisions out, for a spreadsheet or an auditor, and have the ledger forget somebody. */
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { ShuntError } from '../base/errors.ts';
import type { Config } from '../config/schema.ts';
import { stateFolder } from '../config/state-folder.ts';
import type { Period } from '../evaluation/recorded.ts';
import type { EraseSelection, LedgerEntry, LedgerStore } from '../ledger/contract.ts';
import { eraseAnswers } from '../ledger/erase-answers.ts';
import { createPersonHash } from '../ledger/privacy.ts';
import { ledgerName, spillFile } from '../ledger/store.ts';
import { type ExportChoice, ledgerExport } from '../render/ledger-export.ts';
import { readConfig, withConfigOption } from './read-config.ts';
import { openExistingLedger } from './recorded-decisions.ts';
import { readPeriod } from './report-period.ts';

interface ExportFlags extends ExportChoice {
  readonly since: string;
  readonly until?: string;
}

interface EraseFlags {
  readonly key?: string;
  readonly tag?: string;
  readonly person?: string;
  readonly yes?: true;
}

const pageSize = 1_000;

export function ledgerCommand(): Command {
  const command = new Command('ledger').description('Export decisions, or erase those of a key, tag or person.');
  command.addCommand(exportCommand());
  command.addCommand(eraseCommand());
  return command;
}

function exportCommand(): Command {
  const command = new Command('export')
    .description('Write every decision of a period to standard output, oldest first.')
    .option('--since <WHEN>', 'from: 24h, 7d, 4w ago, or a date (UTC)', '30d')
    .option('--until <WHEN>', 'up to: the same, now when absent')
    .addOption(new Option('--format <FORM>', 'how to write it').choices(['csv', 'jsonl']).default('csv'))
    .option('--prompts', 'with what the ledger kept of the prompts', false)
    .addHelpText(
      'after',
      `
Money stands in whole nano-dollars and in exact dollars with nine decimals; empty (CSV) and null mean not known.
However long the period, memory stays the same: decisions are read in pages while they are written.

Examples:
  $ shunt ledger export --since 2026-01-01 --until 2026-02-01 > january.csv
  $ shunt ledger export --since 24h --format jsonl | jq -r 'select(.verdict != null) | [.id, .verdict] | @tsv'
  $ shunt ledger export --since 7d | gzip > week.csv.gz`,
    );
  return withConfigOption(command).action(async (flags: ExportFlags) => {
    const period = readPeriod(flags, Date.now());
    const store = await openExistingLedger(await readConfig(command));
    try {
      await write(store, period, flags);
    } finally {
      await store.close();
    }
  });
}

function eraseCommand(): Command {
  const command = new Command('erase')
    .description('Delete every decision of a key, a tag or a person, with its outcomes.')
    .option('--key <NAME>', 'of this key of auth.keys, and its name in outcomes that it told')
    .option('--tag <TAG>', 'with this tag (x-shunt-tags)')
    .option(
      '--person <ID>',
      'made for this person: what the client sent as user, safety_identifier or metadata.user_id',
    )
    .option('--yes', 'delete; without it, only count')
    .addHelpText(
      'after',
      `
Figures of past reports change with it: what is erased is neither spent nor accepted any more. Backups are yours to erase.
Cached answers in the database go too; a running proxy keeps those in its memory until \`shunt cache purge\`.

Examples:
  $ shunt ledger erase --person anna@example.com          how many there are
  $ shunt ledger erase --person anna@example.com --yes
  $ shunt ledger erase --tag pilot --yes`,
    );
  return withConfigOption(command).action(async (flags: EraseFlags) => {
    const config = await readConfig(command);
    const selection = await selectionOf(flags, config);
    const store = await openExistingLedger(config);
    try {
      process.stdout.write(await erase(store, selection, { config, flags }));
    } finally {
      await store.close();
    }
  });
}

async function write(store: LedgerStore, period: Period, choice: ExportChoice): Promise<void> {
  const form = ledgerExport(choice);
  const { stdout } = process;
  // Whoever reads has seen enough (`| head`).
  stdout.once('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  stdout.write(form.header);
  for (let after: LedgerEntry | null = null; ; ) {
    const page = await store.page({ ...period, limit: pageSize, after });
    after = page.at(-1) ?? null;
    if (after === null) return;
    // A slow reader is waited for.
    if (!stdout.write(page.map(form.line).join(''))) await once(stdout, 'drain');
  }
}

async function selectionOf(flags: EraseFlags, config: Config): Promise<EraseSelection> {
  const given = (['key', 'tag', 'person'] as const).filter((by) => flags[by] !== undefined);
  const [by] = given;
  const value = flags[by] ?? '';
  if (given.length !== 1 || value === '') {
    throw new ShuntError('invalid_request', 'Say whom to erase: one of --key NAME, --tag TAG, --person ID.');
  }
  if (by !== 'person') return { by, value };
  const secretFile = join(stateFolder(config), 'secret');
  const hash = await createPersonHash({ secret: config.ledger.hash_secret, secretFile });
  return { by, value: hash(value) };
}

async function erase(
  store: LedgerStore,
  selection: EraseSelection,
  { config, flags }: { readonly config: Config; readonly flags: EraseFlags },
): Promise<string> {
  const name = ledgerName(config.ledger.url, config);
  if (flags.yes !== true) {
    const count = await store.countSelected(selection);
    return `${count} decisions in ${name} would be erased. Add --yes to erase them.\n`;
  }
  const count = await store.erase(selection);
  const answers = await eraseAnswers(config.ledger.url, config, selection);
  const spill = spillFile(config.ledger.url, config);
  if (spill !== null && isFilled(spill)) {
    const message = `${spill} holds decisions that wait for the ledger. When \`shunt serve\` has put them there, erase again.`;
    process.stderr.write(`${message}\n`);
  }
  const stored = answers > 0 ? `, and ${answers} cached answers` : '';
  return `${count} decisions${stored} erased from ${name}.\n`;
}

function isFilled(file: string): boolean {
  return [file, `${file}.replay`].some((one) => (statSync(one, { throwIfNoEntry: false })?.size ?? 0) > 0);
}
