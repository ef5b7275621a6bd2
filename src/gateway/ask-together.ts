/**
 * Asks a backend for a request whose answer may be stored: alone, as the first of several who ask the same now, or as one
 * of those who come after it and share its answer (`coalesce.ts`). Says under which plan, and at whose cost.
 */
import type { CachePlace, ChatCache } from './chat-cache.ts';
import type { Coalescer } from './coalesce.ts';
import type { ExchangeRequest, ExchangeResult } from './exchange-result.ts';
import type { Plan } from './plan-form.ts';
import type { PlannedChat } from './planned-chat.ts';

/** Who gets the answer. */
export type Receiver = Pick<ExchangeRequest, 'client' | 'signal' | 'ownHeaders'>;

export interface Asking {
  readonly ask: (receiver: Receiver) => Promise<ExchangeResult>;
  readonly ownHeaders: (cache: 'hit' | 'miss', plan: Plan) => Receiver['ownHeaders'];
}

export interface Asked {
  readonly plan: Plan;
  /** `hit`: nothing was bought for this request. */
  readonly cache: 'hit' | 'miss' | 'bypass';
  readonly result: ExchangeResult;
}

export function createAskTogether(options: { readonly cache: ChatCache; readonly coalescer: Coalescer }) {
  const { cache, coalescer } = options;
  return async (step: PlannedChat, place: CachePlace, { ask, ownHeaders }: Asking): Promise<Asked> => {
    const { plan, chat } = step;
    const { outgoing: client, signal } = step.request;
    const mine = { client, signal, ownHeaders: ownHeaders('miss', plan) };
    const missed = (result: ExchangeResult): Asked => ({ plan, cache: 'miss', result });
    const keep = (result: ExchangeResult) => cache.store(step, place, result);
    if (place.mayTake) {
      const followed: Plan = { ...plan, reason: 'coalesced' };
      const listener = { client, signal, ownHeaders: ownHeaders('hit', followed) };
      const shared = await coalescer.follow(place.callKey, listener, chat.stream);
      if (shared?.outcome === 'alone') {
        const result = await ask(mine);
        keep(result);
        return missed(result);
      }
      if (shared) return { plan: followed, cache: 'hit', result: followedResult(shared.result, shared.outcome) };
    }
    const led = await coalescer.lead(place.callKey, mine, { make: ask, onResult: keep });
    return missed(led.outcome === 'gone' ? { ...led.result, ...gone } : led.result);
  };
}

/** The call went on for others, and is paid for by whom it was made for, who did not stay for its end. */
const gone = { status: 499, errorCode: 'client_closed_request', truncated: true } as const;

function followedResult(result: ExchangeResult, outcome: 'answered' | 'gone'): ExchangeResult {
  const { usage } = result;
  const bought = { attempts: 0, failures: [], firstByteMs: null };
  const replayed = usage === null ? null : { ...usage, source: 'cached' as const };
  return { ...result, ...bought, usage: replayed, ...(outcome === 'gone' ? gone : {}) };
}
