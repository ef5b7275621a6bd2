/**
 * Tables, bars and sparklines for the terminal, as strings; nothing here writes. A cell is a text, or a text with a
 * tone; the table measures the text and adds the colour afterwards, so that alignment never depends on escape codes.
 *
 *     ┌─────────────┬──────────┐
 *     │ route       │ requests │
 *     ├─────────────┼──────────┤
 *     │ translation │      412 │
 *     └─────────────┴──────────┘
 */
import { displayWidth, printable, shorten } from './display-width.ts';

const tones = { strong: '1', dim: '2', bad: '31', good: '32', unsure: '33', accent: '36' } as const;
export type Tone = keyof typeof tones;

export type Cell = string | { readonly text: string; readonly tone: Tone };

export interface Column {
  readonly title: string;
  /** Numbers go right. Left when absent. */
  readonly align?: 'left' | 'right';
  /** Longer cells are cut with an ellipsis. */
  readonly maxWidth?: number;
}

export interface TableOptions {
  /** From `wantsColour`; plain when absent. */
  readonly colour?: boolean;
  /** Rows below a second rule: totals. */
  readonly footer?: readonly (readonly Cell[])[];
}

/** Colour belongs on a terminal whose user did not switch it off (https://no-color.org). */
export function wantsColour(
  stream: { readonly isTTY?: boolean },
  env: { readonly NO_COLOR?: string; readonly TERM?: string },
): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}

/** `text` in the tone's colour; unchanged when `colour` is false. */
export function paint(text: string, tone: Tone, colour: boolean): string {
  return colour ? `\u001b[${tones[tone]}m${text}\u001b[0m` : text;
}

/** Ends without a newline. Cells missing at the end of a row are empty. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  options: TableOptions = {},
): string {
  const { colour = false, footer = [] } = options;
  const body = rows.map((row) => fitRow(columns, row));
  const foot = footer.map((row) => fitRow(columns, row));
  const widths = columns.map((column, i) =>
    [...body, ...foot].reduce((width, row) => Math.max(width, displayWidth(row[i].text)), displayWidth(column.title)),
  );
  const line = (cells: readonly FittedCell[]) =>
    `│${cells.map((cell, i) => ` ${place(cell, widths[i], { align: columns[i].align, colour })} `).join('│')}│`;
  const rule = (left: string, middle: string, right: string) =>
    left + widths.map((width) => '─'.repeat(width + 2)).join(middle) + right;
  const head = columns.map(({ title }) => ({ text: title, tone: 'strong' as const }));
  return [
    rule('┌', '┬', '┐'),
    line(head),
    rule('├', '┼', '┤'),
    ...body.map(line),
    ...(foot.length > 0 ? [rule('├', '┼', '┤'), ...foot.map(line)] : []),
    rule('└', '┴', '┘'),
  ].join('\n');
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A horizontal bar of exactly `width` columns, filled up to `value ÷ max`, in eighths of a column. */
export function bar(value: number, max: number, width: number): string {
  const share = max > 0 && value > 0 ? Math.min(1, value / max) : 0;
  const filled = Math.round(share * width * 8);
  const text = '█'.repeat(filled >> 3) + eighths[filled & 7];
  return text.padEnd(width);
}

const levels = '▁▂▃▄▅▆▇█';

/** One character a value, scaled from the least to the greatest; null (no figure) is a blank. */
export function sparkline(values: readonly (number | null)[]): string {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  const least = known.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const span = known.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - least;
  return values
    .map((value) => {
      if (value === null || !Number.isFinite(value)) return ' ';
      return levels[span > 0 ? Math.round(((value - least) / span) * 7) : 3];
    })
    .join('');
}

interface FittedCell {
  readonly text: string;
  readonly tone: Tone | null;
}

function fitRow(columns: readonly Column[], row: readonly Cell[]): FittedCell[] {
  return columns.map((column, i) => {
    const cell = row[i] ?? '';
    const text = printable(typeof cell === 'string' ? cell : cell.text);
    return {
      text: column.maxWidth === undefined ? text : shorten(text, column.maxWidth),
      tone: typeof cell === 'string' ? null : cell.tone,
    };
  });
}

function place(
  cell: FittedCell,
  width: number,
  look: { readonly align: Column['align']; readonly colour: boolean },
): string {
  const space = ' '.repeat(width - displayWidth(cell.text));
  const text = cell.tone === null ? cell.text : paint(cell.text, cell.tone, look.colour);
  return look.align === 'right' ? space + text : text + space;
}
