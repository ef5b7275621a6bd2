/** What the colours of a plot mean, as text below it: it wraps in a narrow window, where text within the plot could not. */
import { escapeHtml } from './html-page.ts';

/** Class of the page's style: `fill-one` and so on; `stroke-ink` for a line. */
export interface LegendEntry {
  readonly name: string;
  readonly style: string;
}

/** The first four kinds have a colour each; what comes after them shares one. */
export const fills = ['fill-one', 'fill-two', 'fill-three', 'fill-four', 'fill-rest'] as const;

export function fillOf(index: number): string {
  return fills[Math.min(index, fills.length - 1)];
}

export function legend(entries: readonly LegendEntry[]): string {
  const items = entries.map(
    ({ name, style }) =>
      `<li><svg viewBox="0 0 12 12" aria-hidden="true">${swatch(style)}</svg>${escapeHtml(name)}</li>`,
  );
  return `<ul class="legend">${items.join('')}</ul>`;
}

function swatch(style: string): string {
  if (style.startsWith('stroke-')) return `<line class="${style}" x1="0" x2="12" y1="6" y2="6"/>`;
  return `<rect class="${style}" width="12" height="12"/>`;
}
