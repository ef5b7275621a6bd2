/** Two reports side by side, in every form: the terminal's table, JSON, CSV, and the table of the page. */
import type { NanoUsd } from '../base/money.ts';
import type { ComparedRow, Comparison } from '../ledger/compare-reports.ts';
import type { ReportRow } from '../ledger/report-form.ts';
import { csvLine } from './csv.ts';
import { dollarsFor, percent, periodText, signed, whole } from './report-columns.ts';
import { reportDocument } from './report-export.ts';
import { exactUsd } from './report-fields.ts';
import { type Cell, type Column, paint, renderTable } from './table.ts';

export function comparisonTable(comparison: Comparison, colour: boolean): string {
  const { columns, rows, total } = comparedCells(comparison);
  const line = (cells: readonly ComparedCell[]) => cells.map(({ cell }) => cell);
  return [
    paint(comparedPeriods(comparison), 'dim', colour),
    renderTable(columns, rows.map(line), { colour, footer: [line(total)] }),
    ...comparison.after.notes.map((note) => paint(note, 'dim', colour)),
    '',
  ].join('\n');
}

export function comparisonJson(comparison: Comparison): string {
  const { before, after, rows, total } = comparison;
  const document = {
    before: reportDocument(before),
    after: reportDocument(after),
    changes: rows.map(changeFields),
    total_change: changeFields(total),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** A line for each name: before, after and change of each figure. The total is the last line. */
export function comparisonCsv({ after, rows, total }: Comparison): string {
  const lines = [...rows, total].map(changeFields);
  const header = [after.by, ...Object.keys(lines[0]).slice(1)];
  return [header, ...lines.map((line) => Object.values(line))].map(csvLine).join('');
}

export function comparedPeriods({ before, after }: Comparison): string {
  return `before: ${periodText(before)}; after: ${periodText(after)}, by ${after.by}`;
}

function changeFields({ name, before, after, change }: ComparedRow) {
  return {
    name,
    before_requests: before?.requests ?? 0,
    after_requests: after?.requests ?? 0,
    change_requests: change.requests,
    before_cost_usd: exactUsd(costOf(before)),
    after_cost_usd: exactUsd(costOf(after)),
    change_cost_usd: exactUsd(change.cost),
    before_saving_usd: exactUsd(savingOf(before)),
    after_saving_usd: exactUsd(savingOf(after)),
    change_saving_usd: exactUsd(change.saving),
    before_fallback_rate: before?.fallbackRate ?? null,
    after_fallback_rate: after?.fallbackRate ?? null,
    change_fallback_rate: change.fallbackRate,
    before_usd_per_accepted: exactUsd(before?.outcomes.perAccepted?.value ?? null),
    after_usd_per_accepted: exactUsd(after?.outcomes.perAccepted?.value ?? null),
    change_usd_per_accepted: exactUsd(change.perAccepted?.value ?? null),
    change_usd_per_accepted_low: exactUsd(change.perAccepted?.low ?? null),
    change_usd_per_accepted_high: exactUsd(change.perAccepted?.high ?? null),
  };
}

export interface ComparedCell {
  readonly cell: Cell;
  /** The exact figure, under its name in JSON. */
  readonly value: string;
}

/** The table's cells, each with its exact figure; for the terminal and the page alike. */
export function comparedCells(comparison: Comparison) {
  const { before, after } = comparison;
  const both = { rows: [...before.rows, ...after.rows, before.total], total: after.total };
  const dollars = dollarsFor(both, ({ cost }) => [cost]);
  const small = dollarsFor(both, ({ outcomes }) => [outcomes.perAccepted?.value ?? null]);
  const right = (title: string): Column => ({ title, align: 'right' });
  const columns: Column[] = [
    { title: after.by, maxWidth: 40 },
    ...['requests before', 'after', 'cost before', 'after', 'change', 'saving before', 'after'].map(right),
    ...['fallback before', 'after', 'per accepted before', 'after', 'change', '95% from', 'to'].map(right),
  ];
  const cellsOf = (row: ComparedRow): ComparedCell[] => {
    const { change } = row;
    const fields = changeFields(row);
    const money = (amount: NanoUsd | null, exact: string | null, show = dollars) => cell(show(amount), exact);
    const perAccepted = change.perAccepted;
    return [
      cell(row.name, row.name),
      cell(whole(fields.before_requests), fields.before_requests),
      cell(whole(fields.after_requests), fields.after_requests),
      money(costOf(row.before), fields.before_cost_usd),
      money(costOf(row.after), fields.after_cost_usd),
      cell(moved(change.cost, dollars(change.cost)), fields.change_cost_usd),
      cell(signed(savingOf(row.before), dollars(savingOf(row.before))), fields.before_saving_usd),
      cell(signed(savingOf(row.after), dollars(savingOf(row.after))), fields.after_saving_usd),
      cell(percent(fields.before_fallback_rate), fields.before_fallback_rate),
      cell(percent(fields.after_fallback_rate), fields.after_fallback_rate),
      money(row.before?.outcomes.perAccepted?.value ?? null, fields.before_usd_per_accepted, small),
      money(row.after?.outcomes.perAccepted?.value ?? null, fields.after_usd_per_accepted, small),
      cell(certainly(perAccepted, small(perAccepted?.value ?? null)), fields.change_usd_per_accepted),
      money(perAccepted?.low ?? null, fields.change_usd_per_accepted_low, small),
      money(perAccepted?.high ?? null, fields.change_usd_per_accepted_high, small),
    ];
  };
  return { columns, rows: comparison.rows.map(cellsOf), total: cellsOf(comparison.total) };
}

function cell(shown: Cell, exact: string | number | null): ComparedCell {
  return { cell: shown, value: exact === null ? '' : String(exact) };
}

/** More cost is bad news, as less saving is. */
function moved(change: NanoUsd | null, text: string): Cell {
  return signed(change === null ? null : (-change as unknown as NanoUsd), text);
}

/** Coloured only where chance does not explain it. */
function certainly(change: ComparedRow['change']['perAccepted'], text: string): Cell {
  if (change === null || change.high === null || (change.low <= 0n && change.high >= 0n)) return text;
  return moved(change.value, text);
}

function costOf(row: ReportRow | null): NanoUsd | null {
  return row === null ? (0n as NanoUsd) : row.cost;
}

function savingOf(row: ReportRow | null): NanoUsd | null {
  return row === null ? (0n as NanoUsd) : row.saving;
}
