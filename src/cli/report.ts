/** `shunt report`: what was spent, saved and accepted, from the ledger. Reads only; the proxy may run meanwhile. */
import { writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { messageOf, ShuntError } from '../base/errors.ts';
import type { Config } from '../config/schema.ts';
import { compareReports } from '../ledger/compare-reports.ts';
import type { LedgerStore } from '../ledger/contract.ts';
import { type SummaryDimension, summaryDimensions } from '../ledger/dimension.ts';
import { createNoStore } from '../ledger/no-store.ts';
import { type ReportTerms, readReport, readReportPage } from '../ledger/read-report.ts';
import type { Report } from '../ledger/report-form.ts';
import { ledgerName, openExistingStore } from '../ledger/store.ts';
import { reportPage } from '../render/html-report.ts';
import { comparisonCsv, comparisonJson, comparisonTable } from '../render/report-comparison.ts';
import { reportCsv, reportJson } from '../render/report-export.ts';
import { reportTable } from '../render/report-table.ts';
import { wantsColour } from '../render/table.ts';
import { readConfig, withConfigOption } from './read-config.ts';
import { readOtherPeriod, readPeriod } from './report-period.ts';

const formats = ['table', 'json', 'csv', 'html'] as const;

interface ReportOptions {
  readonly since: string;
  readonly until?: string;
  readonly by: SummaryDimension;
  readonly compare?: string | true;
  readonly format: (typeof formats)[number];
  readonly html?: string;
}

export function reportCommand(): Command {
  const command = new Command('report')
    .description('Cost, saving against the fallback model, cost per accepted outcome, latency, from the ledger.')
    .option('--since <WHEN>', 'from: 24h, 7d, 4w ago, or a date (UTC)', '7d')
    .option('--until <WHEN>', 'up to: the same, now when absent')
    .addOption(new Option('--by <GROUP>', 'what a row is').choices([...summaryDimensions]).default('route'))
    .option('--compare [FROM..TO]', 'beside another period; as long a time right before when none is named')
    .addOption(new Option('--format <FORM>', 'how to print it').choices([...formats]).default('table'))
    .option('--html <FILE>', 'write the page with plots to this file as well')
    .addHelpText(
      'after',
      `
The saving is what the fallback model alone would have cost for the same tokens, minus what was spent; it can be negative.
Cost per accepted outcome is the whole cost ÷ accepted answers, estimated from those with feedback (POST /v1/feedback),
with a 95% interval. Requests without a price are counted as unpriced, never as free. JSON, CSV and the page carry exact
dollars, with nine decimals.

Examples:
  $ shunt report                                   the last seven days, by route
  $ shunt report --since 30d --html report.html    and the page, to read in a browser or to mail
  $ shunt report --compare                         beside the seven days before
  $ shunt report --since 2026-02-01 --until 2026-03-01 --compare 2026-01-01..2026-02-01 --by key
  $ shunt report --since 2026-01-01 --until 2026-02-01 --by key --format csv > january.csv
  $ shunt report --by day --format json | jq -r '.rows[] | [.name, .usd_per_accepted] | @tsv'`,
    );
  return withConfigOption(command).action((options: ReportOptions) => report(command, options));
}

async function report(command: Command, options: ReportOptions): Promise<void> {
  const nowMs = Date.now();
  const period = readPeriod(options, nowMs);
  const other = options.compare === undefined ? null : readOtherPeriod(options.compare, period, nowMs);
  if (other !== null && options.by === 'day') {
    const message = '--compare with --by day: no two periods share a day. Compare by another, e.g. --by route.';
    throw new ShuntError('invalid_request', message, { param: '--compare' });
  }
  const config = await readConfig(command);
  const existing = await openExistingStore(config.ledger.url, config);
  const store = existing ?? createNoStore();
  try {
    const terms = { embeddingPerHour: config.ledger.embedding_usd_per_hour ?? null };
    const now = await readReport(store, { ...period, by: options.by }, terms);
    const before = other === null ? null : await readReport(store, { ...other, by: options.by }, terms);
    if (now.total.requests === 0) process.stderr.write(`${whyEmpty(config, existing === null)}\n`);
    await print({ now, before, options, page: () => pageOf(store, { report: now, before, terms }) });
  } finally {
    await store.close();
  }
}

async function pageOf(
  store: LedgerStore,
  of: { report: Report; before: Report | null; terms: ReportTerms },
): Promise<string> {
  return reportPage(await readReportPage(store, of));
}

async function print(of: {
  readonly now: Report;
  readonly before: Report | null;
  readonly options: ReportOptions;
  readonly page: () => Promise<string>;
}): Promise<void> {
  const { now, before, options } = of;
  const page = options.format === 'html' || options.html !== undefined ? await of.page() : '';
  if (options.html !== undefined) await writePage(options.html, page);
  process.stdout.write(options.format === 'html' ? page : textOf(now, before, options.format));
}

async function writePage(file: string, page: string): Promise<void> {
  try {
    await writeFile(file, page);
  } catch (error) {
    throw new ShuntError(
      'invalid_request',
      `--html ${file}: ${messageOf(error)}. Name a file in a folder that exists.`,
    );
  }
  process.stderr.write(`The page is in ${file}.\n`);
}

function textOf(now: Report, before: Report | null, format: Exclude<ReportOptions['format'], 'html'>): string {
  const colour = wantsColour(process.stdout, process.env);
  const comparison = before === null ? null : compareReports(before, now);
  switch (format) {
    case 'json':
      return comparison === null ? reportJson(now) : comparisonJson(comparison);
    case 'csv':
      return comparison === null ? reportCsv(now) : comparisonCsv(comparison);
    case 'table':
      if (comparison !== null) return comparisonTable(comparison, colour);
      return now.total.requests === 0 ? '' : reportTable(now, colour);
  }
}

function whyEmpty(config: Config, missing: boolean): string {
  const { url } = config.ledger;
  if (url === 'none') return 'The ledger is switched off (ledger.url: none), so there is nothing to report.';
  const name = ledgerName(url, config);
  if (missing) return `There is no ledger at ${name} yet: it is made when \`shunt serve\` starts with this config.`;
  return `The ledger ${name} has no requests in this period. Try a longer one, e.g. --since 30d.`;
}
