/** Bars that lie, one for each name, of one part or several. */
import { escapeHtml } from './html-page.ts';
import { fillOf, legend } from './plot-legend.ts';

export interface BarPlot {
  readonly title: string;
  readonly description: string;
  /** What the parts of a bar are; a single part needs no legend. */
  readonly parts: readonly string[];
  readonly rows: readonly { readonly name: string; readonly values: readonly number[]; readonly label: string }[];
}

const width = 480;
const left = 150;
const right = 116;
const rowHeight = 24;
const longestName = 20;

export function barPlot({ title, description, parts, rows }: BarPlot): string {
  const lengths = rows.map(({ values }) => values.reduce((total, value) => total + value, 0));
  const most = Math.max(0, ...lengths) || 1;
  const scale = (width - left - right) / most;
  const height = Math.max(1, rows.length) * rowHeight;
  const bars = rows.map(({ name, values, label }, i) => {
    const y = i * rowHeight;
    let x = left;
    const pieces = values.map((value, part) => {
      const wide = value * scale;
      const piece = `<rect class="${fillOf(part)}" x="${x.toFixed(1)}" y="${y + 4}" width="${wide.toFixed(1)}" height="${rowHeight - 8}"/>`;
      x += wide;
      return wide > 0 ? piece : '';
    });
    const words = values.map((value, part) => `${parts[part]} ${value.toPrecision(3)}`).join(', ');
    const shown = name.length > longestName ? `${name.slice(0, longestName - 1)}…` : name;
    return `<g><title>${escapeHtml(`${name}: ${words}`)}</title><text x="${left - 8}" y="${y + 16}" text-anchor="end">${escapeHtml(shown)}</text>${pieces.join('')}<text x="${(x + 6).toFixed(1)}" y="${y + 16}">${escapeHtml(label)}</text></g>`;
  });
  const key = parts.length > 1 ? legend(parts.map((name, part) => ({ name, style: fillOf(part) }))) : '';
  return `<figure><figcaption>${escapeHtml(title)}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(description)}">
${bars.join('\n')}
</svg>${key}</figure>`;
}
