/** A report for other programs: JSON and CSV, with the same names in both. Empty (CSV) and null (JSON) mean unknown. */
import type { Report } from '../ledger/report-form.ts';
import { csvLine } from './csv.ts';
import { fieldsOf } from './report-fields.ts';

export function reportJson(report: Report): string {
  return `${JSON.stringify(reportDocument(report), null, 2)}\n`;
}

export function reportDocument(report: Report) {
  return {
    since: new Date(report.sinceMs).toISOString(),
    until: new Date(report.untilMs).toISOString(),
    by: report.by,
    rows: report.rows.map(fieldsOf),
    total: fieldsOf(report.total),
    notes: report.notes,
  };
}

/** The total is the last line. */
export function reportCsv(report: Report): string {
  const header = [report.by, ...Object.keys(fieldsOf(report.total)).slice(1)];
  const lines = [...report.rows, report.total].map((row) => Object.values(fieldsOf(row)));
  return [header, ...lines].map(csvLine).join('');
}
