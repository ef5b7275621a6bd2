/** Comma-separated values (RFC 4180), safe to open in a spreadsheet. Lists and counts by name become text. */

export type CsvValue = string | number | boolean | null | readonly string[] | Readonly<Record<string, number>>;

/** With its line end. */
export function csvLine(values: readonly CsvValue[]): string {
  return `${values.map(csvField).join(',')}\r\n`;
}

function csvField(value: CsvValue): string {
  const plain = plainText(value);
  // Names, tags and models come from clients: a spreadsheet must not take one for a formula. A negative number is none.
  const text = /^[=+\-@\t\r]/.test(plain) && !/^-?\d+(\.\d+)?(e-?\d+)?$/.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** `key score`, `feedback 120; check 3`. */
function plainText(value: CsvValue): string {
  if (value === null) return '';
  if (typeof value !== 'object') return String(value);
  if (isList(value)) return value.join(' ');
  return Object.entries(value)
    .map(([name, count]) => `${name} ${count}`)
    .join('; ');
}

function isList(value: readonly string[] | Readonly<Record<string, number>>): value is readonly string[] {
  return Array.isArray(value);
}
