/**
 * The columns of a report's two tables, what was spent and what came of it, for the terminal and for the page alike:
 * one place where figures are rounded. Each column names the field whose exact figure it shows.
 */
import { formatUsd, type NanoUsd } from '../base/money.ts';
import type { Report, ReportRow } from '../ledger/report-form.ts';
import type { ReportField } from './report-fields.ts';
import type { Cell, Column } from './table.ts';

export interface ReportColumn extends Column {
  readonly field: ReportField;
  readonly cell: (row: ReportRow) => Cell;
  /** Left out where no row has anything to say. */
  readonly shownIf?: (row: ReportRow) => boolean;
}

const right = 'right' as const;

export function costColumns(report: Report): readonly ReportColumn[] {
  const dollars = dollarsFor(report, ({ cost, fallbackOnlyCost }) => [cost, fallbackOnlyCost]);
  return shownOf(report, [
    nameColumn(report),
    { title: 'requests', field: 'requests', align: right, cell: ({ requests }) => whole(requests) },
    { title: 'share', field: 'share', align: right, cell: ({ share }) => percent(share) },
    { title: 'fallback', field: 'fallback_rate', align: right, cell: ({ fallbackRate }) => percent(fallbackRate) },
    {
      title: 'errors',
      field: 'errors',
      align: right,
      cell: ({ errors }) => (errors > 0 ? { text: whole(errors), tone: 'bad' } : '0'),
      shownIf: ({ errors }) => errors > 0,
    },
    {
      title: 'cached',
      field: 'cache_hits',
      align: right,
      cell: ({ cacheHits }) => whole(cacheHits),
      shownIf: ({ cacheHits }) => cacheHits > 0,
    },
    { title: 'tokens in', field: 'input_tokens', align: right, cell: ({ inputTokens }) => whole(inputTokens) },
    { title: 'out', field: 'output_tokens', align: right, cell: ({ outputTokens }) => whole(outputTokens) },
    { title: 'cost', field: 'cost_usd', align: right, cell: ({ cost }) => dollars(cost) },
    {
      title: 'unpriced',
      field: 'unpriced_requests',
      align: right,
      cell: ({ unpriced }) => (unpriced > 0 ? { text: whole(unpriced), tone: 'unsure' } : '0'),
      shownIf: ({ unpriced }) => unpriced > 0,
    },
    {
      title: 'embedding',
      field: 'embedding_usd',
      align: right,
      cell: ({ embeddingCost }) => dollars(embeddingCost),
      shownIf: ({ embeddingCost }) => embeddingCost > 0n,
    },
    {
      title: 'fallback only',
      field: 'fallback_only_usd',
      align: right,
      cell: ({ fallbackOnlyCost }) => dollars(fallbackOnlyCost),
    },
    { title: 'saving', field: 'saving_usd', align: right, cell: ({ saving }) => signed(saving, dollars(saving)) },
    {
      title: '%',
      field: 'saving_rate',
      align: right,
      cell: ({ saving, savingRate }) => signed(saving, percent(savingRate)),
    },
    { title: 'added p50 ms', field: 'added_p50_ms', align: right, cell: ({ addedP50Ms }) => milliseconds(addedP50Ms) },
    { title: 'p99', field: 'added_p99_ms', align: right, cell: ({ addedP99Ms }) => milliseconds(addedP99Ms) },
    {
      title: 'first byte p50',
      field: 'first_byte_p50_ms',
      align: right,
      cell: ({ firstByteP50Ms }) => milliseconds(firstByteP50Ms),
    },
  ]);
}

/** Empty when nobody has judged anything: a table of dashes says less than the note that says so. */
export function outcomeColumns(report: Report): readonly ReportColumn[] {
  const { total } = report;
  if (Object.keys(total.outcomes.sources).length === 0) return [];
  const dollars = dollarsFor(report, ({ outcomes: { perAccepted, fallbackPerAccepted } }) => [
    perAccepted?.value ?? null,
    fallbackPerAccepted?.value ?? null,
  ]);
  return shownOf(report, [
    nameColumn(report),
    { title: 'answers', field: 'answers', align: right, cell: ({ outcomes }) => whole(outcomes.answers) },
    {
      title: 'labelled',
      field: 'labelled_share',
      align: right,
      cell: ({ outcomes }) => percent(outcomes.labelledShare),
    },
    {
      title: 'failed checks',
      field: 'failed_checks',
      align: right,
      cell: ({ outcomes }) => whole(outcomes.failedChecks),
      shownIf: ({ outcomes }) => outcomes.failedChecks > 0,
    },
    {
      title: 'asked again',
      field: 'asked_again',
      align: right,
      cell: ({ reasks }) => whole(reasks),
      shownIf: ({ reasks }) => reasks > 0,
    },
    { title: 'accepted, est.', field: 'accepted_estimate', align: right, cell: acceptedCell },
    {
      title: 'per accepted',
      field: 'usd_per_accepted',
      align: right,
      cell: ({ outcomes }) => dollars(outcomes.perAccepted?.value ?? null),
    },
    {
      title: '95% from',
      field: 'usd_per_accepted_low',
      align: right,
      cell: ({ outcomes }) => dollars(outcomes.perAccepted?.low ?? null),
    },
    {
      title: 'to',
      field: 'usd_per_accepted_high',
      align: right,
      cell: ({ outcomes }) => dollars(outcomes.perAccepted?.high ?? null),
    },
    {
      title: 're-weighted',
      field: 'reweighted_usd_per_accepted',
      align: right,
      cell: ({ outcomes }) => leaning(outcomes.bias.length > 0, dollars(outcomes.reweighted?.value ?? null)),
    },
    {
      title: 'fallback alone',
      field: 'fallback_usd_per_accepted',
      align: right,
      cell: ({ outcomes }) => dollars(outcomes.fallbackPerAccepted?.value ?? null),
    },
    {
      title: 'saving',
      field: 'saving_usd_per_accepted',
      align: right,
      cell: ({ outcomes }) => signed(outcomes.savingPerAccepted, dollars(outcomes.savingPerAccepted)),
    },
  ]);
}

/** `Judged by: feedback 1,204, check 31, of 24,310 answers.`; empty when nobody has. */
export function judgedBy({ outcomes }: ReportRow): string {
  const sources = Object.entries(outcomes.sources).sort((a, b) => b[1] - a[1]);
  if (sources.length === 0) return '';
  return `Judged by: ${sources.map(([name, count]) => `${name} ${whole(count)}`).join(', ')}, of ${whole(outcomes.answers)} answers.`;
}

/** `2026-01-01 00:00 to 2026-01-08 00:00 UTC`. */
export function periodText({ sinceMs, untilMs }: Pick<Report, 'sinceMs' | 'untilMs'>): string {
  return `${isoMinute(sinceMs)} to ${isoMinute(untilMs)} UTC`;
}

function nameColumn(report: Report): ReportColumn {
  return { title: report.by, field: 'name', cell: ({ name }) => name, maxWidth: 40 };
}

function shownOf({ rows, total }: Report, columns: readonly ReportColumn[]): readonly ReportColumn[] {
  const all = [...rows, total];
  return columns.filter(({ shownIf }) => shownIf === undefined || all.some(shownIf));
}

function acceptedCell({ outcomes: { acceptedEstimate, answers } }: ReportRow): string {
  return acceptedEstimate === null ? unknown : percent(acceptedEstimate.value / answers);
}

/** The star stands for the note that says where feedback leans. */
function leaning(leans: boolean, text: string): Cell {
  return leans ? { text: `${text} *`, tone: 'unsure' } : text;
}

const unknown = '–';

/** One number of digits for the whole table, so that its columns can be compared: two once dollars are in the hundreds. */
export function dollarsFor(
  { rows, total }: Pick<Report, 'rows' | 'total'>,
  amountsOf: (row: ReportRow) => readonly (NanoUsd | null)[],
): (amount: NanoUsd | null) => string {
  const amounts = [...rows, total].flatMap(amountsOf);
  const { digits } = scales.find(({ from }) => amounts.some((amount) => amount !== null && amount >= from)) ?? finest;
  return (amount) => (amount === null ? unknown : formatUsd(amount, digits));
}

const scales = [
  { from: 100_000_000_000n, digits: 2 },
  { from: 1_000_000_000n, digits: 4 },
  { from: 1_000_000n, digits: 6 },
] as const;
const finest = { digits: 8 } as const;

export function signed(saving: NanoUsd | null, text: string): Cell {
  if (saving === null || saving === 0n) return text;
  return { text, tone: saving > 0n ? 'good' : 'bad' };
}

export function percent(share: number | null): string {
  return share === null ? unknown : `${(share * 100).toFixed(1)}%`;
}

export function whole(count: number): string {
  return count.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

function milliseconds(value: number | null): string {
  if (value === null) return unknown;
  return value < 10 ? value.toFixed(3) : value.toFixed(1);
}

function isoMinute(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ');
}
