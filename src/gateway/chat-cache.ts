/**
 * The caches as a chat request sees them:
 *
 *   look    memory, before anything is embedded: a key needs no route
 *   place   once the plan is known: may this request take a stored answer, may its own be stored?
 *   find    the database, then the semantic cache: only for requests that have a place
 *   store   after the answer
 *
 * What may be cached, and for whom, is decided in `cache/policy.ts`; this file only asks it at the right moments.
 */

import type { Clock } from '../base/clock.ts';
import { type Replay, replay } from '../cache/answer-form.ts';
import type { CacheEntry } from '../cache/exact-cache.ts';
import { exactKey } from '../cache/exact-key.ts';
import type { AnswerLevels } from '../cache/exact-levels.ts';
import {
  answerRefusal,
  type CacheControl,
  hitRefusal,
  lookupRefusal,
  noCacheControl,
  parseCacheControl,
  type RouteCachePolicy,
  routeCachePolicy,
  storeRefusalAhead,
  wayRefusal,
} from '../cache/policy.ts';
import type { Config } from '../config/schema.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import type { ChatRequest } from './chat-request.ts';
import { type ClientRequest, requestHeader, requestTags } from './client-request.ts';
import { dialects } from './dialect.ts';
import type { ExchangeResult } from './exchange-result.ts';
import { queryOf } from './pass-through.ts';
import { mayTakeRoute } from './permission.ts';
import { personOf } from './person.ts';
import type { PlannedChat } from './planned-chat.ts';
import type { SemanticPlace, SemanticStep } from './semantic-step.ts';

export interface CacheLookup {
  /** null: not known, or not worth knowing. */
  readonly key: string | null;
  readonly control: CacheControl;
  readonly hit: CacheHit | null;
}

export interface CacheHit {
  readonly kind: 'hit' | 'semantic';
  /** Of the two prompts; null for an exact hit. */
  readonly similarity: number | null;
  readonly entry: CacheEntry;
  /** The stored answer in the form that was asked for. */
  readonly answer: Replay;
}

/** What a planned request may do with the caches. */
export interface CachePlace {
  readonly key: string;
  /** Equal for requests that one backend call can answer byte for byte. */
  readonly callKey: string;
  readonly policy: RouteCachePolicy;
  readonly control: CacheControl;
  readonly mayTake: boolean;
  readonly mayStore: boolean;
  readonly semantic: SemanticPlace | null;
}

export interface ChatCache {
  /** `unpinned`: the matcher is to decide (not pinned, forced or asked for by name). */
  look(request: ClientRequest, chat: ChatRequest, snapshot: Snapshot, unpinned: boolean): CacheLookup;
  /** What the request's route says of caching; null: there is no such route. */
  policyFor(step: PlannedChat): RouteCachePolicy | null;
  /** The key of a request that the matcher alone decides. */
  keyFor(step: PlannedChat): string;
  /** null: the request takes no part in caching. */
  place(step: PlannedChat, lookup: CacheLookup): CachePlace | null;
  /** Not a promise where memory alone is asked. */
  find(step: PlannedChat, place: CachePlace): CacheHit | null | Promise<CacheHit | null>;
  /** Writes the stored answer, with the decision's headers. */
  replay(request: ClientRequest, hit: CacheHit, headers: readonly string[]): void;
  store(step: PlannedChat, place: CachePlace, result: ExchangeResult): void;
  /** Answers above this are not kept. */
  readonly largestBody: number;
}

export function createChatCache(options: {
  readonly config: Config;
  readonly cache: AnswerLevels;
  readonly semantic: SemanticStep | null;
  readonly hashPerson: (person: string) => string | null;
  readonly clock: Clock;
}): ChatCache {
  const { cache, clock, semantic } = options;
  const defaults = options.config.cache;
  const largestBody = Math.min(1 << 20, Math.floor((defaults.exact.max_mb * 1_048_576) / 8));
  // Monitor mode promises that every answer is the fallback's: a stored one would not be.
  const active = largestBody > 0 && options.config.routing.mode === 'route';
  const fallbackPolicy = routeCachePolicy(defaults.fallback, defaults);
  const fallbackCaches = fallbackPolicy.mode !== 'none';
  const nothing: CacheLookup = { key: null, control: noCacheControl, hit: null };

  return {
    largestBody,
    look,
    policyFor: ({ snapshot, plan }) => policyOf(snapshot, plan.route),
    keyFor: (step) => keyOf(step, ''),
    place,
    find,
    replay: writeReplay,
    store,
  };

  /** null: there is no such route any more. */
  function policyOf(snapshot: Snapshot, name: string | null): RouteCachePolicy | null {
    if (name === null) return fallbackPolicy;
    const route = snapshot.routes.get(name);
    return route ? routeCachePolicy(route.cache, defaults) : null;
  }

  /** Nothing more is done, or known, of a request where nobody opts in. */
  function takesPart(chat: ChatRequest, snapshot: Snapshot): boolean {
    return active && (snapshot.anyRouteCaches || fallbackCaches) && dialects[chat.dialect].cacheable;
  }

  function look(request: ClientRequest, chat: ChatRequest, snapshot: Snapshot, unpinned: boolean): CacheLookup {
    const header = requestHeader(request, 'cache-control');
    const control = header === null ? noCacheControl : parseCacheControl(header);
    if (!unpinned || !takesPart(chat, snapshot)) return header === null ? nothing : { key: null, control, hit: null };
    if (control.noStore && control.noCache) return { key: null, control, hit: null };
    const key = keyOf({ request, chat, snapshot }, '');
    const entry = lookupRefusal(chat, control) === null ? cache.get(key) : null;
    const hit = entry === null ? null : served({ request, chat, snapshot }, control, entry);
    return { key, control, hit };
  }

  function keyOf({ request, chat, snapshot }: Omit<PlannedChat, 'plan'>, aim: string): string {
    return exactKey({
      namespace: snapshot.cacheNamespace,
      tenant: request.tenant.id,
      endpoint: chat.dialect + queryOf(request.incoming),
      model: chat.model,
      aim,
      bytes: chat.bytes,
      members: chat.members,
    });
  }

  /** The entry as a hit, when its route still lets it be served to this request in this form. */
  function served(asked: Omit<PlannedChat, 'plan'>, control: CacheControl, entry: CacheEntry): CacheHit | null {
    const { request, chat, snapshot } = asked;
    // The key says so already. Whatever else should ever go wrong, nobody is told what another was told.
    if (entry.tenant !== request.tenant.id) return null;
    const policy = policyOf(snapshot, entry.route);
    const found = { policy, ageMs: clock.now() - entry.storedAt };
    if (hitRefusal(chat, control, found) !== null || !mayTakeRoute(request.tenant, entry.route)) return null;
    const answer = replay(entry, { stream: chat.stream, includeUsage: chat.includeUsage === true });
    return answer === null ? null : { kind: 'hit', similarity: null, entry, answer };
  }

  function place(step: PlannedChat, { key: known, control }: CacheLookup): CachePlace | null {
    const { chat, plan, snapshot } = step;
    if (plan.bound || plan.answer !== null || !takesPart(chat, snapshot)) return null;
    const policy = policyOf(snapshot, plan.route);
    if (policy === null || wayRefusal(plan.way, policy) !== null) return null;
    const mayStore = storeRefusalAhead(chat, control, policy) === null;
    const found = { policy, ageMs: 0 };
    const mayTake = (lookupRefusal(chat, control) ?? hitRefusal(chat, control, found)) === null;
    if (!mayStore && !mayTake) return null;
    // Where the matcher did not decide alone, the body does not say where the request goes.
    const key = known ?? keyOf(step, `${plan.route ?? ''}\n${plan.target}`);
    const callKey = `${key}\n${plan.target}\n${chat.stream}\n${chat.includeUsage}`;
    const placed = { key, callKey, policy, control, mayTake, mayStore };
    const similar = policy.mode === 'semantic' && semantic !== null ? semantic.place(step, policy) : null;
    return { ...placed, semantic: similar };
  }

  function find(step: PlannedChat, wanted: CachePlace): CacheHit | null | Promise<CacheHit | null> {
    if (!wanted.mayTake) return null;
    const entry = cache.get(wanted.key);
    const hit = entry === null ? null : served(step, wanted.control, entry);
    if (hit !== null) return hit;
    const stored = cache.find(wanted.key);
    if (stored === null && wanted.semantic === null) return null;
    return findFurther(step, wanted, stored);
  }

  async function findFurther(
    step: PlannedChat,
    wanted: CachePlace,
    stored: Promise<CacheEntry | null> | null,
  ): Promise<CacheHit | null> {
    const entry = await stored;
    const hit = entry === null ? null : served(step, wanted.control, entry);
    if (hit !== null || wanted.semantic === null) return hit;
    const similar = wanted.semantic.look();
    if (similar === null) return null;
    const found = cache.get(similar.entryId) ?? (await cache.find(similar.entryId));
    const near = found === null ? null : served(step, wanted.control, found);
    return near === null ? null : { ...near, kind: 'semantic', similarity: similar.similarity };
  }

  function writeReplay(
    request: ClientRequest,
    { entry, answer, similarity }: CacheHit,
    headers: readonly string[],
  ): void {
    const age = Math.max(0, Math.floor((clock.now() - entry.storedAt) / 1_000));
    const { contentType, body } = answer;
    const own = ['content-type', contentType, 'content-length', String(body.length), 'age', String(age)];
    if (similarity !== null) own.push('x-shunt-cache-similarity', similarity.toFixed(4));
    request.outgoing.writeHead(200, [...own, ...headers]);
    request.outgoing.end(body);
  }

  function store(step: PlannedChat, wanted: CachePlace, result: ExchangeResult): void {
    const { request, plan, snapshot } = step;
    const { body, model } = result;
    if (!wanted.mayStore || body === null || model === null || answerRefusal(result) !== null) return;
    // An answer of another model than the route's (after a failover) is the fallback's, and kept only if that opts in.
    const route = model === plan.target ? plan.route : null;
    const policy = route === plan.route ? wanted.policy : policyOf(snapshot, route);
    if (policy === null || storeRefusalAhead(step.chat, wanted.control, policy) !== null) return;
    const person = personOf(step.chat);
    const entry: CacheEntry = {
      route,
      model,
      contentType: result.stream ? 'text/event-stream; charset=utf-8' : 'application/json',
      form: result.stream ? 'sse' : 'json',
      body,
      tenant: request.tenant.id,
      person: person === null ? null : options.hashPerson(person),
      tags: requestTags(request),
      storedAt: clock.now(),
      usage: result.usage,
    };
    cache.set(wanted.key, entry, policy.ttlMs);
    if (model === plan.target) wanted.semantic?.store({ key: wanted.key, entry, ttlMs: policy.ttlMs });
  }
}
