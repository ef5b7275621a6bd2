/** One report of a simulated month in all its forms: read back, they must say the same. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { start } from '../../bench/money-serving.ts';
import { simulateMonth } from '../../bench/money-world.ts';
import { compareReports } from '../../src/ledger/compare-reports.ts';
import { type ReportPage, readReport, readReportPage } from '../../src/ledger/read-report.ts';
import type { Report } from '../../src/ledger/report-form.ts';
import { openSqliteStore } from '../../src/ledger/sqlite-store.ts';
import { reportPage } from '../../src/render/html-report.ts';
import { costColumns, outcomeColumns } from '../../src/render/report-columns.ts';
import { comparisonCsv, comparisonJson, comparisonTable } from '../../src/render/report-comparison.ts';
import { reportCsv, reportJson } from '../../src/render/report-export.ts';
import { reportTable } from '../../src/render/report-table.ts';

const half = 15 * 86_400_000;
const terms = { embeddingPerHour: 120_000_000n as never };

let folder: string;
let before: Report;
let report: Report;
let page: ReportPage;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-forms-'));
  const store = await openSqliteStore(join(folder, 'ledger.db'));
  await simulateMonth({ requests: 2_000, seed: 3, feedback: 0.3, folder, store });
  before = await readReport(store, { sinceMs: start, untilMs: start + half, by: 'route' }, terms);
  report = await readReport(store, { sinceMs: start + half, untilMs: start + 2 * half, by: 'route' }, terms);
  page = await readReportPage(store, { report, before, terms });
  await store.close();
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Read {
  /** As shown. */
  readonly text: string;
  /** As meant; the text itself for names. */
  readonly value: string;
}

/** The body rows of every table of a page. */
function htmlTables(html: string): Read[][][] {
  return [...html.matchAll(/<tbody>([\s\S]*?)<\/tbody>/g)].map(([, body]) =>
    [...body.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row]) =>
      [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/g)].map(([, cell]) => {
        const data = /<data[^>]* value="([^"]*)">(.*?)<\/data>/.exec(cell);
        return data === null ? { text: cell, value: cell } : { text: data[2], value: data[1] };
      }),
    ),
  );
}

/** The cells of every table on a terminal, without their headers. */
function textTables(text: string): string[][][] {
  return text
    .split(/┌[^\n]*\n/)
    .slice(1)
    .map((table) =>
      table
        .split('\n')
        .filter((line) => line.startsWith('│'))
        .slice(1)
        .map((line) =>
          line
            .split('│')
            .slice(1, -1)
            .map((cell) => cell.trim()),
        ),
    );
}

function csvRows(text: string): Record<string, string>[] {
  const [header, ...lines] = text
    .trim()
    .split('\r\n')
    .map((line) => line.split(','));
  return lines.map((line) => Object.fromEntries(header.map((name, i) => [name, line[i]])));
}

describe('a report in all its forms', () => {
  it('has the same exact figures in JSON, CSV and the page', () => {
    const document = JSON.parse(reportJson(report));
    const json = [...document.rows, document.total] as Record<string, unknown>[];
    const csv = csvRows(reportCsv(report));
    const tables = htmlTables(reportPage(page));
    expect(csv).toHaveLength(json.length);
    json.forEach((row, i) => {
      for (const [field, value] of Object.entries(row)) {
        if (value !== null && typeof value === 'object') continue;
        expect(csv[i][field === 'name' ? 'route' : field], `${row.name} ${field}`).toBe(
          value === null ? '' : String(value),
        );
      }
    });
    for (const [at, columns] of [outcomeColumns(report), costColumns(report)].entries()) {
      json.forEach((row, i) => {
        const shown = tables[at][i].map(({ value }) => value);
        expect(shown, String(row.name)).toEqual(columns.map(({ field }) => String(row[field] ?? '')));
      });
    }
  });

  it('shows on the terminal what the page shows, rounded from those figures', () => {
    const [cost, outcomes] = textTables(reportTable(report, false));
    const [pageOutcomes, pageCost] = htmlTables(reportPage(page));
    expect(cost).toEqual(pageCost.map((row) => row.map(({ text }) => text)));
    expect(outcomes).toEqual(pageOutcomes.map((row) => row.map(({ text }) => text)));
    for (const { text, value } of [...pageCost, ...pageOutcomes].flat()) {
      if (!/^-?\$/.test(text)) continue;
      const shown = Number(text.replace(/[$,*]/g, ''));
      const unit = 10 ** -(text.replace(/[^\d.]/g, '').split('.')[1]?.length ?? 0);
      expect(Math.abs(shown - Number(value))).toBeLessThanOrEqual(unit / 2 + 1e-12);
    }
  });

  it('compares two periods alike in all of them', () => {
    const comparison = compareReports(before, report);
    const document = JSON.parse(comparisonJson(comparison));
    const changes = [...document.changes, document.total_change] as Record<string, unknown>[];
    const csv = csvRows(comparisonCsv(comparison));
    const [table] = textTables(comparisonTable(comparison, false));
    const inPage = htmlTables(reportPage(page))[2];
    changes.forEach((row, i) => {
      const { name, ...figures } = row;
      const expected = Object.values(figures).map((value) => (value === null ? '' : String(value)));
      expect(Object.values(csv[i]), String(name)).toEqual([name, ...expected]);
      expect(inPage[i].map(({ text }) => text)).toEqual(table[i]);
      const usd = (field: string) => BigInt(String(row[field]).replace('.', ''));
      expect(usd('change_cost_usd')).toBe(usd('after_cost_usd') - usd('before_cost_usd'));
      expect(inPage[i].map(({ value }) => value)).toContain(row.change_cost_usd);
    });
    expect(document.total_change.change_requests).toBe(report.total.requests - before.total.requests);
  });

  it('adds up by day and route to the whole', () => {
    const { routes, fallbackOnly, days } = page.trends;
    const sum = (amounts: readonly bigint[]) => amounts.reduce((total, amount) => total + amount, 0n);
    expect(sum(routes.flatMap(({ costs }) => costs))).toBe(report.total.cost);
    expect(sum(fallbackOnly)).toBeLessThanOrEqual(report.total.fallbackOnlyCost ?? 0n);
    expect(days).toHaveLength(15);
    const fellBack = page.fallbackReasons.reduce((total, { requests }) => total + requests, 0);
    expect(fellBack).toBe(report.rows.find(({ name }) => name === 'fallback')?.requests);
  });
});

describe('the page of a report', () => {
  it('stands alone, describes its plots, and escapes what clients named', () => {
    const hostile = '<script>alert("x")</script>';
    const named = { ...report, rows: report.rows.map((row) => ({ ...row, name: hostile })) };
    const html = reportPage({
      ...page,
      report: named,
      byRoute: named,
      comparison: compareReports(named, named),
      fallbackReasons: [{ name: hostile, requests: 1 }],
      trends: { ...page.trends, routes: page.trends.routes.map((route) => ({ ...route, name: hostile })) },
    });
    expect(html).not.toContain('<script');
    expect(html).not.toMatch(/\b(?:src|href)=|url\(|@import|https?:\/\//);
    const plots = html.match(/<svg (?![^>]*aria-hidden)/g) ?? [];
    expect(plots).toHaveLength(6);
    expect(html.match(/<svg [^>]*role="img" aria-label="[^"]{10,}"/g)).toHaveLength(plots.length);
    expect(html).not.toMatch(/NaN|Infinity|undefined|\[object/);
  });

  it('is whole without a single request', () => {
    const none = { ...report, rows: [], total: { ...report.total, requests: 0, saving: null, cost: null } };
    const trends = { days: [], routes: [], fallbackOnly: [], scores: [] };
    const html = reportPage({ report: none, byRoute: none, fallbackReasons: [], trends, comparison: null });
    expect(html).toMatch(/<h1>Cost report<\/h1>/);
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
  });
});
