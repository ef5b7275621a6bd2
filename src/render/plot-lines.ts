/** Lines over the unit square as inline SVG. Told apart by dashes as well as by colour; described for screen readers. */
import { escapeHtml } from './html-page.ts';

export interface PlotLine {
  readonly name: string;
  /** x and y in data units; in order of x. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LinePlot {
  readonly title: string;
  /** One sentence: what the plot shows, for those who do not see it. */
  readonly description: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly PlotLine[];
  /** Upper end of y; 1 when absent. */
  readonly top?: number;
  readonly marks?: readonly { readonly x: number; readonly label: string }[];
}

const width = 480;
const height = 300;
const frame = { left: 72, right: 24, top: 28, bottom: 40 };
const strokes = ['one', 'two', 'three', 'four'] as const;

export function linePlot(plot: LinePlot): string {
  const top = plot.top ?? 1;
  const x = (value: number) => frame.left + value * (width - frame.left - frame.right);
  const y = (value: number) => height - frame.bottom - (value / top) * (height - frame.top - frame.bottom);
  const lines = plot.lines.map(({ points }, i) => {
    const path = points.map(
      ([px, py], at) => `${at === 0 ? 'M' : 'L'}${x(px).toFixed(1)} ${y(Math.min(py, top)).toFixed(1)}`,
    );
    return `<path class="line ${strokes[i % strokes.length]}" d="${path.join('')}"/>`;
  });
  const marks = (plot.marks ?? []).map(
    (mark) =>
      `<line class="mark" x1="${x(mark.x)}" x2="${x(mark.x)}" y1="${y(0)}" y2="${y(top)}"/><text x="${x(mark.x) + 4}" y="${y(top) + 12}">${escapeHtml(mark.label)}</text>`,
  );
  const content = [...ticks(x, y, top), ...marks, ...lines, legend(plot.lines), ...axisNames(plot)].join('\n');
  return `<figure><figcaption>${escapeHtml(plot.title)}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(plot.description)}">
${content}
</svg></figure>`;
}

function ticks(x: (value: number) => number, y: (value: number) => number, top: number): string[] {
  return [0, 0.25, 0.5, 0.75, 1].flatMap((part) => [
    `<line class="axis" x1="${x(0)}" x2="${x(1)}" y1="${y(part * top)}" y2="${y(part * top)}"/>`,
    `<text x="${x(0) - 6}" y="${y(part * top) + 4}" text-anchor="end">${percentTick(part * top)}</text>`,
    `<text x="${x(part)}" y="${y(0) + 16}" text-anchor="middle">${percentTick(part)}</text>`,
  ]);
}

function percentTick(value: number): string {
  const points = 100 * value;
  return `${Number.isInteger(points) ? points : points.toFixed(1)}%`;
}

function legend(lines: readonly PlotLine[]): string {
  if (lines.length < 2) return '';
  let at = frame.left;
  return lines
    .map(({ name }, i) => {
      const from = at;
      at += 40 + name.length * 6.5;
      return `<line class="line ${strokes[i % strokes.length]}" x1="${from}" x2="${from + 22}" y1="12" y2="12"/><text x="${from + 27}" y="16">${escapeHtml(name)}</text>`;
    })
    .join('');
}

function axisNames({ x, y }: LinePlot): string[] {
  const middle = (height - frame.bottom + frame.top) / 2;
  return [
    `<text x="${(width + frame.left) / 2}" y="${height - 6}" text-anchor="middle">${escapeHtml(x)}</text>`,
    `<text transform="translate(14 ${middle}) rotate(-90)" text-anchor="middle">${escapeHtml(y)}</text>`,
  ];
}
