/** `shunt report`: what was spent and saved, per route, from the ledger. Reads only; the proxy may run meanwhile. */
import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import { ShuntError } from '../base/errors.ts';
import type { SummaryQuery } from '../ledger/contract.ts';
import { type SummaryDimension, summaryDimensions } from '../ledger/dimension.ts';
import { makeReport, type Report } from '../ledger/report.ts';
import { ledgerFile, openLedgerStore } from '../ledger/store.ts';
import { reportCsv, reportJson } from '../render/report-export.ts';
import { reportTable } from '../render/report-table.ts';
import { wantsColour } from '../render/table.ts';
import { readConfig, withConfigOption } from './read-config.ts';
import { readMoment } from './report-period.ts';

interface ReportOptions {
  readonly since: string;
  readonly until?: string;
  readonly by: SummaryDimension;
  readonly format: 'table' | 'json' | 'csv';
}

export function reportCommand(): Command {
  const command = new Command('report')
    .description('Cost, saving against the fallback model, latency and fallback rate, from the ledger.')
    .option('--since <WHEN>', 'from: 24h, 7d, 4w ago, or a date (UTC)', '7d')
    .option('--until <WHEN>', 'up to: the same, now when absent')
    .addOption(new Option('--by <GROUP>', 'what a row is').choices([...summaryDimensions]).default('route'))
    .addOption(new Option('--format <FORM>', 'how to print it').choices(['table', 'json', 'csv']).default('table'))
    .addHelpText(
      'after',
      `
The saving is what the fallback model alone would have cost for the same tokens, minus what was spent; it can be negative.
Requests without a price are counted as unpriced, never as free. JSON and CSV carry exact dollars, with nine decimals.

Examples:
  $ shunt report                                   the last seven days, by route
  $ shunt report --since 24h --by model
  $ shunt report --since 2026-01-01 --until 2026-02-01 --by key --format csv > january.csv
  $ shunt report --by day --format json | jq -r '.rows[] | [.name, .saving_usd] | @tsv'`,
    );
  return withConfigOption(command).action((options: ReportOptions) => report(command, options));
}

async function report(command: Command, options: ReportOptions): Promise<void> {
  const nowMs = Date.now();
  const query: SummaryQuery = {
    sinceMs: readMoment('--since', options.since, nowMs),
    untilMs: options.until === undefined ? nowMs : readMoment('--until', options.until, nowMs),
    by: options.by,
  };
  if (query.sinceMs >= query.untilMs) {
    throw new ShuntError('invalid_request', '--since is not before --until. Swap them, or leave --until out.');
  }
  const config = await readConfig(command);
  const place = { folder: config.folder };
  const file = ledgerFile(config.ledger.url, place);
  // A report must not make a ledger: a mistyped path would look like a quiet week.
  const url = file !== null && existsSync(file) ? config.ledger.url : 'none';
  const store = await openLedgerStore(url, place);
  try {
    const result = makeReport(query, await store.summarise(query));
    if (result.total.requests === 0) process.stderr.write(`${whyEmpty(file, url === 'none')}\n`);
    process.stdout.write(print(result, options.format));
  } finally {
    await store.close();
  }
}

function print(result: Report, format: ReportOptions['format']): string {
  switch (format) {
    case 'json':
      return reportJson(result);
    case 'csv':
      return reportCsv(result);
    case 'table':
      return result.total.requests === 0 ? '' : reportTable(result, wantsColour(process.stdout, process.env));
  }
}

function whyEmpty(file: string | null, missing: boolean): string {
  if (file === null) return 'The ledger is switched off (ledger.url: none), so there is nothing to report.';
  if (missing) return `There is no ledger at ${file} yet: it is made when \`shunt serve\` starts with this config.`;
  return `The ledger ${file} has no requests in this period. Try a longer one, e.g. --since 30d.`;
}
