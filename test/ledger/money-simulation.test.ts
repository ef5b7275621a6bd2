/** The short form of `npm run bench:money`, and the report's arithmetic held against awk over exported decisions. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { start } from '../../bench/money-serving.ts';
import { type Counted, disagreements, simulateMonth } from '../../bench/money-world.ts';
import type { LedgerEntry, LedgerStore } from '../../src/ledger/contract.ts';
import { readReport } from '../../src/ledger/read-report.ts';
import type { ReportRow } from '../../src/ledger/report-form.ts';
import { openSqliteStore } from '../../src/ledger/sqlite-store.ts';
import { ledgerExport } from '../../src/render/ledger-export.ts';

const period = { sinceMs: start, untilMs: start + 30 * 86_400_000 };

describe('a simulated month', () => {
  let folder: string;
  let store: LedgerStore;
  let counted: Counted;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shunt-month-'));
    store = await openSqliteStore(join(folder, 'ledger.db'));
    counted = await simulateMonth({ requests: 3_000, seed: 5, feedback: 0.2, folder, store });
  }, 120_000);
  afterAll(async () => {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('costs in every grouping of the report what the simulation counted, to the nano-dollar', async () => {
    expect(await disagreements(store, counted)).toEqual([]);
    expect(counted.costs.get('all')?.get('')).toBeGreaterThan(1_000_000_000n);
    expect(counted.unpriced).toBeGreaterThan(0);
  });

  it('shows intervals that hold what accepted answers really cost', async () => {
    const { total } = await readReport(store, { ...period, by: 'route' }, { embeddingPerHour: null });
    const real = Number(total.outcomes.cost) / (counted.accepted.get('total') ?? 0);
    expect(real).toBeGreaterThan(Number(total.outcomes.perAccepted?.low));
    expect(real).toBeLessThan(Number(total.outcomes.perAccepted?.high));
  });

  it('agrees with awk over the decisions that `shunt ledger export` writes', async () => {
    const file = join(folder, 'decisions.csv');
    await writeFile(file, await decisionsCsv(store));
    const byHand = await awk(file);
    const { rows, total } = await readReport(store, { ...period, by: 'route' }, { embeddingPerHour: null });
    const inReport = [...rows, total].map((row) => [row.name, ...figures(row)].join(' '));
    expect(inReport.sort()).toEqual(byHand.sort());
  });
});

/** What awk is to find: counts, nano-dollars, and the cost per accepted outcome. */
function figures({ requests, outcomes, ...row }: ReportRow): (number | string)[] {
  const { answers, accepted, rejected, failedChecks } = outcomes;
  const money = [row.cost ?? 0n, row.fallbackOnlyCost ?? 0n, row.saving ?? 0n].map(String);
  return [requests, ...money, answers, accepted, rejected, failedChecks, String(outcomes.perAccepted?.value ?? '-')];
}

async function decisionsCsv(store: LedgerStore): Promise<string> {
  const { header, line } = ledgerExport({ format: 'csv', prompts: false });
  let text = header;
  for (let after: LedgerEntry | null = null; ; ) {
    const page: readonly LedgerEntry[] = await store.page({ ...period, limit: 500, after });
    text += page.map(line).join('');
    if (page.length < 500) return text;
    after = page[page.length - 1];
  }
}

const program = `
{ sub(/\\r$/, "") }
NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
{
  route = $at["route"]; cost_is = $at["cost_nano_usd"]; alone_is = $at["fallback_cost_nano_usd"]
  verdict = $at["verdict"]; told = $at["accepted"]
  group = route != "" ? route : $at["reason"] == "explicit-model" ? "(explicit)" : "fallback"
  for (i = 1; i <= 2; i++) {
    g = i == 1 ? group : "total"
    seen[g] = 1; requests[g]++
    if (cost_is != "") cost[g] += cost_is
    if (alone_is != "") fallback[g] += alone_is
    if (cost_is != "" && alone_is != "") saving[g] += alone_is - cost_is
    if (cost_is == "") continue
    answers[g]++
    failed = verdict != "" && verdict != "passed"
    if (told == "true") accepted[g]++
    if (told == "false") rejected[g]++
    if (failed && told == "true") known[g]++
    if (failed && told == "") checks[g]++
    if (!failed) { open[g]++; if (told != "") labelled[g]++; if (told == "true") good[g]++ }
  }
}
END {
  for (g in seen) {
    estimate = labelled[g] >= 10 ? known[g] + open[g] * good[g] / labelled[g] : 0
    each = estimate > 0 ? sprintf("%.0f", cost[g] / estimate) : "-"
    printf "%s %d %.0f %.0f %.0f %d %d %d %d %s\\n", g, requests[g], cost[g], fallback[g], saving[g], answers[g], accepted[g], rejected[g], checks[g], each
  }
}`;

async function awk(file: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('awk', ['-F,', program, file]);
  return stdout.trim().split('\n');
}
