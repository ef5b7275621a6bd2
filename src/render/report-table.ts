/** A cost report for the terminal. Rounding happens here and nowhere else. */
import { formatUsd, type NanoUsd } from '../base/money.ts';
import type { Report, ReportRow } from '../ledger/report.ts';
import { type Cell, type Column, paint, renderTable } from './table.ts';

interface ReportColumn extends Column {
  readonly cell: (row: ReportRow) => Cell;
  /** Left out where no row has anything to say. */
  readonly shownIf?: (row: ReportRow) => boolean;
}

export function reportTable(report: Report, colour: boolean): string {
  const all = [...report.rows, report.total];
  const columns = columnsFor(report).filter(({ shownIf }) => shownIf === undefined || all.some(shownIf));
  const line = (row: ReportRow) => columns.map(({ cell }) => cell(row));
  const table = renderTable(columns, report.rows.map(line), { colour, footer: [line(report.total)] });
  const period = `${isoMinute(report.sinceMs)} to ${isoMinute(report.untilMs)} UTC, by ${report.by}`;
  return [paint(period, 'dim', colour), table, ...report.notes.map((note) => paint(note, 'dim', colour)), ''].join(
    '\n',
  );
}

function columnsFor(report: Report): readonly ReportColumn[] {
  const dollars = dollarsWith(digitsFor([...report.rows, report.total]));
  const right = 'right' as const;
  return [
    { title: report.by, cell: ({ name }) => name, maxWidth: 40 },
    { title: 'requests', align: right, cell: ({ requests }) => whole(requests) },
    { title: 'share', align: right, cell: ({ share }) => percent(share) },
    { title: 'fallback', align: right, cell: ({ fallbackRate }) => percent(fallbackRate) },
    {
      title: 'errors',
      align: right,
      cell: ({ errors }) => (errors > 0 ? { text: whole(errors), tone: 'bad' } : '0'),
      shownIf: ({ errors }) => errors > 0,
    },
    {
      title: 'cached',
      align: right,
      cell: ({ cacheHits }) => whole(cacheHits),
      shownIf: ({ cacheHits }) => cacheHits > 0,
    },
    { title: 'tokens in', align: right, cell: ({ inputTokens }) => whole(inputTokens) },
    { title: 'out', align: right, cell: ({ outputTokens }) => whole(outputTokens) },
    { title: 'cost', align: right, cell: ({ cost }) => dollars(cost) },
    {
      title: 'unpriced',
      align: right,
      cell: ({ unpriced }) => (unpriced > 0 ? { text: whole(unpriced), tone: 'unsure' } : '0'),
      shownIf: ({ unpriced }) => unpriced > 0,
    },
    { title: 'fallback only', align: right, cell: ({ fallbackOnlyCost }) => dollars(fallbackOnlyCost) },
    { title: 'saving', align: right, cell: ({ saving }) => signed(saving, dollars(saving)) },
    { title: '%', align: right, cell: ({ saving, savingRate }) => signed(saving, percent(savingRate)) },
    { title: 'added p50 ms', align: right, cell: ({ addedP50Ms }) => milliseconds(addedP50Ms) },
    { title: 'p99', align: right, cell: ({ addedP99Ms }) => milliseconds(addedP99Ms) },
    { title: 'first byte p50', align: right, cell: ({ firstByteP50Ms }) => milliseconds(firstByteP50Ms) },
  ];
}

const unknown = '–';

/** One number of digits for the whole table, so that its columns can be compared: two once dollars are in the hundreds. */
function digitsFor(rows: readonly ReportRow[]): number {
  const amounts = rows.flatMap(({ cost, fallbackOnlyCost }) => [cost ?? 0n, fallbackOnlyCost ?? 0n]);
  if (amounts.some((amount) => amount >= 100_000_000_000n)) return 2;
  return amounts.some((amount) => amount >= 1_000_000_000n) ? 4 : 6;
}

function dollarsWith(digits: number): (amount: NanoUsd | null) => string {
  return (amount) => (amount === null ? unknown : formatUsd(amount, digits));
}

function signed(saving: NanoUsd | null, text: string): Cell {
  if (saving === null || saving === 0n) return text;
  return { text, tone: saving > 0n ? 'good' : 'bad' };
}

function percent(share: number | null): string {
  return share === null ? unknown : `${(share * 100).toFixed(1)}%`;
}

function whole(count: number): string {
  return count.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

function milliseconds(value: number | null): string {
  if (value === null) return unknown;
  return value < 10 ? value.toFixed(3) : value.toFixed(1);
}

function isoMinute(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ');
}
