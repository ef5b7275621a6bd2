/**
 * The frame of a self-contained page: no script, no font, no request to anywhere, so that it opens offline, prints, and
 * can be kept with a build. Light and dark follow the reader's system. All text goes through `escapeHtml`.
 */

export function escapeHtml(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they have no place in HTML
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '\ufffd')
  );
}

/** `body` is HTML; `title` is text. */
export function htmlPage(page: { readonly title: string; readonly body: string }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(page.title)}</title>
<style>${style}</style>
</head>
<body>
<main>
${page.body}
</main>
</body>
</html>
`;
}

export interface HtmlColumn {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** Cells are text, a share that is also drawn as a bar, or a rounded figure that carries its exact value for programs. */
export type HtmlCell =
  | string
  | { readonly text: string; readonly share: number | null }
  | { readonly text: string; readonly value: string; readonly tone?: 'good' | 'bad' | 'unsure' };

export function htmlTable(
  caption: string,
  columns: readonly HtmlColumn[],
  rows: readonly (readonly HtmlCell[])[],
): string {
  const head = columns.map((column) => `<th scope="col"${side(column)}>${escapeHtml(column.title)}</th>`).join('');
  const body = rows
    .map((row) => `<tr>${row.map((cell, i) => cellHtml(cell, columns[i], i === 0)).join('')}</tr>`)
    .join('\n');
  return `<div class="scroll"><table><caption>${escapeHtml(caption)}</caption><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table></div>`;
}

function cellHtml(cell: HtmlCell, column: HtmlColumn, isHead: boolean): string {
  const tag = isHead ? 'th scope="row"' : 'td';
  const close = isHead ? 'th' : 'td';
  if (typeof cell === 'string') return `<${tag}${side(column)}>${escapeHtml(cell)}</${close}>`;
  if ('value' in cell) {
    const tone = cell.tone === undefined ? '' : ` class="${cell.tone}"`;
    return `<${tag}${side(column)}><data${tone} value="${escapeHtml(cell.value)}">${escapeHtml(cell.text)}</data></${close}>`;
  }
  const width = Math.round(100 * Math.max(0, Math.min(1, cell.share ?? 0)));
  return `<${tag}${side(column)}><span class="bar" style="--share:${width}%"></span>${escapeHtml(cell.text)}</${close}>`;
}

function side(column: HtmlColumn): string {
  return column.align === 'right' ? ' class="number"' : '';
}

const style = `
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1c2430; --soft: #5b6675; --rule: #d8dde4; --wash: #f3f5f8;
  --one: #1f5fae; --two: #b3500b; --three: #2a7a45; --four: #7b3fa0; --good: #2a7a45; --bad: #b3261e; --heat: 31, 95, 174; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181f; --ink: #e6eaf0; --soft: #9aa6b5; --rule: #333c48; --wash: #1c222b;
  --one: #7fb2f5; --two: #f0a05a; --three: #79cf95; --four: #c79be6; --good: #79cf95; --bad: #ff8a80; --heat: 127, 178, 245; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 19px; margin: 40px 0 12px; border-bottom: 1px solid var(--rule); padding-bottom: 4px; }
p { max-width: 75ch; }
.meta { color: var(--soft); margin: 0 0 20px; font-size: 13px; overflow-wrap: anywhere; }
.verdict { font-size: 17px; border-left: 4px solid var(--one); padding: 4px 0 4px 16px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 24px 0; padding: 0; }
.tile { background: var(--wash); border-radius: 8px; padding: 12px 14px; }
.tile dt { color: var(--soft); font-size: 13px; }
.tile dd { margin: 0; font-size: 24px; font-variant-numeric: tabular-nums; }
.tile small { display: block; color: var(--soft); font-size: 12px; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 24px; }
.small { grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 12px; }
figure { margin: 0; break-inside: avoid; }
figcaption { font-weight: 600; margin-bottom: 4px; }
.small figcaption { font-size: 13px; font-weight: 500; overflow-wrap: anywhere; }
.plots > figure:only-child { max-width: 640px; }
.plots + .totalled { margin-top: 20px; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
.axis { stroke: var(--rule); stroke-width: 1; }
.line { fill: none; stroke-width: 2; }
.one { stroke: var(--one); } .two { stroke: var(--two); stroke-dasharray: 7 4; } .three { stroke: var(--three); stroke-dasharray: 2 3; } .four { stroke: var(--four); stroke-dasharray: 10 3 2 3; }
.fill-one { fill: var(--one); } .fill-two { fill: var(--two); } .fill-three { fill: var(--three); } .fill-four { fill: var(--four); } .fill-rest { fill: var(--soft); }
.shade-0 { fill: rgba(var(--heat), .15); } .shade-1 { fill: rgba(var(--heat), .35); } .shade-2 { fill: rgba(var(--heat), .55); } .shade-3 { fill: rgba(var(--heat), .78); } .shade-4 { fill: rgb(var(--heat)); }
.stroke-ink { stroke: var(--ink); stroke-width: 1.5; } .stroke-two { stroke: var(--two); stroke-width: 2.5; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 6px 0 0; padding: 0; font-size: 13px; color: var(--soft); }
.legend li { overflow-wrap: anywhere; } .legend svg { display: inline-block; width: 12px; height: 12px; margin-right: 6px; }
.mark { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 3 3; }
.cell { fill: rgba(var(--heat), var(--depth)); stroke: var(--rule); stroke-width: .5; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 0 0 6px; }
th, td { text-align: left; padding: 4px 10px; border-bottom: 1px solid var(--rule); vertical-align: top; font-weight: 400; overflow-wrap: anywhere; }
thead th { color: var(--soft); font-size: 13px; }
tr > :first-child:not(:only-child) { min-width: 96px; padding-left: 0; position: sticky; left: 0; background: var(--paper); }
.totalled tbody tr:last-child > * { font-weight: 600; border-top: 2px solid var(--rule); }
.number { text-align: right; white-space: nowrap; }
.bar { display: inline-block; width: 64px; height: 9px; margin-right: 8px; background: linear-gradient(to right, var(--one) var(--share), var(--rule) var(--share)); border-radius: 2px; }
data.good { color: var(--good); } data.bad { color: var(--bad); } data.unsure { color: var(--two); }
.pass { color: var(--good); } .fail { color: var(--bad); font-weight: 600; }
ol.prompts { margin: 2px 0 12px; padding-left: 24px; color: var(--soft); font-size: 14px; }
ol.prompts span { color: var(--ink); }
@media (max-width: 480px) { main { padding: 20px 14px 40px; } .plots { grid-template-columns: 1fr; } }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444; --rule: #bbb; --wash: #f3f5f8; --one: #1f5fae; --two: #b3500b; --three: #2a7a45; --four: #7b3fa0; --heat: 31, 95, 174; }
  body { font-size: 11px; } main { max-width: none; padding: 0; } h2 { break-after: avoid; } tr { break-inside: avoid; } .bar, .cell { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
`;
