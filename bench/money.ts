/**
 * Does the report say what was spent? A seeded month of 100,000 requests goes through the code that reads usage, prices
 * it, records and reports it; the simulation counts for itself. They must agree to the nano-dollar, in every grouping.
 *
 * npm run bench:money [-- --requests 100000 --seed 7 --html report.html]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatUsd, type NanoUsd } from '../src/base/money.ts';
import { readReport, readReportPage } from '../src/ledger/read-report.ts';
import type { Report } from '../src/ledger/report-form.ts';
import { openSqliteStore } from '../src/ledger/sqlite-store.ts';
import { reportPage } from '../src/render/html-report.ts';
import { reportTable } from '../src/render/report-table.ts';
import { start } from './money-serving.ts';
import { type Counted, disagreements, simulateMonth } from './money-world.ts';

const { values: flags } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '7' },
    feedback: { type: 'string', default: '0.05' },
    html: { type: 'string' },
  },
});

function truthLines(report: Report, { accepted }: Counted): string[] {
  return [...report.rows, report.total].flatMap(({ name, outcomes: { perAccepted, cost } }) => {
    const good = accepted.get(name) ?? 0;
    if (perAccepted === null || good === 0) return [];
    const real = BigInt(Math.round(Number(cost) / good));
    const inside = real >= perAccepted.low && (perAccepted.high === null || real <= perAccepted.high);
    const words = `${formatUsd(real as NanoUsd, 8)} really, ${formatUsd(perAccepted.low, 8)} to ${perAccepted.high === null ? 'no end' : formatUsd(perAccepted.high, 8)} reported`;
    return [`  ${name.padEnd(12)} ${words}: ${inside ? 'inside' : 'OUTSIDE'}`];
  });
}

const folder = await mkdtemp(join(tmpdir(), 'shunt-money-'));
const store = await openSqliteStore(join(folder, 'ledger.db'));
try {
  const began = performance.now();
  const counted = await simulateMonth({
    requests: Number(flags.requests),
    seed: Number(flags.seed),
    feedback: Number(flags.feedback),
    folder,
    store,
  });
  const simulated = performance.now();
  const terms = { embeddingPerHour: null };
  const query = { sinceMs: start, untilMs: start + 30 * 86_400_000, by: 'route' } as const;
  const report = await readReport(store, query, terms);
  const reported = performance.now();
  const wrong = await disagreements(store, counted);
  console.log(reportTable(report, false));
  const all = counted.costs.get('all')?.get('') ?? 0n;
  console.log(`counted by the simulation: ${all} nano-dollars; in the report: ${report.total.cost}`);
  console.log(`groupings compared: ${[...counted.costs.keys()].filter((by) => by !== 'all').join(', ')}`);
  console.log(wrong.length === 0 ? 'agreed to the nano-dollar, every group of every grouping' : wrong.join('\n'));
  console.log(`cost per accepted outcome:\n${truthLines(report, counted).join('\n')}`);
  console.log(
    `${counted.requests} requests and ${counted.told} outcomes simulated in ${((simulated - began) / 1_000).toFixed(1)} s; the report took ${(reported - simulated).toFixed(0)} ms`,
  );
  if (flags.html !== undefined) {
    const before = await readReport(store, { ...query, untilMs: start + 15 * 86_400_000 }, terms);
    await writeFile(flags.html, reportPage(await readReportPage(store, { report, before, terms })));
  }
  if (wrong.length > 0) process.exitCode = 1;
} finally {
  await store.close();
  await rm(folder, { recursive: true, force: true });
}
