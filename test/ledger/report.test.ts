import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NanoUsd } from '../../src/base/money.ts';
import type { LedgerStore } from '../../src/ledger/contract.ts';
import { type SummaryDimension, summaryDimensions } from '../../src/ledger/dimension.ts';
import type { OutcomeSums } from '../../src/ledger/outcome.ts';
import { readReport } from '../../src/ledger/read-report.ts';
import type { DecisionRecord } from '../../src/ledger/record.ts';
import { makeReport } from '../../src/ledger/report.ts';
import { openSqliteStore } from '../../src/ledger/sqlite-store.ts';
import { sampleRecord, usd } from './sample-records.ts';

const day = 86_400_000;
const terms = { embeddingPerHour: null };
const start = Date.UTC(2026, 0, 1);

/** A small generator with a seed (mulberry32), so that a failure can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function randomRecords(count: number, seed: number): DecisionRecord[] {
  const next = random(seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)];
  const micros = (most: number) => Math.round(next() * most * 1_000) / 1_000;
  return Array.from({ length: count }, (_, i) => {
    const route = pick(['translation', 'faq', 'summary', null, null]);
    return sampleRecord({
      id: `r${i}`,
      time: start + Math.floor(next() * 5 * day),
      key: pick(['a', 'b', null]),
      tags: pick([[], ['x'], ['x', 'y'], ['y', 'z', 'x']]),
      route,
      wouldRoute: route === null ? pick([null, 'faq', 'only-diverted']) : null,
      reason: route === null ? pick(['below-threshold', 'failover', 'explicit-model']) : pick(['matched', 'coalesced']),
      model: pick(['small', 'large', null]),
      status: pick([200, 200, 200, 400, 499, 502]),
      cache: pick(['hit', 'semantic', 'miss', 'bypass']),
      usage: {
        input: Math.floor(next() * 1_000),
        cachedInput: Math.floor(next() * 100),
        output: Math.floor(next() * 500),
        reasoning: Math.floor(next() * 50),
        source: pick(['reported', 'estimated']),
      },
      cost: pick([null, usd(BigInt(Math.floor(next() * 1e15))), usd(1n)]),
      fallbackCost: pick([null, usd(BigInt(Math.floor(next() * 1e15)))]),
      latency: { addedMs: micros(5), embedMs: 0, matchMs: 0, firstByteMs: pick([null, micros(500)]), totalMs: 600 },
    });
  });
}

/** The groups of a record, in JavaScript, to hold against the SQL. */
const groupsOf: Record<SummaryDimension, (record: DecisionRecord) => readonly string[]> = {
  route: ({ route, reason }) => [route ?? (reason === 'explicit-model' ? '(explicit)' : 'fallback')],
  model: ({ model }) => [model ?? '(none)'],
  key: ({ key }) => [key ?? '(anonymous)'],
  day: ({ time }) => [new Date(time).toISOString().slice(0, 10)],
  reason: ({ reason }) => [reason],
  pin: ({ pin }) => [pin],
  cache: ({ cache, reason }) => [cache !== 'hit' ? cache : reason === 'coalesced' ? 'coalesced' : 'exact'],
  tag: ({ tags }) => (tags.length === 0 ? ['(untagged)'] : tags),
};

function addedUp(records: readonly DecisionRecord[]) {
  const sum = (values: readonly (bigint | null)[]) =>
    values.reduce<bigint>((total, value) => total + (value ?? 0n), 0n);
  const number = (read: (record: DecisionRecord) => number) =>
    records.reduce((total, record) => total + read(record), 0);
  const both = records.filter(({ cost, fallbackCost }) => cost !== null && fallbackCost !== null);
  const nearestRank = (values: readonly number[], share: number) =>
    values.length === 0 ? null : [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)];
  const added = records.map(({ latency }) => latency.addedMs);
  const firstBytes = records.map(({ latency }) => latency.firstByteMs).filter((value) => value !== null);
  const priced = records.some(({ cost }) => cost !== null);
  const fallbackPriced = records.some(({ fallbackCost }) => fallbackCost !== null);
  return {
    requests: records.length,
    errors: records.filter(({ status }) => status >= 400 && status !== 499).length,
    cacheHits: records.filter(({ cache }) => cache === 'hit' || cache === 'semantic').length,
    inputTokens: number(({ usage }) => usage.input),
    cachedInputTokens: number(({ usage }) => usage.cachedInput),
    outputTokens: number(({ usage }) => usage.output),
    reasoningTokens: number(({ usage }) => usage.reasoning),
    estimated: records.filter(({ usage }) => usage.source === 'estimated').length,
    cost: priced ? sum(records.map(({ cost }) => cost)) : null,
    unpriced: records.filter(({ cost }) => cost === null).length,
    fallbackOnlyCost: fallbackPriced ? sum(records.map(({ fallbackCost }) => fallbackCost)) : null,
    saving:
      priced && fallbackPriced
        ? sum(both.map(({ fallbackCost }) => fallbackCost)) - sum(both.map(({ cost }) => cost))
        : null,
    addedP50Ms: nearestRank(added, 0.5),
    addedP99Ms: nearestRank(added, 0.99),
    firstByteP50Ms: nearestRank(firstBytes, 0.5),
  };
}

describe('a report over a real ledger', () => {
  let folder: string;
  let store: LedgerStore;
  const records = randomRecords(3_000, 7);
  const query = { sinceMs: start + day, untilMs: start + 4 * day };
  const inPeriod = records.filter(({ time }) => time >= query.sinceMs && time < query.untilMs);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shunt-report-'));
    store = await openSqliteStore(join(folder, 'ledger.db'));
    await store.append(records);
  });
  afterAll(async () => {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(summaryDimensions)('by %s agrees with sums made by hand, to the nano-dollar', async (by) => {
    const report = await readReport(store, { ...query, by }, terms);
    const byGroup = new Map<string, DecisionRecord[]>();
    for (const record of inPeriod) {
      for (const group of groupsOf[by](record)) byGroup.set(group, [...(byGroup.get(group) ?? []), record]);
    }
    for (const [name, group] of byGroup) {
      expect(
        report.rows.find((row) => row.name === name),
        name,
      ).toMatchObject(addedUp(group));
    }
    const extra = by === 'route' ? ['only-diverted'] : [];
    expect(report.rows.map(({ name }) => name).sort()).toEqual([...byGroup.keys(), ...extra].sort());
    expect(report.total).toMatchObject(addedUp(inPeriod));
  });

  it('counts a route’s fallback rate over the requests that matched it, and the total over those that asked', async () => {
    const report = await readReport(store, { ...query, by: 'route' }, terms);
    const rate = (name: string) => report.rows.find((row) => row.name === name)?.fallbackRate;
    const faq = inPeriod.filter(({ route }) => route === 'faq').length;
    const diverted = inPeriod.filter(({ wouldRoute, route }) => wouldRoute === 'faq' && route === null).length;
    expect(rate('faq')).toBeCloseTo(diverted / (faq + diverted), 12);
    expect(rate('translation')).toBe(0);
    expect(rate('only-diverted')).toBe(1);
    expect(rate('fallback')).toBeNull();
    const asked = inPeriod.filter(({ reason }) => reason !== 'explicit-model');
    const fellBack = asked.filter(({ route }) => route === null);
    expect(report.total.fallbackRate).toBeCloseTo(fellBack.length / asked.length, 12);
  });

  it('puts the largest group first, and days in their order', async () => {
    const routes = await store.summarise({ ...query, by: 'model' });
    const counts = routes.groups.map(({ requests }) => requests);
    expect(counts).toEqual([...counts].sort((a, b) => b - a));
    const days = await store.summarise({ ...query, by: 'day' });
    expect(days.groups.map(({ name }) => name)).toEqual(['2026-01-02', '2026-01-03', '2026-01-04']);
  });

  it('says what is left out: unpriced, estimated, overlapping tags', async () => {
    const report = await readReport(store, { ...query, by: 'tag' }, terms);
    expect(report.notes.join('\n')).toMatch(
      /several tags[\s\S]*without a price[\s\S]*no saving is counted[\s\S]*estimated tokens/,
    );
  });
});

describe('makeReport', () => {
  const group = {
    name: 'faq',
    requests: 2,
    asked: 2,
    fellBack: 0,
    diverted: 0,
    errors: 0,
    cacheHits: 0,
    inputTokens: 0,
    cachedInputTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    estimated: 0,
    cost: usd(300n),
    unpriced: 0,
    fallbackCost: usd(100n),
    fallbackUnpriced: 0,
    comparableCost: usd(300n),
    comparableFallbackCost: usd(100n),
    addedP50Ms: 1,
    addedP99Ms: 2,
    firstByteP50Ms: null,
    addedUs: 2_000,
    embedUs: 1_000,
    matchUs: 500,
    firstByteUs: 0,
    firstBytes: 0,
    totalUs: 9_000,
  };
  const query = { sinceMs: 0, untilMs: 1, by: 'route' as const };
  const reportOn = (sums: typeof group, embeddingPerHour: NanoUsd | null = null) =>
    makeReport({
      query,
      summary: { groups: [sums], total: sums },
      outcomes: [],
      outcomesOfAll: [],
      reasks: [],
      reasksOfAll: [],
      embeddingPerHour,
    });

  it('shows a loss as a negative saving', () => {
    const { rows } = reportOn(group);
    expect(rows[0]).toMatchObject({ saving: -200n, savingRate: -2, share: 1 });
  });

  it('never shows an unknown cost as zero', () => {
    const unpriced = { ...group, unpriced: 2, cost: usd(0n), comparableCost: usd(0n), comparableFallbackCost: usd(0n) };
    const { rows } = reportOn(unpriced);
    expect(rows[0]).toMatchObject({ cost: null, saving: null, savingRate: null, fallbackOnlyCost: 100n });
  });

  it('counts embedding at the rate that is set, in the saving too, and says so; or at $0, and says why', () => {
    const slow = { ...group, embedUs: 3_600_000_000, fallbackCost: usd(10_000n), comparableFallbackCost: usd(10_000n) };
    const priced = reportOn(slow, usd(1_000n));
    expect(priced.total).toMatchObject({
      embeddingCost: 1_000n,
      cost: 300n,
      saving: 8_700n,
      outcomes: { cost: 1_000n },
    });
    expect(priced.notes.join()).toMatch(/Embedding took 3600\.0 s, at \$0\.0000 an hour/);
    const free = reportOn(slow);
    expect(free.total).toMatchObject({ embeddingCost: 0n, saving: 9_700n });
    expect(free.notes.join()).toMatch(/counted as \$0: ledger\.embedding_usd_per_hour is not set/);
  });

  it('charges a rejected cheap answer and its second call to the row of the first, and the fallback alone once', () => {
    const named = (name: string, cost: bigint) => ({
      ...group,
      name,
      requests: 1,
      cost: usd(cost),
      comparableCost: usd(cost),
      fallbackCost: usd(90n),
      comparableFallbackCost: usd(90n),
    });
    const sums = (name: string, outcome: 'accepted' | 'rejected', cost: bigint): OutcomeSums => ({
      group: name,
      stratum: [name, 'a', '0.9', '64'],
      outcome,
      source: 'feedback',
      check: null,
      requests: 1,
      unpriced: 0,
      answers: 1,
      cost: usd(cost),
      comparable: 1,
      fallbackCost: usd(90n),
    });
    const again = sums('(explicit)', 'accepted', 90n);
    const outcomes = [sums('faq', 'rejected', 10n), again];
    const reasks = [{ of: 'faq', again }];
    const { rows, total } = makeReport({
      query,
      summary: {
        groups: [named('faq', 10n), named('(explicit)', 90n)],
        total: { ...named('', 100n), requests: 2, fallbackCost: usd(180n), comparableFallbackCost: usd(180n) },
      },
      outcomes,
      outcomesOfAll: outcomes,
      reasks,
      reasksOfAll: reasks,
      embeddingPerHour: null,
    });
    expect(rows[0]).toMatchObject({
      reasks: 1,
      cost: 10n,
      outcomes: { answers: 2, accepted: 1, rejected: 1, cost: 100n },
    });
    expect(rows[0].outcomes.perAccepted?.value).toBe(100n);
    expect(rows[0].outcomes.savingPerAccepted).toBe(-10n);
    expect(rows[1]).toMatchObject({ reasks: 0, saving: -90n, outcomes: { answers: 0, cost: 0n, sources: {} } });
    expect(total).toMatchObject({ reasks: 1, fallbackOnlyCost: 90n, saving: -10n, outcomes: { cost: 100n } });
  });

  it('splits the mean latency into its parts', () => {
    expect(reportOn(group).total.means).toEqual({
      embedMs: 0.5,
      matchMs: 0.25,
      addedMs: 1,
      firstByteMs: null,
      totalMs: 4.5,
    });
  });
});
