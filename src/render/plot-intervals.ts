/** A figure with its interval for each of many names, under each other, and a mark to hold it against. */
import { escapeHtml } from './html-page.ts';
import { legend } from './plot-legend.ts';
import { scaleFor } from './plot-scale.ts';

export interface IntervalRow {
  readonly name: string;
  /** null: not known. */
  readonly value: number | null;
  readonly low: number;
  /** null: without an upper end. */
  readonly high: number | null;
  readonly mark: number | null;
  readonly words: string;
}

export interface IntervalPlot {
  readonly title: string;
  readonly description: string;
  readonly rows: readonly IntervalRow[];
  readonly valueName: string;
  readonly markName: string;
  readonly tick: (value: number) => string;
}

const width = 480;
const left = 150;
const right = 40;
const rowHeight = 24;
const longestName = 20;
/** One row that nobody knows much about must not press all others against the left. */
const widest = 2.5;

export function intervalPlot(plot: IntervalPlot): string {
  const centres = plot.rows.flatMap(({ value, mark, low }) => [value ?? low, mark ?? 0]);
  const ends = plot.rows.map(({ high }) => high ?? 0);
  const scale = scaleFor(Math.min(Math.max(0, ...centres) * widest, Math.max(0, ...centres, ...ends)));
  const height = plot.rows.length * rowHeight + 26;
  const x = (value: number) => left + (Math.min(value, scale.top) / scale.top) * (width - left - right);
  const ticks = scale.ticks.map(
    (tick) =>
      `<line class="axis" x1="${x(tick).toFixed(1)}" x2="${x(tick).toFixed(1)}" y1="0" y2="${height - 20}"/><text x="${x(tick).toFixed(1)}" y="${height - 5}" text-anchor="middle">${escapeHtml(plot.tick(tick))}</text>`,
  );
  const rows = plot.rows.map((row, i) => rowOf(row, { y: i * rowHeight + rowHeight / 2, x, top: scale.top }));
  return `<figure><figcaption>${escapeHtml(plot.title)}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(plot.description)}">
${[...ticks, ...rows].join('\n')}
</svg>${legend([
    { name: plot.valueName, style: 'fill-one' },
    { name: plot.markName, style: 'stroke-two' },
  ])}</figure>`;
}

function rowOf(row: IntervalRow, at: { y: number; x: (value: number) => number; top: number }): string {
  const { y, x } = at;
  const open = row.high === null || row.high > at.top;
  const end = x(row.high ?? at.top);
  const mark =
    row.mark === null
      ? ''
      : `<line class="stroke-two" x1="${x(row.mark).toFixed(1)}" x2="${x(row.mark).toFixed(1)}" y1="${y - 8}" y2="${y + 8}"/>`;
  const dot = row.value === null ? '' : `<circle class="fill-one" cx="${x(row.value).toFixed(1)}" cy="${y}" r="4"/>`;
  const tip = open
    ? `<path class="line one" d="M${(end - 5).toFixed(1)} ${y - 4}L${end.toFixed(1)} ${y}L${(end - 5).toFixed(1)} ${y + 4}"/>`
    : '';
  const name = row.name.length > longestName ? `${row.name.slice(0, longestName - 1)}…` : row.name;
  return `<g><title>${escapeHtml(row.words)}</title><text x="${left - 8}" y="${y + 4}" text-anchor="end">${escapeHtml(name)}</text><line class="line one" x1="${x(row.low).toFixed(1)}" x2="${end.toFixed(1)}" y1="${y}" y2="${y}"/>${tip}${mark}${dot}</g>`;
}
