import { describe, expect, it } from 'vitest';
import {
  answerRefusal,
  type CacheableRequest,
  hitRefusal,
  lookupRefusal,
  noCacheControl,
  parseCacheControl,
  type RouteCachePolicy,
  routeCachePolicy,
  storeRefusalAhead,
  type Way,
  wayRefusal,
} from '../../src/cache/policy.ts';
import { configSchema } from '../../src/config/schema.ts';
import { routeCardSchema } from '../../src/routing/route.ts';

const plain: CacheableRequest = {
  temperature: 0,
  choices: 1,
  hasTools: false,
  messages: [{ role: 'user', toolCalls: 0 }],
};
const policy: RouteCachePolicy = {
  mode: 'exact',
  ttlMs: 1_000,
  maxTemperature: 0,
  maxError: 0.01,
  forced: false,
  toolLoop: false,
};
const whole = { status: 200, finishReason: 'stop', truncated: false, errorCode: null };
const fresh = { policy, ageMs: 10 };

describe('what may be cached', () => {
  it('lets a plain request of a route that opted in be looked up, served and stored', () => {
    expect(lookupRefusal(plain, noCacheControl)).toBeNull();
    expect(hitRefusal(plain, noCacheControl, fresh)).toBeNull();
    expect(storeRefusalAhead(plain, noCacheControl, policy)).toBeNull();
    expect(answerRefusal(whole)).toBeNull();
    expect(answerRefusal({ ...whole, finishReason: 'length', status: 201 })).toBeNull();
  });

  it.each([
    ['tools', { hasTools: true }],
    ['tools', { messages: [{ role: 'tool', toolCalls: 0 }] }],
    ['tools', { messages: [{ role: 'function', toolCalls: 0 }] }],
    [
      'tools',
      {
        messages: [
          { role: 'assistant', toolCalls: 1 },
          { role: 'user', toolCalls: 0 },
        ],
      },
    ],
    ['several-choices', { choices: 2 }],
  ])('refuses %s both ways (%j)', (refusal, change) => {
    expect(lookupRefusal({ ...plain, ...change }, noCacheControl)).toBe(refusal);
    expect(storeRefusalAhead({ ...plain, ...change }, noCacheControl, policy)).toBe(refusal);
  });

  it('refuses a temperature above the route, where none at all counts as 1', () => {
    const warm = { ...plain, temperature: 1 };
    expect(storeRefusalAhead(warm, noCacheControl, policy)).toBe('temperature');
    expect(hitRefusal(warm, noCacheControl, fresh)).toBe('temperature');
    expect(storeRefusalAhead(warm, noCacheControl, { ...policy, maxTemperature: 1 })).toBeNull();
  });

  it('refuses for a route that has not opted in, or no longer does', () => {
    const off: RouteCachePolicy = { ...policy, mode: 'none' };
    expect(storeRefusalAhead(plain, noCacheControl, off)).toBe('route-does-not-cache');
    expect(hitRefusal(plain, noCacheControl, { policy: off, ageMs: 0 })).toBe('route-does-not-cache');
    expect(hitRefusal(plain, noCacheControl, { policy: null, ageMs: 0 })).toBe('route-does-not-cache');
  });

  it('refuses an entry beyond the time to live that the route has now, or the age that the client allows', () => {
    expect(hitRefusal(plain, noCacheControl, { policy, ageMs: 1_000 })).toBe('too-old');
    expect(hitRefusal(plain, parseCacheControl('max-age=0'), fresh)).toBe('too-old');
    expect(hitRefusal(plain, parseCacheControl('max-age=1'), fresh)).toBeNull();
  });

  it.each([
    ['status', { status: 429 }],
    ['status', { status: 302 }],
    ['incomplete', { truncated: true }],
    ['error-in-answer', { errorCode: 'server_error' }],
    ['unfinished', { finishReason: null }],
    ['unfinished', { finishReason: 'tool_calls' }],
    ['unfinished', { finishReason: 'content_filter' }],
  ])('refuses to store an answer for its %s (%j)', (refusal, change) => {
    expect(answerRefusal({ ...whole, ...change })).toBe(refusal);
  });

  it('gives cache-control its HTTP meaning', () => {
    const noCache = parseCacheControl('No-Cache');
    expect(lookupRefusal(plain, noCache)).toBe('no-cache');
    expect(storeRefusalAhead(plain, noCache, policy)).toBeNull();
    const noStore = parseCacheControl('private, no-store');
    expect(lookupRefusal(plain, noStore)).toBeNull();
    expect(storeRefusalAhead(plain, noStore, policy)).toBe('no-store');
    expect(parseCacheControl(null)).toEqual(noCacheControl);
    expect(parseCacheControl('max-age=60').maxAgeMs).toBe(60_000);
    expect(parseCacheControl('only-if-cached, max-age="5"')).toMatchObject({ onlyIfCached: true, maxAgeMs: 5_000 });
  });

  it.each<[Way, Partial<RouteCachePolicy>, string | null]>([
    ['matched', {}, null],
    ['asked', { forced: true, toolLoop: true }, 'not-routed'],
    ['forced', {}, 'forced'],
    ['forced', { toolLoop: true }, 'forced'],
    ['forced', { forced: true }, null],
    ['tool-loop', { forced: true }, 'tool-loop'],
    ['tool-loop', { toolLoop: true }, null],
  ])('lets a request that is %s to its route in only when the route opts in (%j)', (way, opted, refusal) => {
    expect(wayRefusal(way, { ...policy, ...opted })).toBe(refusal);
  });

  it('takes what a route card leaves out from the configuration, and zero as zero', () => {
    const defaults = configSchema.parse({
      cache: { exact: { ttl: '1h', max_temperature: 0.3 }, semantic: { max_error: 0.02 } },
    }).cache;
    const card = (cache: object) => routeCachePolicy(routeCardSchema.parse({ name: 'r', cache }).cache, defaults);
    expect(card({ mode: 'exact' })).toEqual({
      mode: 'exact',
      ttlMs: 3_600_000,
      maxTemperature: 0.3,
      maxError: 0.02,
      forced: false,
      toolLoop: false,
    });
    expect(card({ mode: 'semantic', ttl: 5, max_temperature: 0, max_error: 0.1, forced: true })).toMatchObject({
      mode: 'semantic',
      ttlMs: 5,
      maxTemperature: 0,
      maxError: 0.1,
      forced: true,
    });
    expect(card({})).toMatchObject({ mode: 'none' });
  });
});
