/** A cost report for the terminal: what was spent, what came of it, and what one must know to read both. */
import type { Report, ReportRow } from '../ledger/report-form.ts';
import { costColumns, judgedBy, outcomeColumns, periodText, type ReportColumn } from './report-columns.ts';
import { paint, renderTable } from './table.ts';

export function reportTable(report: Report, colour: boolean): string {
  const outcomes = outcomeColumns(report);
  const parts = [
    paint(`${periodText(report)}, by ${report.by}`, 'dim', colour),
    tableOf(report, costColumns(report), colour),
    ...(outcomes.length === 0 ? [] : [tableOf(report, outcomes, colour), paint(judgedBy(report.total), 'dim', colour)]),
    ...report.notes.map((note) => paint(note, 'dim', colour)),
  ];
  return `${parts.join('\n')}\n`;
}

function tableOf(report: Report, columns: readonly ReportColumn[], colour: boolean): string {
  const line = (row: ReportRow) => columns.map(({ cell }) => cell(row));
  return renderTable(columns, report.rows.map(line), { colour, footer: [line(report.total)] });
}
