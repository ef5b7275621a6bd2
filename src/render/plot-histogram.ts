/** Scores of a route's rows as bars: right ones upward, wrong ones downward, the threshold between what is kept and not. */
import { escapeHtml } from './html-page.ts';

export interface Histogram {
  readonly title: string;
  /** Counts by score, equal bins over [0, 1]. */
  readonly right: readonly number[];
  readonly wrong: readonly number[];
  /** null: it is not on this axis. */
  readonly threshold: number | null;
}

const width = 240;
const height = 120;
const foot = 16;

export function histogramPlot({ title, right, wrong, threshold }: Histogram): string {
  const most = Math.max(1, ...right, ...wrong);
  const bins = right.length;
  const mostWrong = Math.max(...wrong) / most;
  // The base line stands where both sides have room.
  const base = 6 + (height - foot - 12) / (1 + mostWrong);
  const scale = (base - 6) / most;
  const step = width / bins;
  const bars = right.flatMap((count, i) => [
    bar('fill-one', { x: i * step, width: step, top: base - count * scale, bottom: base }),
    bar('fill-two', { x: i * step, width: step, top: base, bottom: base + wrong[i] * scale }),
  ]);
  const mark =
    threshold === null
      ? ''
      : `<line class="mark" x1="${(threshold * width).toFixed(1)}" x2="${(threshold * width).toFixed(1)}" y1="2" y2="${height - foot}"/>`;
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  const words = `${title}: scores of ${sum(right)} right and ${sum(wrong)} wrong rows${threshold === null ? '' : `, threshold ${threshold.toFixed(2)}`}`;
  return `<figure><figcaption>${escapeHtml(title)}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(words)}"><title>${escapeHtml(words)}</title>
<line class="axis" x1="0" x2="${width}" y1="${base.toFixed(1)}" y2="${base.toFixed(1)}"/>
${bars.join('')}${mark}
<text x="0" y="${height - 3}">0</text><text x="${width}" y="${height - 3}" text-anchor="end">1</text>
</svg></figure>`;
}

function bar(name: string, box: { x: number; width: number; top: number; bottom: number }): string {
  const tall = box.bottom - box.top;
  if (tall <= 0) return '';
  return `<rect class="${name}" x="${(box.x + 0.5).toFixed(1)}" y="${box.top.toFixed(1)}" width="${(box.width - 1).toFixed(1)}" height="${tall.toFixed(1)}"/>`;
}
