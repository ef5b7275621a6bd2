/**
 * A report for other programs: JSON and CSV, with the same names in both. Dollars are decimal strings with all nine
 * digits: exact, and no reader makes a float of them unasked. Empty (CSV) and null (JSON) mean unknown.
 */
import type { NanoUsd } from '../base/money.ts';
import type { Report, ReportRow } from '../ledger/report.ts';

export function reportJson(report: Report): string {
  const document = {
    since: new Date(report.sinceMs).toISOString(),
    until: new Date(report.untilMs).toISOString(),
    by: report.by,
    rows: report.rows.map(fieldsOf),
    total: fieldsOf(report.total),
    notes: report.notes,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** RFC 4180; the total is the last line. */
export function reportCsv(report: Report): string {
  const header = Object.keys(fieldsOf(report.total));
  const lines = [...report.rows, report.total].map((row) => Object.values(fieldsOf(row)).map(csvField).join(','));
  return `${[[report.by, ...header.slice(1)].join(','), ...lines].join('\r\n')}\r\n`;
}

function fieldsOf(row: ReportRow) {
  return {
    name: row.name,
    requests: row.requests,
    share: row.share,
    fallback_rate: row.fallbackRate,
    errors: row.errors,
    cache_hits: row.cacheHits,
    input_tokens: row.inputTokens,
    cached_input_tokens: row.cachedInputTokens,
    output_tokens: row.outputTokens,
    reasoning_tokens: row.reasoningTokens,
    estimated_requests: row.estimated,
    cost_usd: exactUsd(row.cost),
    unpriced_requests: row.unpriced,
    fallback_only_usd: exactUsd(row.fallbackOnlyCost),
    saving_usd: exactUsd(row.saving),
    saving_rate: row.savingRate,
    added_p50_ms: row.addedP50Ms,
    added_p99_ms: row.addedP99Ms,
    first_byte_p50_ms: row.firstByteP50Ms,
  };
}

function exactUsd(amount: NanoUsd | null): string | null {
  if (amount === null) return null;
  const digits = (amount < 0n ? -amount : amount).toString().padStart(10, '0');
  return `${amount < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

/** Tags and model names come from clients: a spreadsheet must not take one for a formula. */
function csvField(value: string | number | null, index: number): string {
  if (value === null) return '';
  const text = index === 0 && /^[=+\-@\t\r]/.test(String(value)) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
