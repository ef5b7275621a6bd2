/**
 * A cost report as one self-contained page: the same figures as the table, each with its exact value in a `<data>`
 * element, and plots of how the period went. No script, no request to anywhere: it can be mailed and kept.
 */
import { usdNumber } from '../base/money.ts';
import type { Comparison } from '../ledger/compare-reports.ts';
import type { ReportPage } from '../ledger/read-report.ts';
import type { Report, ReportRow } from '../ledger/report-form.ts';
import { escapeHtml, type HtmlCell, htmlPage, htmlTable } from './html-page.ts';
import { barPlot } from './plot-bars.ts';
import { intervalPlot } from './plot-intervals.ts';
import { dollarTick, scaleFor } from './plot-scale.ts';
import {
  costColumns,
  dollarsFor,
  judgedBy,
  outcomeColumns,
  percent,
  periodText,
  type ReportColumn,
  whole,
} from './report-columns.ts';
import { comparedCells, comparedPeriods } from './report-comparison.ts';
import { fieldsOf } from './report-fields.ts';
import { costByDay, scoreDrift } from './report-plots.ts';
import type { Cell } from './table.ts';

const shownRows = 25;

export function reportPage(page: ReportPage): string {
  const { report, comparison } = page;
  const sections = [
    header(report),
    tiles(report),
    section('Day by day', plots([costByDay(page.trends), scoreDrift(page.trends)])),
    section('What an accepted answer costs', plots([perAcceptedPlot(report)]) + outcomeTable(report)),
    section('Where the money went', reportTable(report, { columns: costColumns(report), caption: `By ${report.by}` })),
    comparison === null ? '' : section('Compared', comparisonSection(comparison)),
    section('Why prompts went to the fallback', plots([reasonPlot(page)])),
    section('Where the time went', plots(latencyPlots(page.byRoute))),
    notes(report),
  ];
  return htmlPage({
    title: `Cost report, ${periodText(report)}`,
    body: sections.filter((part) => part !== '').join('\n'),
  });
}

function section(title: string, content: string): string {
  return content === '' ? '' : `<section><h2>${escapeHtml(title)}</h2>\n${content}\n</section>`;
}

function plots(figures: readonly string[]): string {
  const some = figures.filter((figure) => figure !== '');
  return some.length === 0 ? '' : `<div class="plots">${some.join('\n')}</div>`;
}

function header(report: Report): string {
  const { total } = report;
  const dollars = dollarsFor(report, ({ cost }) => [cost]);
  const verdict =
    total.saving === null
      ? `${whole(total.requests)} requests.`
      : `${whole(total.requests)} requests cost ${dollars(total.cost)}; ${total.saving < 0n ? 'routing lost' : 'routing saved'} ${dollars(total.saving).replace('-', '')} (${percent(total.savingRate).replace('-', '')}) against the fallback alone.`;
  return `<h1>Cost report</h1><p class="meta">${escapeHtml(`${periodText(report)} · by ${report.by}`)}</p><p class="verdict">${escapeHtml(verdict)}</p>`;
}

function tiles(report: Report): string {
  const { total } = report;
  const { outcomes } = total;
  const dollars = dollarsFor(report, ({ cost }) => [cost]);
  const small = dollarsFor(report, (row) => [row.outcomes.perAccepted?.value ?? null]);
  const range =
    outcomes.perAccepted === null
      ? 'too little feedback to tell'
      : `95%: ${small(outcomes.perAccepted.low)} to ${outcomes.perAccepted.high === null ? 'no end' : small(outcomes.perAccepted.high)}`;
  const shown = [
    ['cost', dollars(total.cost), total.unpriced > 0 ? `${whole(total.unpriced)} requests unpriced` : ''],
    ['fallback alone', dollars(total.fallbackOnlyCost), 'for the same requests'],
    ['saving', dollars(total.saving), percent(total.savingRate)],
    ['per accepted outcome', small(outcomes.perAccepted?.value ?? null), range],
    ['fallback, per accepted', small(outcomes.fallbackPerAccepted?.value ?? null), 'the same answers accepted'],
    ['labelled', percent(outcomes.labelledShare), `of ${whole(outcomes.answers)} answers`],
  ];
  const tile = ([name, value, note]: readonly string[]) =>
    `<div class="tile"><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}<small>${escapeHtml(note)}</small></dd></div>`;
  return `<dl class="tiles">${shown.map(tile).join('')}</dl>`;
}

function perAcceptedPlot(report: Report): string {
  const rows = [...report.rows, report.total].filter(({ outcomes }) => outcomes.perAccepted !== null);
  if (rows.length === 0) return '';
  const dollars = dollarsFor(report, ({ outcomes }) => [outcomes.perAccepted?.value ?? null]);
  const most = Math.max(...rows.map(({ outcomes }) => usdNumber(outcomes.perAccepted?.value ?? (0n as never))));
  return intervalPlot({
    title: `Cost per accepted outcome, by ${report.by}, with 95% intervals`,
    description: `For each of ${rows.length} rows: the cost per accepted outcome with its interval, and what the fallback alone would cost; the figures stand in the table below.`,
    valueName: 'cost per accepted outcome',
    markName: 'the fallback alone',
    tick: dollarTick(scaleFor(most)),
    rows: [...rows.slice(0, shownRows), ...rows.slice(Math.max(shownRows, rows.length - 1))].map(
      ({ name, outcomes }) => {
        const { perAccepted: now, fallbackPerAccepted: alone } = outcomes;
        const number = (amount: typeof outcomes.savingPerAccepted | undefined) =>
          amount === null || amount === undefined ? null : usdNumber(amount);
        return {
          name,
          value: number(now?.value),
          low: number(now?.low) ?? 0,
          high: number(now?.high),
          mark: number(alone?.value),
          words: `${name}: ${dollars(now?.value ?? null)} (${dollars(now?.low ?? null)} to ${dollars(now?.high ?? null)}), fallback alone ${dollars(alone?.value ?? null)}`,
        };
      },
    ),
  });
}

function outcomeTable(report: Report): string {
  const columns = outcomeColumns(report);
  if (columns.length === 0) return '<p>No answer of this period was judged: send feedback to POST /v1/feedback.</p>';
  return reportTable(report, { columns, caption: judgedBy(report.total) });
}

function reportTable(report: Report, of: { columns: readonly ReportColumn[]; caption: string }): string {
  const line = (row: ReportRow): HtmlCell[] => {
    const fields = fieldsOf(row);
    return of.columns.map(({ cell, field }) =>
      field === 'name' ? row.name : exactCell(cell(row), String(fields[field] ?? '')),
    );
  };
  return totalled(htmlTable(of.caption, of.columns, [...report.rows, report.total].map(line)));
}

/** The last row stands apart. */
function totalled(table: string): string {
  return `<div class="totalled">${table}</div>`;
}

function exactCell(cell: Cell, value: string): HtmlCell {
  if (typeof cell === 'string') return { text: cell, value };
  const { text, tone } = cell;
  return tone === 'good' || tone === 'bad' || tone === 'unsure' ? { text, value, tone } : { text, value };
}

function comparisonSection(comparison: Comparison): string {
  const { columns, rows, total } = comparedCells(comparison);
  const line = (cells: (typeof rows)[number]) =>
    cells.map(({ cell, value }, i): HtmlCell => (i === 0 ? value : exactCell(cell, value)));
  return totalled(htmlTable(comparedPeriods(comparison), columns, [...rows, total].map(line)));
}

function reasonPlot({ fallbackReasons }: ReportPage): string {
  if (fallbackReasons.length === 0) return '';
  const all = fallbackReasons.reduce((sum, { requests }) => sum + requests, 0);
  return barPlot({
    title: 'Requests that asked to be routed and went to the fallback, by reason',
    description: fallbackReasons.map(({ name, requests }) => `${name}: ${requests}`).join(', '),
    parts: ['requests'],
    rows: fallbackReasons.slice(0, shownRows).map(({ name, requests }) => ({
      name,
      values: [requests],
      label: `${whole(requests)} (${percent(requests / all)})`,
    })),
  });
}

function latencyPlots({ rows }: Report): string[] {
  const some = rows.filter(({ means }) => means.addedMs !== null).slice(0, shownRows);
  if (some.length === 0) return [];
  const milliseconds = (value: number) => (value < 10 ? `${value.toFixed(2)} ms` : `${Math.round(value)} ms`);
  return [
    barPlot({
      title: 'In the proxy, mean by route',
      description: 'Mean milliseconds added before the request is sent on: embedding, matching, and the rest.',
      parts: ['embedding', 'matching', 'the rest'],
      rows: some.map(({ name, means: { embedMs, matchMs, addedMs } }) => {
        const [embed, match, added] = [embedMs ?? 0, matchMs ?? 0, addedMs ?? 0];
        return { name, values: [embed, match, Math.max(0, added - embed - match)], label: milliseconds(added) };
      }),
    }),
    barPlot({
      title: 'At the model, mean by route',
      description: 'Mean milliseconds from the request being sent to the first byte, and from there to the end.',
      parts: ['first byte', 'rest of the answer'],
      rows: some.map(({ name, means: { addedMs, firstByteMs, totalMs } }) => {
        const [first, total] = [firstByteMs ?? 0, totalMs ?? 0];
        const rest = Math.max(0, total - (addedMs ?? 0) - first);
        return { name, values: [first, rest], label: milliseconds(first + rest) };
      }),
    }),
  ];
}

function notes({ notes: words }: Report): string {
  if (words.length === 0) return '';
  return section('How to read this', `<ul>${words.map((note) => `<li>${escapeHtml(note)}</li>`).join('')}</ul>`);
}
