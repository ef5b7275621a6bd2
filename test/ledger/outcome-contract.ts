/** What every ledger that keeps something must do with outcomes; a part of the store's contract. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LedgerStore } from '../../src/ledger/contract.ts';
import type { ToldOutcome } from '../../src/ledger/outcome.ts';
import { sampleRecord, usd } from './sample-records.ts';

type Said = Partial<ToldOutcome['outcome']> & { readonly tenant?: string | null; readonly mayWait?: boolean };

export function tells(requestId: string, said: Said = {}): ToldOutcome {
  const { tenant = 'key:app-a', mayWait = false, ...outcome } = said;
  return {
    reference: { by: 'request', id: requestId, mayWait },
    tenant,
    outcome: {
      time: 1_780_000_100_000,
      source: 'feedback',
      accepted: true,
      score: null,
      reason: null,
      actor: 'app-a',
      metadata: null,
      ...outcome,
    },
  };
}

export function describeOutcomes(name: string, open: () => Promise<LedgerStore>): void {
  describe(`outcomes in the ledger: ${name}`, () => {
    let store: LedgerStore;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    const all = { sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER } as const;
    const held = async () =>
      (await store.page({ ...all, limit: 99, after: null })).map(({ id, outcome }) => [id, outcome?.accepted ?? null]);

    it('keeps all that was told, and holds the latest', async () => {
      await store.append([sampleRecord({ id: 'a' })]);
      const first = tells('a', { accepted: false, score: 0.25, reason: 'wrong "city"', metadata: '{"who":"qa"}' });
      expect(await store.tell([first])).toEqual([{ state: 'recorded', requestId: 'a' }]);
      expect(await store.tell([tells('a', { source: 'thumbs' })])).toEqual([{ state: 'recorded', requestId: 'a' }]);
      expect(await store.outcomes('a')).toEqual([
        { ...first.outcome, requestId: 'a' },
        { ...tells('a').outcome, source: 'thumbs', requestId: 'a' },
      ]);
      const [entry] = await store.page({ ...all, limit: 9, after: null });
      expect(entry.outcome).toEqual({ accepted: true, score: null, source: 'thumbs' });
    });

    it('takes the same outcome again as told already, whenever it was told', async () => {
      await store.append([sampleRecord({ id: 'a' })]);
      await store.tell([tells('a')]);
      expect(await store.tell([tells('a', { time: 1_790_000_000_000 })])).toEqual([
        { state: 'unchanged', requestId: 'a' },
      ]);
      expect(await store.outcomes('a')).toHaveLength(1);
      await store.tell([tells('a', { accepted: false }), tells('a')]);
      expect((await store.outcomes('a')).map(({ accepted }) => accepted)).toEqual([true, false, true]);
    });

    it('tells one tenant nothing about another’s decisions, and an admin about all', async () => {
      await store.append([sampleRecord({ id: 'a', responseId: 'chatcmpl-a' })]);
      const foreign = { tenant: 'key:app-b', mayWait: true };
      const byResponse = (tenant: string | null): ToldOutcome => ({
        ...tells('a', { tenant }),
        reference: { by: 'response', id: 'chatcmpl-a', mayWait: true },
      });
      expect(await store.tell([tells('a', foreign), byResponse('key:app-b')])).toEqual([
        { state: 'unknown', requestId: null },
        { state: 'unknown', requestId: null },
      ]);
      expect(await store.outcomes('a')).toEqual([]);
      expect(await store.tell([byResponse(null)])).toEqual([{ state: 'recorded', requestId: 'a' }]);
    });

    it('finds the latest of several answers of one id that are the tenant’s own', async () => {
      await store.append([
        sampleRecord({ id: 'a', time: 1, responseId: 'resp_1' }),
        sampleRecord({ id: 'b', time: 2, responseId: 'resp_1' }),
        sampleRecord({ id: 'c', time: 3, responseId: 'resp_1', tenant: 'key:app-b' }),
      ]);
      const told = { ...tells(''), reference: { by: 'response', id: 'resp_1', mayWait: false } } as const;
      expect(await store.tell([told])).toEqual([{ state: 'recorded', requestId: 'b' }]);
    });

    it('keeps what comes before its decision until that is appended, if it may', async () => {
      expect(await store.tell([tells('a', { mayWait: false })])).toEqual([{ state: 'unknown', requestId: null }]);
      const early = [
        tells('a', { mayWait: true, accepted: false }),
        tells('a', { mayWait: true, accepted: false }),
        tells('a', { mayWait: true }),
        { ...tells('', { accepted: false }), reference: { by: 'response', id: 'msg_b', mayWait: true } } as const,
        tells('b', { mayWait: true, tenant: 'key:app-b', accepted: true }),
      ];
      const states = (await store.tell(early)).map(({ state }) => state);
      expect(states).toEqual(['pending', 'pending', 'pending', 'pending', 'pending']);
      await store.append([sampleRecord({ id: 'other' })]);
      await store.append([sampleRecord({ id: 'a' }), sampleRecord({ id: 'b', responseId: 'msg_b' })]);
      expect(await held()).toEqual([
        ['a', true],
        ['b', false],
        ['other', null],
      ]);
      expect((await store.outcomes('a')).map(({ accepted }) => accepted)).toEqual([false, true]);
      await store.append([sampleRecord({ id: 'a' })]);
      expect(await store.outcomes('a')).toHaveLength(2);
    });

    it('adds up costs by group, stratum, outcome, source and verdict, priced and unpriced apart', async () => {
      await store.append([
        sampleRecord({ id: '1', cost: usd(3n), fallbackCost: usd(10n), score: 0.95, tags: ['x', 'y'] }),
        sampleRecord({ id: '2', cost: usd(4n), fallbackCost: null, score: 0.95, tags: ['x'] }),
        sampleRecord({ id: '3', cost: null, fallbackCost: usd(10n), score: null, tags: [] }),
        sampleRecord({ id: '4', cost: usd(5n), fallbackCost: usd(2n), score: 0.05, verdict: 'cut', tags: ['x'] }),
      ]);
      await store.tell([tells('1'), tells('2'), tells('4', { accepted: false, source: 'thumbs' })]);
      const sums = await store.outcomeSums({ ...all, by: 'route', strata: ['score', 'length'] });
      const byOutcome = new Map(sums.map((row) => [row.outcome, row]));
      expect(sums).toHaveLength(3);
      expect(byOutcome.get('accepted')).toEqual({
        group: 'translation',
        stratum: ['0.9', '64'],
        outcome: 'accepted',
        source: 'feedback',
        check: null,
        requests: 2,
        unpriced: 0,
        answers: 2,
        cost: 7n,
        comparable: 1,
        fallbackCost: 10n,
      });
      expect(byOutcome.get('rejected')).toMatchObject({
        stratum: ['0', '64'],
        source: 'thumbs',
        check: 'cut',
        cost: 5n,
      });
      expect(byOutcome.get('unknown')).toMatchObject({
        stratum: ['(none)', '64'],
        source: null,
        unpriced: 1,
        cost: 0n,
      });
      const byTag = await store.outcomeSums({ ...all, by: 'tag', strata: [] });
      const requests = (group: string) =>
        byTag.filter((row) => row.group === group).reduce((sum, row) => sum + row.requests, 0);
      expect([requests('x'), requests('y'), requests('(untagged)')]).toEqual([3, 1, 1]);
      expect(await store.outcomeSums({ sinceMs: 0, untilMs: 1, by: null, strata: [] })).toEqual([]);
    });

    it('takes embeddings and passed-through requests for no answers, unless somebody judged one', async () => {
      await store.append([
        sampleRecord({ id: '1', reason: 'own-embedding', cost: usd(1n) }),
        sampleRecord({ id: '2', reason: 'pass-through', cost: usd(2n) }),
        sampleRecord({ id: '3', reason: 'pass-through', cost: usd(4n) }),
        sampleRecord({ id: '4', cost: null }),
      ]);
      await store.tell([tells('3')]);
      const sums = await store.outcomeSums({ ...all, by: null, strata: [] });
      const counts = sums.map(({ outcome, answers, cost }) => [outcome, answers, cost]).sort();
      expect(counts).toEqual([
        ['accepted', 1, 4n],
        ['unknown', 0, 3n],
      ]);
    });

    it('finds rejected cheap answers that were asked again of the strong model soon after', async () => {
      const time = 1_780_000_000_000;
      const again = { route: null, reason: 'explicit-model', model: 'large', fallbackCost: usd(7n) } as const;
      await store.append([
        sampleRecord({ id: 'first', time, prompt: 'hmac:1' }),
        sampleRecord({ id: 'again', time: time + 60_000, prompt: 'hmac:1', ...again }),
        sampleRecord({ id: 'late', time: time + 3_600_000, prompt: 'hmac:1', ...again }),
        sampleRecord({ id: 'accepted', time, prompt: 'hmac:2' }),
        sampleRecord({ id: 'no reask', time: time + 1, prompt: 'hmac:2', ...again }),
        sampleRecord({ id: 'elsewhere', time: time + 1, prompt: 'hmac:1', tenant: 'key:app-b', ...again }),
        sampleRecord({ id: 'somebody', time: time + 1, prompt: 'hmac:1', person: 'hmac:x', ...again }),
        sampleRecord({ id: 'unkept', time, prompt: null }),
        sampleRecord({ id: 'unkept again', time: time + 1, prompt: null, ...again }),
      ]);
      await store.tell([
        tells('first', { accepted: false }),
        tells('accepted'),
        tells('unkept', { accepted: false }),
        tells('again'),
      ]);
      const [reask, ...more] = await store.reasks({ ...all, by: 'route', strata: ['score'] });
      expect(more).toEqual([]);
      expect(reask).toMatchObject({
        of: 'translation',
        again: { group: '(explicit)', outcome: 'accepted', requests: 1, answers: 1, cost: 30_000n, fallbackCost: 7n },
      });
      expect(await store.reasks({ ...all, by: 'key', strata: [] })).toMatchObject([{ of: 'app-a' }]);
      const byTag = await store.reasks({ ...all, by: 'tag', strata: [] });
      expect(byTag.map(({ of, again: { group } }) => [of, group]).sort()).toEqual([
        ['batch', 'batch'],
        ['team-x', 'team-x'],
      ]);
    });

    it('forgets outcomes with their decisions, the old and the erased', async () => {
      await store.append([sampleRecord({ id: 'old', time: 1 }), sampleRecord({ id: 'new', key: 'app-b' })]);
      await store.tell([tells('old'), tells('new', { actor: 'app-a' }), tells('later', { mayWait: true })]);
      expect(await store.prune(2)).toBe(1);
      expect(await store.outcomes('old')).toEqual([]);
      // Who told it is forgotten with the key; what was told of another key's request stays.
      expect(await store.erase({ by: 'key', value: 'app-a' })).toBe(0);
      expect((await store.outcomes('new')).map(({ actor, accepted }) => [actor, accepted])).toEqual([[null, true]]);
      await store.append([sampleRecord({ id: 'later', key: 'app-c' })]);
      expect(await store.outcomes('later')).toEqual([]);
    });
  });
}
