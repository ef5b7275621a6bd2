import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readMoment, readOtherPeriod } from '../../src/cli/report-period.ts';
import { openSqliteStore } from '../../src/ledger/sqlite-store.ts';
import { sampleRecord } from '../ledger/sample-records.ts';

const script = fileURLToPath(new URL('./run-report.ts', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function report(...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', script, ...args], { cwd: root }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

// Every call is a process of its own, which a busy machine may keep waiting.
describe('shunt report', { timeout: 120_000 }, () => {
  let folder: string;
  let config: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shunt-cli-report-'));
    config = join(folder, 'shunt.yaml');
    await writeFile(config, 'ledger: { url: "sqlite:state/ledger.db" }\n');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('says that there is no ledger yet, and makes none', async () => {
    const { code, stdout, stderr } = await report('--config', config);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/There is no ledger at .*state\/ledger\.db yet: it is made when `shunt serve` starts/);
    expect(await readdir(folder)).toEqual(['shunt.yaml']);
  });

  it('prints a table, and the same figures as JSON and CSV, from a ledger that is in use', async () => {
    const store = await openSqliteStore(join(folder, 'state', 'ledger.db'));
    const time = Date.now() - 60_000;
    await store.append([
      sampleRecord({ id: 'a', time }),
      sampleRecord({ id: 'b', time, route: null, reason: 'below-threshold' }),
    ]);
    const table = await report('--config', config);
    expect(table.stderr).toBe('');
    expect(table.stdout).toMatch(/│ translation +│ +1 │ +50\.0%/);
    const json = await report('--config', config, '--format', 'json', '--by', 'model', '--since', '1h');
    expect(JSON.parse(json.stdout)).toMatchObject({ by: 'model', total: { requests: 2, cost_usd: '0.000060000' } });
    const csv = await report('--config', config, '--format', 'csv');
    expect(csv.stdout).toMatch(/^route,requests[\s\S]*\r\ntotal,2,1,0\.5/);
    await store.close();
  });

  it('writes the page, and prints a comparison with another period', async () => {
    const file = join(folder, 'report.html');
    const ran = await report('--config', config, '--since', '1h', '--compare', '--html', file);
    expect(ran.stderr).toBe(`The page is in ${file}.\n`);
    expect(ran.stdout).toMatch(/before: .*; after: .*[\s\S]*│ translation +│ +0 │ +1 │/);
    const page = await readFile(file, 'utf8');
    expect(page).toMatch(/^<!doctype html>[\s\S]*Compared[\s\S]*<data value="0\.000030000">/);
    const printed = await report('--config', config, '--format', 'html');
    expect(printed.stdout).toMatch(/^<!doctype html>/);
    expect(printed.stdout).not.toContain('Compared');
    const nowhere = await report('--config', config, '--html', join(folder, 'no', 'such', 'folder.html'));
    expect(nowhere.code).toBe(2);
    expect(nowhere.stderr).toMatch(/--html .*Name a file in a folder that exists/);
  });

  it('says that a period holds nothing, and still prints a JSON document', async () => {
    const { code, stdout, stderr } = await report(
      '--config',
      config,
      '--until',
      '2026-01-01',
      '--since',
      '2025-01-01',
      '--format',
      'json',
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/no requests in this period/);
    expect(JSON.parse(stdout)).toMatchObject({ rows: [], total: { requests: 0, cost_usd: null } });
  });

  it.each([
    [['--since', 'yesterday'], /--since yesterday: is neither a length of time nor a date/],
    [['--since', '2026-02-01', '--until', '2026-01-01'], /--since is not before --until/],
    [['--compare', '2026-01-01'], /--compare 2026-01-01: write FROM\.\.TO/],
    [['--compare', '1d..2d'], /its end is not after its beginning/],
    [['--compare', '--by', 'day'], /no two periods share a day/],
    [['--by', 'colour'], /Allowed choices are route, model, key, day/],
  ])('explains %j', async (args, words) => {
    const { code, stderr, stdout } = await report('--config', config, ...args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(words);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

describe('readMoment', () => {
  const now = Date.UTC(2026, 0, 31, 12);
  it.each([
    ['90m', now - 90 * 60_000],
    ['24h', now - 86_400_000],
    ['7d', now - 7 * 86_400_000],
    ['2w', now - 14 * 86_400_000],
    ['2026-01-01', Date.UTC(2026, 0, 1)],
    ['2026-01-01T10:30', Date.UTC(2026, 0, 1, 10, 30)],
    ['2026-01-01T10:30:15+02:00', Date.UTC(2026, 0, 1, 8, 30, 15)],
  ])('reads %s', (text, moment) => {
    expect(readMoment('--since', text, now)).toBe(moment);
  });

  it.each(['', '7', '7 d', '-7d', '2026-13-01', '01/02/2026', '1e3d'])('refuses %j', (text) => {
    expect(() => readMoment('--since', text, now)).toThrow(/neither a length of time nor a date/);
  });
});

describe('readOtherPeriod', () => {
  const now = Date.UTC(2026, 0, 31);
  const week = { sinceMs: now - 7 * 86_400_000, untilMs: now };
  it('takes as long a time right before, a pair of dates or lengths of time', () => {
    expect(readOtherPeriod(true, week, now)).toEqual({ sinceMs: now - 14 * 86_400_000, untilMs: week.sinceMs });
    const january = { sinceMs: Date.UTC(2026, 0, 1), untilMs: Date.UTC(2026, 0, 8) };
    expect(readOtherPeriod('2026-01-01..2026-01-08', week, now)).toEqual(january);
    expect(readOtherPeriod('14d..7d', week, now)).toEqual({ sinceMs: now - 14 * 86_400_000, untilMs: week.sinceMs });
  });
});
