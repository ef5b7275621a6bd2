/**
 * CSV (RFC 4180) from lines to records: quoted fields, doubled quotes, line breaks inside quotes. The first record names
 * the columns. The separator is a comma, or a semicolon or tab when the header has those and no comma.
 */
import { ShuntError } from '../base/errors.ts';

export interface CsvRecord {
  readonly fields: Readonly<Record<string, string>>;
  /** Of its first line, 1-based. */
  readonly line: number;
}

/** Throws `bad_data` with file and line. */
export async function* csvRecords(
  file: string,
  lines: AsyncIterable<{ readonly text: string; readonly line: number }>,
): AsyncGenerator<CsvRecord> {
  let header: readonly string[] | null = null;
  let separator = ',';
  let open: { text: string; line: number } | null = null;
  for await (const { text, line } of lines) {
    const record: { text: string; line: number } = open
      ? { text: `${open.text}\n${text}`, line: open.line }
      : { text, line };
    if (record.text.trim() === '') continue;
    if (header === null) separator = separatorOf(record.text);
    // An odd number of quotes: the record goes on in the next line.
    if ((record.text.split('"').length - 1) % 2 === 1) {
      open = record;
      continue;
    }
    open = null;
    const values = splitRecord(record.text, separator);
    if (header === null) {
      header = values.map((name) => name.trim());
      continue;
    }
    if (values.length !== header.length) {
      const problem = `the row has ${values.length} fields, the header ${header.length}`;
      throw new ShuntError(
        'bad_data',
        `${file}:${record.line}: ${problem}. Quote fields that hold a separator or a line break.`,
      );
    }
    yield { fields: Object.fromEntries(header.map((name, i) => [name, values[i]])), line: record.line };
  }
  if (open)
    throw new ShuntError(
      'bad_data',
      `${file}:${open.line}: a quote is never closed. Close it, or double it inside a field.`,
    );
}

function separatorOf(header: string): string {
  if (header.includes(',')) return ',';
  return header.includes('\t') ? '\t' : header.includes(';') ? ';' : ',';
}

function splitRecord(text: string, separator: string): string[] {
  const values: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      let end = at + 1;
      while (end < text.length && (text[end] !== '"' || text[end + 1] === '"')) end += text[end] === '"' ? 2 : 1;
      values.push(text.slice(at + 1, end).replaceAll('""', '"'));
      at = text.indexOf(separator, end);
    } else {
      const end = text.indexOf(separator, at);
      values.push(text.slice(at, end < 0 ? undefined : end));
      at = end;
    }
    if (at < 0) return values;
    at++;
  }
}
