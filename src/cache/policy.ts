/**
 * What may be cached and for whom: pure rules, each of which names itself when it refuses. Nothing is cached unless the
 * route opts in; whatever may differ the next time (sampling, tools, several choices) or was not whole is left out.
 *
 *   before matching   lookupRefusal      the request alone
 *   on a hit          hitRefusal         the entry against its route as it stands now: mode, time to live, temperature
 *   after matching    wayRefusal         how the request came to its route: forced and in a tool loop only by opting in
 *   before sending    storeRefusalAhead  the request and the route
 *   after the answer  answerRefusal      what came
 */
import type { Config } from '../config/schema.ts';
import type { Route } from '../routing/route.ts';

/** What the rules need to know of a request. */
export interface CacheableRequest {
  /** Absent counts as 1, the API's default. */
  readonly temperature: number;
  readonly choices: number;
  readonly hasTools: boolean;
  readonly messages: readonly { readonly role: string; readonly toolCalls: number }[];
}

/** The request's `cache-control`, with its HTTP meaning (RFC 9111 §5.2.1). */
export interface CacheControl {
  /** Take no stored answer; a fresh one may be stored. */
  readonly noCache: boolean;
  /** Store no answer; a stored one may be taken. */
  readonly noStore: boolean;
  /** Take a stored answer or none at all: 504. */
  readonly onlyIfCached: boolean;
  /** Take no answer older than this. */
  readonly maxAgeMs: number | null;
}

/** How a request came to its route. `asked`: it was not routed at all; `matched` counts for the fallback too. */
export type Way = 'asked' | 'matched' | 'forced' | 'tool-loop';

/** A route's own cache settings over those of the configuration. */
export interface RouteCachePolicy {
  readonly mode: 'none' | 'exact' | 'semantic';
  readonly ttlMs: number;
  readonly maxTemperature: number;
  /** Wrong ÷ served semantic hits. */
  readonly maxError: number;
  readonly forced: boolean;
  readonly toolLoop: boolean;
}

export interface AnswerFacts {
  readonly status: number;
  readonly finishReason: string | null;
  readonly truncated: boolean;
  readonly errorCode: string | null;
}

export type CacheRefusal =
  | 'no-cache'
  | 'no-store'
  | 'tools'
  | 'several-choices'
  | 'route-does-not-cache'
  | 'not-routed'
  | 'forced'
  | 'tool-loop'
  | 'temperature'
  | 'too-old'
  | 'status'
  | 'incomplete'
  | 'error-in-answer'
  | 'unfinished';

export function routeCachePolicy(own: Route['cache'], defaults: Config['cache']): RouteCachePolicy {
  return {
    mode: own.mode,
    ttlMs: own.ttl ?? defaults.exact.ttl,
    maxTemperature: own.max_temperature ?? defaults.exact.max_temperature,
    maxError: own.max_error ?? defaults.semantic.max_error,
    forced: own.forced,
    toolLoop: own.tool_loop,
  };
}

/** null: a stored answer may be looked for. */
export function lookupRefusal(request: CacheableRequest, control: CacheControl): CacheRefusal | null {
  if (control.noCache) return 'no-cache';
  return shapeRefusal(request);
}

/** null: the entry that was found may be served. `policy`: of the entry's route now; null when the route is gone. */
export function hitRefusal(
  request: CacheableRequest,
  control: CacheControl,
  found: { readonly policy: RouteCachePolicy | null; readonly ageMs: number },
): CacheRefusal | null {
  const { policy, ageMs } = found;
  if (policy === null) return 'route-does-not-cache';
  if (ageMs >= policy.ttlMs || (control.maxAgeMs !== null && ageMs > control.maxAgeMs)) return 'too-old';
  return routeRefusal(request, policy);
}

/** null: how the request came to its route does not keep it from the cache. */
export function wayRefusal(way: Way, policy: RouteCachePolicy): CacheRefusal | null {
  if (way === 'asked') return 'not-routed';
  if (way === 'forced' && !policy.forced) return 'forced';
  return way === 'tool-loop' && !policy.toolLoop ? 'tool-loop' : null;
}

/** null: an answer to this request may be stored if it turns out whole; asked before the request is sent. */
export function storeRefusalAhead(
  request: CacheableRequest,
  control: CacheControl,
  policy: RouteCachePolicy,
): CacheRefusal | null {
  if (control.noStore) return 'no-store';
  return shapeRefusal(request) ?? routeRefusal(request, policy);
}

/** null: the answer is whole and good; asked after it, for requests that `storeRefusalAhead` let through. */
export function answerRefusal(answer: AnswerFacts): CacheRefusal | null {
  if (answer.status < 200 || answer.status > 299) return 'status';
  if (answer.truncated) return 'incomplete';
  if (answer.errorCode !== null) return 'error-in-answer';
  return answer.finishReason === 'stop' || answer.finishReason === 'length' ? null : 'unfinished';
}

export const noCacheControl: CacheControl = { noCache: false, noStore: false, onlyIfCached: false, maxAgeMs: null };

export function parseCacheControl(header: string | null): CacheControl {
  if (header === null) return noCacheControl;
  const directives = header
    .toLowerCase()
    .split(',')
    .map((directive) => directive.trim());
  const maxAge = directives.map((directive) => /^max-age="?(\d+)"?$/.exec(directive)).find((match) => match !== null);
  return {
    noCache: directives.includes('no-cache'),
    noStore: directives.includes('no-store'),
    onlyIfCached: directives.includes('only-if-cached'),
    maxAgeMs: maxAge ? Number(maxAge[1]) * 1_000 : null,
  };
}

function shapeRefusal(request: CacheableRequest): CacheRefusal | null {
  if (request.hasTools || request.messages.some(isToolMessage)) return 'tools';
  return request.choices === 1 ? null : 'several-choices';
}

function isToolMessage(message: { readonly role: string; readonly toolCalls: number }): boolean {
  return message.role === 'tool' || message.role === 'function' || message.toolCalls > 0;
}

function routeRefusal(request: CacheableRequest, policy: RouteCachePolicy): CacheRefusal | null {
  if (policy.mode === 'none') return 'route-does-not-cache';
  return request.temperature <= policy.maxTemperature ? null : 'temperature';
}
