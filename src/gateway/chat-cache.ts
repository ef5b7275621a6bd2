/**
 * The exact cache as a chat request sees it: looked up before anything is embedded, filled after the reply has ended.
 * What may be cached, and for whom, is decided in `cache/policy.ts`; this file only asks it at the right moments.
 */

import type { Clock } from '../base/clock.ts';
import { type Replay, replay } from '../cache/answer-form.ts';
import type { CacheEntry, ExactCache } from '../cache/exact-cache.ts';
import { exactKey } from '../cache/exact-key.ts';
import {
  answerRefusal,
  type CacheControl,
  hitRefusal,
  lookupRefusal,
  parseCacheControl,
  type RouteCachePolicy,
  routeCachePolicy,
  storeRefusalAhead,
} from '../cache/policy.ts';
import type { Config } from '../config/schema.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import type { ChatRequest } from './chat-request.ts';
import { type ClientRequest, requestHeader } from './client-request.ts';
import { dialects } from './dialect.ts';
import type { ExchangeResult } from './exchange-result.ts';
import type { Plan } from './plan-form.ts';

export interface CacheLookup {
  /** null: this request takes no part in caching. */
  readonly key: string | null;
  readonly control: CacheControl;
  readonly hit: CacheHit | null;
}

export interface CacheHit {
  readonly entry: CacheEntry;
  /** The stored answer in the form that was asked for. */
  readonly answer: Replay;
}

export interface ChatCache {
  /** `routed`: the matcher is to decide (not pinned, forced or asked for by name). */
  look(request: ClientRequest, chat: ChatRequest, snapshot: Snapshot, routed: boolean): CacheLookup;
  /** Writes the stored answer, with the decision's headers. */
  replay(request: ClientRequest, hit: CacheHit, headers: readonly string[]): void;
  /** Whether the answer that comes may be stored; then it is worth keeping while it passes. */
  mayStore(chat: ChatRequest, snapshot: Snapshot, plan: Plan, lookup: CacheLookup): boolean;
  store(
    lookup: CacheLookup,
    answer: { readonly plan: Plan; readonly result: ExchangeResult; readonly snapshot: Snapshot },
  ): void;
  /** Answers above this are not kept. */
  readonly largestBody: number;
}

export function createChatCache(options: {
  readonly config: Config;
  readonly cache: ExactCache;
  readonly clock: Clock;
}): ChatCache {
  const { cache, clock } = options;
  const defaults = options.config.cache.exact;
  const largestBody = Math.min(1 << 20, Math.floor((defaults.max_mb * 1_048_576) / 8));
  // Monitor mode promises that every answer is the fallback's: a stored one would not be.
  const active = largestBody > 0 && options.config.routing.mode === 'route';
  const nothing: CacheLookup = { key: null, control: parseCacheControl(null), hit: null };

  function policyOf(snapshot: Snapshot, name: string | null): RouteCachePolicy | null {
    const route = name === null ? undefined : snapshot.routes.get(name);
    return route ? routeCachePolicy(route.cache, defaults) : null;
  }

  return {
    largestBody,
    look(request, chat, snapshot, routed) {
      if (!routed || !active || !snapshot.anyRouteCaches || !dialects[chat.dialect].cacheable) return nothing;
      const control = parseCacheControl(requestHeader(request, 'cache-control'));
      if (control.noStore && control.noCache) return nothing;
      const { bytes, members, model } = chat;
      const key = exactKey({
        namespace: snapshot.cacheNamespace,
        tenant: request.tenant.id,
        endpoint: chat.dialect,
        model,
        bytes,
        members,
      });
      const found = lookupRefusal(chat, control) === null ? cache.get(key) : null;
      if (found === null) return { key, control, hit: null };
      const ageMs = clock.now() - found.storedAt;
      if (hitRefusal(chat, control, { policy: policyOf(snapshot, found.route), ageMs }) !== null)
        return { key, control, hit: null };
      const answer = replay(found, { stream: chat.stream, includeUsage: chat.includeUsage === true });
      return { key, control, hit: answer === null ? null : { entry: found, answer } };
    },
    replay(request, { entry, answer }, headers) {
      const age = Math.max(0, Math.floor((clock.now() - entry.storedAt) / 1_000));
      const { contentType, body } = answer;
      request.outgoing.writeHead(200, [
        'content-type',
        contentType,
        'content-length',
        String(body.length),
        'age',
        String(age),
        ...headers,
      ]);
      request.outgoing.end(body);
    },
    mayStore(chat, snapshot, plan, lookup) {
      const policy = policyOf(snapshot, plan.route);
      return lookup.key !== null && policy !== null && storeRefusalAhead(chat, lookup.control, policy) === null;
    },
    store(lookup, { plan, result, snapshot }) {
      const policy = policyOf(snapshot, plan.route);
      const { body, model } = result;
      // An answer of another model than the route's (after a failover) is not the route's answer.
      if (lookup.key === null || policy === null || body === null || model === null || model !== plan.target) return;
      if (plan.route === null || answerRefusal(result) !== null) return;
      cache.set(
        lookup.key,
        {
          route: plan.route,
          model,
          contentType: result.stream ? 'text/event-stream; charset=utf-8' : 'application/json',
          form: result.stream ? 'sse' : 'json',
          body,
          storedAt: clock.now(),
          usage: result.usage,
        },
        policy.ttlMs,
      );
    },
  };
}
