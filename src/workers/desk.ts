/**
 * The primary process as its workers see it: it writes the one ledger, counts each key's requests, keeps what a new worker
 * must know, passes news on and adds metrics up. It serves no request itself.
 */
import { LRUCache } from 'lru-cache';
import type { KeyConfig } from '../config/schema.ts';
import { type Owner, ownerBounds } from '../gateway/owners.ts';
import type { Pin } from '../gateway/pin.ts';
import type { Quota } from '../gateway/quota.ts';
import type { OpenLedger } from '../ledger/open-ledger.ts';
import { createPrimaryMetrics } from '../telemetry/merge-metrics.ts';
import { type Line, openLine, type Port } from './line.ts';
import type { News, ToPrimary, ToWorker, WorkerReady } from './messages.ts';

export interface Desk {
  /** A worker has been started. `told`: what it says of its start. */
  seat(
    port: Port,
    told: { readonly ready: (ready: WorkerReady) => void; readonly failed: (message: string) => void },
  ): Seat;
  /** The keys of a reloaded config. */
  limit(keys: readonly KeyConfig[]): void;
}

export interface Seat {
  readonly line: Line<ToWorker>;
  /** It has ended: its requests are over. */
  leave(why: string): void;
}

interface Seated {
  readonly line: Line<ToWorker>;
  hears: boolean;
  /** By key: requests under way. */
  readonly inside: Map<string, number>;
  /** By key and route: what is held of their budgets. */
  readonly holds: Map<string, Extract<News, { kind: 'hold' }>>;
}

/** A worker that is busy for so long is left out of a sum, and its latest records are not waited for. */
const gatherMs = 2_000;

export function createDesk(options: {
  readonly ledger: OpenLedger;
  readonly quota: Quota;
  readonly pins: { readonly max: number; readonly ttlMs: number };
}): Desk {
  const { store, recorder } = options.ledger;
  const { quota } = options;
  const pins = new LRUCache<string, Pin>({ max: options.pins.max, ttl: options.pins.ttlMs });
  const owners = new LRUCache<string, Owner>({ max: ownerBounds.max, ttl: ownerBounds.ttlMs });
  const seated = new Set<Seated>();
  const readOwn = createPrimaryMetrics({
    workers: () => seated.size,
    ledgerQueued: () => recorder.queued,
    ledgerDropped: () => recorder.dropped,
  });

  return {
    seat(port, told) {
      const line = openLine<ToWorker, ToPrimary>(port, {
        hear: (news) => hear(worker, news),
        answers: {
          hello() {
            worker.hears = true;
            return standing();
          },
          ready(ready) {
            told.ready(ready);
            return null;
          },
          failed({ message }) {
            told.failed(message);
            return null;
          },
          // What other workers sent before this was asked may lie unread in their channels. It is read in this turn of
          // the event loop, and the answer goes at its end, with that news.
          enter(key) {
            if (key !== null) {
              quota.admit(key);
              worker.inside.set(key, (worker.inside.get(key) ?? 0) + 1);
            }
            return null;
          },
          async append(records) {
            for (const record of records) recorder.record(record);
            await recorder.flush();
            return null;
          },
          ledger: askLedger,
          metrics: async () => [await readOwn(), ...(await gather('metrics'))],
        },
      });
      const worker: Seated = { line, hears: false, inside: new Map(), holds: new Map() };
      seated.add(worker);
      return {
        line,
        leave(why) {
          seated.delete(worker);
          line.lose(why);
          for (const [key, count] of worker.inside) for (let i = 0; i < count; i++) quota.leave(key);
          for (const hold of worker.holds.values()) passOn(worker, { ...hold, amount: -hold.amount });
        },
      };
    },
    limit: (keys) => quota.limit(keys),
  };

  function hear(worker: Seated, news: News): void {
    if (news.kind === 'left') {
      quota.leave(news.key);
      worker.inside.set(news.key, Math.max(0, (worker.inside.get(news.key) ?? 0) - 1));
      return;
    }
    if (news.kind === 'pin') pins.set(news.key, news.pin);
    if (news.kind === 'owner' && news.owner !== null) owners.set(news.id, news.owner);
    if (news.kind === 'owner' && news.owner === null) owners.delete(news.id);
    if (news.kind === 'hold') addHold(worker, news);
    passOn(worker, news);
  }

  function addHold(worker: Seated, news: Extract<News, { kind: 'hold' }>): void {
    const place = JSON.stringify([news.key, news.route]);
    const amount = (worker.holds.get(place)?.amount ?? 0n) + news.amount;
    if (amount === 0n) worker.holds.delete(place);
    else worker.holds.set(place, { ...news, amount });
  }

  function passOn(from: Seated, news: News): void {
    for (const worker of seated) if (worker !== from && worker.hears) worker.line.tell(news);
  }

  /** Oldest first, so that what is kept longest is told last. */
  function standing(): News[] {
    return [
      ...[...pins.entries()].reverse().map(([key, pin]) => ({ kind: 'pin', key, pin }) as const),
      ...[...owners.entries()].reverse().map(([id, owner]) => ({ kind: 'owner', id, owner }) as const),
      ...[...seated].flatMap(({ holds }) => [...holds.values()]),
    ];
  }

  /** A decision, or what is told of it, may be asked of another worker than the one that still has its record. */
  async function askLedger({ method, args }: ToPrimary['ledger']['input']): Promise<unknown> {
    if (method === 'find') {
      const [id] = args as Parameters<typeof recorder.find>;
      const found = await recorder.find(id);
      if (found !== null) return found;
      await gather('flush');
      return recorder.find(id);
    }
    if (method === 'tell' || method === 'spentSince') await gather('flush');
    const ask = store[method] as (...given: readonly unknown[]) => Promise<unknown>;
    return ask(...args);
  }

  async function gather<Q extends 'metrics' | 'flush'>(question: Q): Promise<ToWorker[Q]['output'][]> {
    const asked = [...seated].filter(({ hears }) => hears).map(({ line }) => line.ask(question, null, gatherMs));
    const told = await Promise.allSettled(asked);
    return told.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  }
}
