/** Comma-separated values (RFC 4180), safe to open in a spreadsheet. Lists and counts by name become text. */

export type CsvValue = string | number | null | readonly string[] | Readonly<Record<string, number>>;

/** The first column holds names, which come from clients. */
export function csvText(lines: readonly (readonly CsvValue[])[]): string {
  return `${lines.map((line) => line.map(csvField).join(',')).join('\r\n')}\r\n`;
}

function csvField(value: CsvValue, index: number): string {
  const plain = plainText(value);
  // A spreadsheet must not take a tag or a model's name for a formula; negative numbers stand in other columns.
  const text = (index === 0 || typeof value === 'object') && /^[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** `key; score`, `feedback 120; check 3`. */
function plainText(value: CsvValue): string {
  if (value === null) return '';
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return value.join('; ');
  return Object.entries(value)
    .map(([name, count]) => `${name} ${count}`)
    .join('; ');
}
