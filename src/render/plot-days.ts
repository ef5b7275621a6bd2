/** Amounts by day as stacked bars, with a line over them to hold them against. Self-contained SVG, described in words. */
import { escapeHtml } from './html-page.ts';
import { fillOf, type LegendEntry, legend } from './plot-legend.ts';
import type { Scale } from './plot-scale.ts';

export interface DayPlot {
  readonly title: string;
  /** One sentence: what the plot shows, for those who do not see it. */
  readonly description: string;
  readonly days: readonly string[];
  /** Stacked from the bottom; one value a day. */
  readonly layers: readonly { readonly name: string; readonly values: readonly number[]; readonly style?: string }[];
  readonly line?: { readonly name: string; readonly values: readonly number[] };
  readonly scale: Scale;
  readonly tick: (value: number) => string;
  /** Of one day, for the pointer. */
  readonly words: (day: number) => string;
}

const width = 480;
const height = 260;
const frame = { left: 64, right: 8, top: 10, bottom: 24 };
const mostDayLabels = 6;

export function dayPlot(plot: DayPlot): string {
  const { days, scale } = plot;
  const step = (width - frame.left - frame.right) / Math.max(1, days.length);
  const x = (day: number) => frame.left + day * step;
  const y = (value: number) => height - frame.bottom - (value / scale.top) * (height - frame.top - frame.bottom);
  const content = [
    ...scale.ticks.map((tick) => axisLine(y(tick), plot.tick(tick))),
    ...days.map((_, day) => bar(plot, { day, x: x(day), width: step, y })),
    ...(plot.line === undefined ? [] : [stepLine(plot.line.values, { x, y })]),
    ...dayLabels(days, x, step),
  ];
  const entries: LegendEntry[] = plot.layers.map(({ name, style }, i) => ({ name, style: style ?? fillOf(i) }));
  if (plot.line !== undefined) entries.push({ name: plot.line.name, style: 'stroke-ink' });
  return `<figure><figcaption>${escapeHtml(plot.title)}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(plot.description)}">
${content.join('\n')}
</svg>${legend(entries)}</figure>`;
}

function axisLine(y: number, text: string): string {
  return `<line class="axis" x1="${frame.left}" x2="${width - frame.right}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}"/><text x="${frame.left - 6}" y="${(y + 4).toFixed(1)}" text-anchor="end">${escapeHtml(text)}</text>`;
}

function bar(
  { layers, words }: DayPlot,
  at: { day: number; x: number; width: number; y: (value: number) => number },
): string {
  const gap = at.width > 4 ? 1 : 0;
  let below = 0;
  const parts = layers.map(({ values, style }, i) => {
    const from = at.y(below);
    below += values[at.day];
    const tall = from - at.y(below);
    if (tall <= 0) return '';
    return `<rect class="${style ?? fillOf(i)}" x="${(at.x + gap).toFixed(1)}" y="${(from - tall).toFixed(1)}" width="${Math.max(0.5, at.width - 2 * gap).toFixed(1)}" height="${tall.toFixed(1)}"/>`;
  });
  return `<g><title>${escapeHtml(words(at.day))}</title>${parts.join('')}</g>`;
}

/** A level for each day: between two days there is nothing to slope over. */
function stepLine(
  values: readonly number[],
  { x, y }: { x: (day: number) => number; y: (value: number) => number },
): string {
  const path = values.map(
    (value, day) => `${day === 0 ? 'M' : 'L'}${x(day).toFixed(1)} ${y(value).toFixed(1)}H${x(day + 1).toFixed(1)}`,
  );
  return `<path class="line stroke-ink" d="${path.join('')}"/>`;
}

function dayLabels(days: readonly string[], x: (day: number) => number, step: number): string[] {
  const every = Math.max(1, Math.ceil(days.length / mostDayLabels));
  return days.flatMap((day, i) =>
    i % every === 0
      ? [
          `<text x="${(x(i) + step / 2).toFixed(1)}" y="${height - 6}" text-anchor="middle">${escapeHtml(day.slice(5))}</text>`,
        ]
      : [],
  );
}
