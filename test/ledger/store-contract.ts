/** What every ledger that keeps something must do; each implementation runs it in a few lines. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LedgerStore } from '../../src/ledger/contract.ts';
import type { SummaryDimension } from '../../src/ledger/dimension.ts';
import type { DecisionRecord } from '../../src/ledger/record.ts';
import { describeOutcomes } from './outcome-contract.ts';
import { emptiestRecord, sampleRecord, usd } from './sample-records.ts';

export function describeLedgerStore(name: string, open: () => Promise<LedgerStore>): void {
  describeOutcomes(name, open);
  describe(`the ledger store contract: ${name}`, () => {
    let store: LedgerStore;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    const all = { sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER } as const;

    it('gives back exactly what was appended, full or empty in every column', async () => {
      const full = sampleRecord({
        id: 'full',
        errorCode: 'backend_error',
        wouldRoute: 'faq',
        truncated: true,
        responseId: 'chatcmpl-1',
        verdict: 'schema-mismatch',
        person: 'hmac:xyz',
      });
      const empty = emptiestRecord('empty');
      await store.append([full, empty]);
      expect(await store.find('full')).toEqual(full);
      expect(await store.find('empty')).toEqual(empty);
      expect(await store.find('other')).toBeNull();
    });

    it('keeps text as it is: quotes, newlines, emoji, zero bytes excepted', async () => {
      const record = sampleRecord({
        id: "o'1",
        prompt: 'a "b"\n\'; drop table decisions; -- 👩‍💻 翻訳',
        tags: ['x"y', 'ü'],
      });
      await store.append([record]);
      expect(await store.find("o'1")).toEqual(record);
    });

    it('keeps amounts beyond what a float holds, to the nano-dollar', async () => {
      const cost = usd(9_007_199_254_740_993n);
      await store.append([sampleRecord({ id: 'a', cost }), sampleRecord({ id: 'b', cost })]);
      expect((await store.find('a'))?.cost).toBe(cost);
      expect((await store.spentSince(0)).get('app-a')).toBe(2n * cost);
    });

    it('counts a record once, however often it is appended, and keeps the first', async () => {
      const first = sampleRecord({ id: 'a' });
      await store.append([first]);
      await store.append([sampleRecord({ id: 'a', route: 'faq' }), sampleRecord({ id: 'b' })]);
      expect(await store.find('a')).toEqual(first);
      expect((await store.summarise({ ...all, by: 'route' })).total.requests).toBe(2);
    });

    it('appends all records of a call or none', async () => {
      const broken = { ...sampleRecord({ id: 'bad' }), status: null } as unknown as DecisionRecord;
      await expect(store.append([sampleRecord({ id: 'good' }), broken])).rejects.toMatchObject({
        code: 'ledger_failed',
      });
      expect(await store.find('good')).toBeNull();
      await store.append([sampleRecord({ id: 'good' })]);
      expect(await store.find('good')).not.toBeNull();
    });

    it('takes an empty batch and a large one', async () => {
      await store.append([]);
      await store.append(Array.from({ length: 5_000 }, (_, i) => sampleRecord({ id: `r${i}` })));
      expect((await store.summarise({ ...all, by: 'route' })).total.requests).toBe(5_000);
    });

    it('adds up what each key spent since a time, leaving out anonymous and unpriced requests', async () => {
      await store.append([
        sampleRecord({ id: '1', time: 99, key: 'a', cost: usd(1n) }),
        sampleRecord({ id: '2', time: 100, key: 'a', cost: usd(2n) }),
        sampleRecord({ id: '3', time: 101, key: 'a', cost: usd(4n) }),
        sampleRecord({ id: '4', time: 101, key: 'b', cost: usd(8n) }),
        sampleRecord({ id: '5', time: 101, key: null, cost: usd(16n) }),
        sampleRecord({ id: '6', time: 101, key: 'c', cost: null }),
      ]);
      expect(await store.spentSince(100)).toEqual(
        new Map([
          ['a', 6n],
          ['b', 8n],
        ]),
      );
      expect(await store.spentSince(102)).toEqual(new Map());
    });

    it('adds up what each route spent, leaving out requests without one', async () => {
      await store.append([
        sampleRecord({ id: '1', time: 100, route: 'a', cost: usd(2n) }),
        sampleRecord({ id: '2', time: 101, route: 'a', key: null, cost: usd(4n) }),
        sampleRecord({ id: '3', time: 101, route: null, cost: usd(8n) }),
      ]);
      expect(await store.spentSince(100, 'route')).toEqual(new Map([['a', 6n]]));
    });

    it('deletes what is older than a time, and only that', async () => {
      const records = Array.from({ length: 4_500 }, (_, i) => sampleRecord({ id: `r${i}`, time: i }));
      await store.append(records);
      expect(await store.prune(4_400)).toBe(4_400);
      expect(await store.find('r4399')).toBeNull();
      expect(await store.find('r4400')).not.toBeNull();
      expect(await store.prune(4_400)).toBe(0);
    });

    it('summarises nothing as nothing', async () => {
      const summary = await store.summarise({ ...all, by: 'route' });
      expect(summary.groups).toEqual([]);
      expect(summary.total).toMatchObject({ requests: 0, cost: 0n, addedP50Ms: null });
    });

    it('takes the start of the time range and leaves out its end', async () => {
      await store.append([10, 20, 30].map((time) => sampleRecord({ id: `t${time}`, time })));
      const summary = await store.summarise({ sinceMs: 10, untilMs: 30, by: 'route' });
      expect(summary.total.requests).toBe(2);
    });

    it('pages through a period, each decision once, oldest first, those of one moment by id', async () => {
      const records = Array.from({ length: 25 }, (_, i) => sampleRecord({ id: `r${i}`, time: 10 + Math.floor(i / 7) }));
      await store.append([...records].reverse());
      const seen: DecisionRecord[] = [];
      for (let after: DecisionRecord | null = null; ; ) {
        const page = await store.page({ sinceMs: 11, untilMs: 13, limit: 4, after });
        expect(page.length).toBeLessThanOrEqual(4);
        seen.push(...page);
        after = page.at(-1) ?? null;
        if (after === null) break;
        if (seen.length === 4) await store.append([sampleRecord({ id: 'late', time: 12 })]);
      }
      const wanted = [
        ...records.filter(({ time }) => time === 11 || time === 12),
        sampleRecord({ id: 'late', time: 12 }),
      ].map((record) => ({ ...record, outcome: null }));
      const order = (a: DecisionRecord, b: DecisionRecord) => a.time - b.time || (a.id < b.id ? -1 : 1);
      expect(seen).toEqual(wanted.sort(order));
      expect(await store.page({ sinceMs: 50, untilMs: 60, limit: 4, after: null })).toEqual([]);
    });

    it('summarises each dimension: sums to the nano-dollar, shares, percentiles by nearest rank', async () => {
      const day = 86_400_000;
      const latency = (addedMs: number, firstByteMs: number | null) => ({
        addedMs,
        embedMs: 0.1,
        matchMs: 0.05,
        firstByteMs,
        totalMs: 50,
      });
      await store.append([
        sampleRecord({ id: '1', time: day, route: 'faq', cost: usd(10n), tags: ['x', 'y'], latency: latency(1, 10) }),
        sampleRecord({ id: '2', time: day, route: 'faq', cost: null, tags: [], latency: latency(2, 30) }),
        sampleRecord({
          id: '3',
          time: 2 * day,
          route: null,
          wouldRoute: 'faq',
          reason: 'backend-error',
          status: 503,
          tags: ['x'],
          latency: latency(3, null),
        }),
        sampleRecord({
          id: '4',
          time: 2 * day,
          route: null,
          wouldRoute: 'joke',
          reason: 'explicit-model',
          key: null,
          tags: ['x'],
          latency: latency(4, 20),
        }),
      ]);
      const byRoute = await store.summarise({ ...all, by: 'route' });
      expect(byRoute.groups.map(({ name, requests, diverted }) => [name, requests, diverted])).toEqual([
        ['faq', 2, 1],
        ['(explicit)', 1, 0],
        ['fallback', 1, 0],
        ['joke', 0, 1],
      ]);
      expect(byRoute.groups[0]).toMatchObject({
        cost: 10n,
        unpriced: 1,
        comparableCost: 10n,
        comparableFallbackCost: 1_000_000n,
      });
      expect(byRoute.total).toMatchObject({
        requests: 4,
        asked: 3,
        fellBack: 1,
        errors: 1,
        inputTokens: 400,
        addedP50Ms: 2,
        addedP99Ms: 4,
        firstByteP50Ms: 20,
        addedUs: 10_000,
        firstBytes: 3,
      });
      const names = async (by: SummaryDimension) =>
        (await store.summarise({ ...all, by })).groups.map(({ name, requests }) => `${name} ${requests}`);
      expect(await names('day')).toEqual(['1970-01-02 2', '1970-01-03 2']);
      expect(await names('tag')).toEqual(['x 3', '(untagged) 1', 'y 1']);
      expect(await names('key')).toEqual(['app-a 3', '(anonymous) 1']);
      const byTag = await store.summarise({ ...all, by: 'tag' });
      expect(byTag.total).toEqual(byRoute.total);
    });

    it('erases what belongs to a key, a tag or a person, and nothing else', async () => {
      await store.append([
        sampleRecord({ id: '1', key: 'app-a', tags: ['x', 'team "a"'], person: 'hmac:p' }),
        sampleRecord({ id: '2', key: 'app-b', tags: ['xx'], person: null }),
        sampleRecord({ id: '3', key: 'app-c', tags: [], person: 'hmac:p' }),
        sampleRecord({ id: '4', key: 'app-c', tags: ['x'], person: 'hmac:q' }),
      ]);
      const left = async () => (await store.page({ ...all, limit: 9, after: null })).map(({ id }) => id);
      expect(await store.erase({ by: 'tag', value: 'team "a"' })).toBe(1);
      expect(await left()).toEqual(['2', '3', '4']);
      expect(await store.erase({ by: 'person', value: 'hmac:p' })).toBe(1);
      expect(await store.erase({ by: 'key', value: 'app-b' })).toBe(1);
      expect(await store.erase({ by: 'key', value: 'app-b' })).toBe(0);
      expect(await left()).toEqual(['4']);
    });

    it('rejects every call after it was closed, and closes twice without harm', async () => {
      await store.close();
      await store.close();
      await expect(store.append([sampleRecord({ id: 'late' })])).rejects.toMatchObject({ code: 'ledger_failed' });
    });
  });
}
