/** The primary's desk and its workers over lines that lie within this process; the ledger is a real one that keeps nothing. */
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { ShuntError } from '../../src/base/errors.ts';
import { configSchema } from '../../src/config/schema.ts';
import { createQuota } from '../../src/gateway/quota.ts';
import { createNoStore } from '../../src/ledger/no-store.ts';
import { createRecorder } from '../../src/ledger/recorder.ts';
import { createDesk } from '../../src/workers/desk.ts';
import { openLine, type Port } from '../../src/workers/line.ts';
import type { News, ToPrimary, ToWorker } from '../../src/workers/messages.ts';

/** What is sent at one end arrives at the other, as a copy, in a later turn. */
function twoEnds(): readonly [Port, Port] {
  const [near, far] = [new EventEmitter(), new EventEmitter()];
  const end = (own: EventEmitter, other: EventEmitter): Port => ({
    send(message) {
      const copy: unknown = structuredClone(message);
      setTimeout(() => other.emit('message', copy), 0);
    },
    onMessage: (listener) => void own.on('message', listener),
  });
  return [end(near, far), end(far, near)];
}

function primary(limits: object) {
  const { keys } = configSchema.parse({
    auth: { keys: [{ name: 'app', hash: `sha256:${'a'.repeat(64)}`, ...limits }] },
  }).auth;
  const store = createNoStore();
  const recorder = createRecorder({
    store,
    flushMs: 5,
    maxQueued: 10,
    spill: null,
    clock: systemClock,
    onError(error) {
      throw error;
    },
  });
  const desk = createDesk({
    ledger: { store, recorder },
    quota: createQuota({ keys, clock: systemClock }),
    pins: { max: 10, ttlMs: 60_000 },
  });
  return {
    async join() {
      const [atDesk, atWorker] = twoEnds();
      const heard: News[] = [];
      const seat = desk.seat(atDesk, { ready() {}, failed() {} });
      const line = openLine<ToPrimary, ToWorker>(atWorker, {
        hear: (news) => void heard.push(news),
        answers: { metrics: () => [], flush: () => null, reload: () => true, stop: () => null },
      });
      heard.push(...(await line.ask('hello', null)));
      return { line, heard, seat };
    },
  };
}

test('a worker that asks to let a request in has heard by then what others had sent before', async () => {
  const { join } = primary({});
  const [one, two] = [await join(), await join()];
  const pin = { kind: 'pin', key: 'k', pin: { model: 'small', route: null } } as const;
  one.line.tell(pin);
  await one.line.ask('enter', null);
  await two.line.ask('enter', null);
  expect(two.heard).toEqual([pin]);
  expect(one.heard).toEqual([]);
});

test('a worker that joins later is told what stands, not what has been taken back', async () => {
  const { join } = primary({});
  const one = await join();
  const owner = { tenant: 't', model: 'large' };
  const hold = { kind: 'hold', key: 'app', route: null } as const;
  one.line.tell({ kind: 'pin', key: 'k', pin: { model: 'small', route: null } });
  one.line.tell({ kind: 'pin', key: 'k', pin: { model: 'large', route: null } });
  one.line.tell({ kind: 'owner', id: 'kept', owner });
  one.line.tell({ kind: 'owner', id: 'gone', owner });
  one.line.tell({ kind: 'owner', id: 'gone', owner: null });
  for (const amount of [5n, 7n, -5n]) one.line.tell({ ...hold, amount });
  await one.line.ask('enter', null);
  const { heard } = await join();
  expect(heard).toEqual([
    { kind: 'pin', key: 'k', pin: { model: 'large', route: null } },
    { kind: 'owner', id: 'kept', owner },
    { ...hold, amount: 7n },
  ]);
});

test('a key has its limit once, and gets back what a dead worker had of it', async () => {
  const { join } = primary({ max_in_flight: 2 });
  const [one, two] = [await join(), await join()];
  await one.line.ask('enter', 'app');
  await two.line.ask('enter', 'app');
  const refused = two.line.ask('enter', 'app');
  await expect(refused).rejects.toBeInstanceOf(ShuntError);
  await expect(refused).rejects.toMatchObject({ code: 'rate_limit_exceeded', retryAfterMs: 1_000 });
  one.line.tell({ kind: 'hold', key: 'app', route: 'r', amount: 9n });
  await one.line.ask('metrics', null);
  one.seat.leave('killed');
  await two.line.ask('enter', 'app');
  expect(two.heard.map((news) => (news.kind === 'hold' ? news.amount : null))).toEqual([9n, -9n]);
});

test('who waits for a worker that ends learns that it is gone', async () => {
  const { join } = primary({});
  const { seat } = await join();
  const asked = seat.line.ask('reload', 'test');
  seat.leave('SIGKILL');
  await expect(asked).rejects.toThrow('SIGKILL');
  await expect(seat.line.ask('flush', null)).rejects.toMatchObject({ code: 'draining' });
});

test('a question that is not answered in time is given up', async () => {
  const [near] = twoEnds();
  const line = openLine<ToPrimary, Record<string, never>>(near, { hear() {}, answers: {} });
  await expect(line.ask('hello', null, 5)).rejects.toMatchObject({ code: 'overloaded' });
});
