/** A confusion matrix as a heat map: a row for what is right, a column for what was decided, darker for a larger share. */
import { escapeHtml } from './html-page.ts';

export interface HeatMap {
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** counts[row][column]. */
  readonly counts: readonly (readonly number[])[];
  readonly description: string;
}

const cell = 30;
const label = 150;
/** Column names are turned by 60°: the last one leans out to the right by half its length, here of 22 letters. */
const lean = 90;

export function heatMap({ rows, columns, counts, description }: HeatMap): string {
  const width = label + columns.length * cell + lean;
  const height = label + rows.length * cell + 8;
  const cells = rows.flatMap((row, r) => {
    const total = Math.max(
      1,
      counts[r].reduce((sum, count) => sum + count, 0),
    );
    return columns.map((column, c) =>
      cellOf({
        row,
        column,
        count: counts[r][c],
        share: counts[r][c] / total,
        x: label + c * cell,
        y: label + r * cell,
      }),
    );
  });
  const names = [
    ...rows.map(
      (name, r) =>
        `<text x="${label - 6}" y="${label + r * cell + 19}" text-anchor="end">${escapeHtml(cut(name))}</text>`,
    ),
    ...columns.map(
      (name, c) =>
        `<text transform="translate(${label + c * cell + 19} ${label - 6}) rotate(-60)">${escapeHtml(cut(name))}</text>`,
    ),
  ];
  // Not wider than it need be: a small matrix blown up is no clearer.
  return `<figure style="max-width:${Math.round(width * 1.2)}px"><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(description)}">
${names.join('\n')}
${cells.join('\n')}
</svg></figure>`;
}

function cellOf(at: { row: string; column: string; count: number; share: number; x: number; y: number }): string {
  const depth = at.count === 0 ? 0 : (0.12 + 0.6 * at.share).toFixed(2);
  const text =
    at.count === 0
      ? ''
      : `<text x="${at.x + cell / 2}" y="${at.y + 19}" text-anchor="middle" style="fill:var(--ink);font-size:11px">${at.count}</text>`;
  const words = `right: ${at.row}, decided: ${at.column}, ${at.count} rows`;
  return `<g><title>${escapeHtml(words)}</title><rect class="cell" style="--depth:${depth}" x="${at.x}" y="${at.y}" width="${cell}" height="${cell}"/>${text}</g>`;
}

function cut(name: string): string {
  return name.length > 22 ? `${name.slice(0, 21)}…` : name;
}
