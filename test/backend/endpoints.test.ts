import { afterEach, describe, expect, it } from 'vitest';
import { createBreakerBoard } from '../../src/backend/breaker-board.ts';
import { createConnectionPools } from '../../src/backend/connection-pools.ts';
import { type Endpoints, openEndpoints } from '../../src/backend/endpoints.ts';
import type { Passage } from '../../src/backend/passage.ts';
import { backendConfig } from './recording-sink.ts';
import { steppedClock } from './stepped-clock.ts';

describe('the endpoints of a backend', () => {
  const opened: Endpoints[] = [];
  afterEach(async () => {
    for (const endpoints of opened.splice(0)) await endpoints.close();
  });

  function setting(config: Record<string, unknown> = { endpoints: [{ name: 'a' }, { name: 'b' }] }) {
    const clock = steppedClock();
    const moves: string[] = [];
    const breakers = createBreakerBoard({
      breakerMoved: ({ endpoint, model }, { state }) => moves.push(`${endpoint} ${model ?? '*'} ${state}`),
      retryDenied: () => moves.push('denied'),
    });
    const open = (more: Record<string, unknown> = {}) => {
      const endpoints = openEndpoints('far', backendConfig({ ...config, ...more }), {
        clock,
        pools: createConnectionPools(),
        breakers,
        random: () => 0,
        models: ['m', 'n'],
        mostAtLeftAlone: 2,
      });
      opened.push(endpoints);
      return endpoints;
    };
    return { clock, moves, open };
  }

  const fresh = { tried: [], only: null, lastResort: false };
  const nameOf = (passage: Passage | null) => passage?.lane.endpoint ?? null;

  it('is one without a list, called 1', () => {
    const endpoints = setting({}).open();
    expect(nameOf(endpoints.enter('m', fresh))).toBe('1');
    expect(endpoints.hasOther('m', ['1'])).toBe(false);
  });

  it('go past the one that was tried, and back to it when all were', () => {
    const endpoints = setting().open();
    expect(nameOf(endpoints.enter('m', { tried: ['a'], only: null, lastResort: false }))).toBe('b');
    expect(endpoints.hasOther('m', ['a'])).toBe(true);
    expect(endpoints.hasOther('m', ['a', 'b'])).toBe(false);
    expect(nameOf(endpoints.enter('m', { tried: ['a', 'b'], only: null, lastResort: false }))).not.toBeNull();
  });

  it('leave an endpoint alone for the model that fails there, not for others', () => {
    const { open, moves } = setting();
    const endpoints = open();
    for (let i = 0; i < 5; i++) endpoints.enter('m', { tried: ['b'], only: null, lastResort: false })?.settle('failed');
    expect(moves).toEqual(['a m open']);
    expect(nameOf(endpoints.enter('m', fresh))).toBe('b');
    expect(nameOf(endpoints.enter('n', { tried: ['b'], only: null, lastResort: false }))).toBe('a');
  });

  it('leave an endpoint alone for every model when its key is refused, and for one when it is limited', () => {
    const { open, moves } = setting();
    const endpoints = open();
    endpoints.enter('m', { tried: ['b'], only: null, lastResort: false })?.settle('refused');
    endpoints.enter('m', { tried: ['a'], only: null, lastResort: false })?.settle('rate-limited', 1_000);
    expect(moves).toEqual(['a * open', 'b m open']);
    expect(nameOf(endpoints.enter('m', fresh))).toBeNull();
    expect(nameOf(endpoints.enter('n', fresh))).toBe('b');
    expect(endpoints.waitMs('m')).toBe(1_000);
  });

  it('believe a prompt that is forbidden only the third time in a row', () => {
    const { open, moves } = setting({});
    const endpoints = open();
    for (const verdict of ['forbidden', 'forbidden', 'answered', 'forbidden', 'forbidden'] as const) {
      endpoints.enter('m', fresh)?.settle(verdict);
    }
    expect(moves).toEqual([]);
    endpoints.enter('m', fresh)?.settle('forbidden');
    expect(moves).toEqual(['1 m open']);
  });

  it('think nothing of limits and refusals of the client’s own key', () => {
    const { open, moves } = setting({ credentials: 'client' });
    const endpoints = open();
    for (const verdict of ['refused', 'rate-limited', 'forbidden', 'forbidden', 'forbidden'] as const) {
      endpoints.enter('m', fresh)?.settle(verdict);
    }
    expect(moves).toEqual([]);
  });

  it('take a last resort where nobody else can answer: the one that is back first, and only so many at once', () => {
    const { open } = setting();
    const endpoints = open();
    endpoints.enter('m', { tried: ['b'], only: null, lastResort: false })?.settle('rate-limited', 2_000);
    endpoints.enter('m', { tried: ['a'], only: null, lastResort: false })?.settle('rate-limited', 1_000);
    expect(nameOf(endpoints.enter('m', fresh))).toBeNull();
    const anyway = { tried: [], only: null, lastResort: true };
    const passages = Array.from({ length: 5 }, () => endpoints.enter('m', anyway));
    expect(passages.map(nameOf)).toEqual(['b', 'b', 'a', 'a', null]);
    for (const passage of passages) passage?.settle('unknown');
    expect(nameOf(endpoints.enter('m', anyway))).toBe('b');
  });

  it('count what is under way once, however often it is settled', () => {
    const endpoints = setting({}).open();
    const passage = endpoints.enter('m', fresh);
    expect(endpoints.view().map(({ model, inFlight }) => [model, inFlight])).toEqual([
      [null, 1],
      ['m', 1],
      ['n', 0],
    ]);
    passage?.settle('answered');
    passage?.settle('failed');
    passage?.begun();
    expect(endpoints.view().every(({ inFlight, failures }) => inFlight === 0 && failures === 0)).toBe(true);
  });

  it('keep their state over a reload, and lose it with what they are made of', async () => {
    const { open, clock } = setting({ api_key: 'old' });
    const before = open();
    for (let i = 0; i < 5; i++) before.enter('m', fresh)?.settle('failed');
    const after = open();
    await before.close();
    await before.close();
    expect(after.view().map(({ state }) => state)).toEqual(['closed', 'open', 'closed']);
    expect(after.view()[1].until).toBe(clock.monotonic() + 5_000);
    const other = open({ api_key: 'new' });
    expect(other.view().map(({ state }) => state)).toEqual(['closed', 'closed', 'closed']);
    await after.close();
    expect(
      open()
        .view()
        .map(({ state }) => state),
    ).toEqual(['closed', 'closed', 'closed']);
  });

  it('say when a retry is not within the budget', () => {
    const { open, moves } = setting({ retry_budget: 0 });
    const endpoints = open();
    const allowed = Array.from({ length: 11 }, () => endpoints.takeRetry());
    expect(allowed.filter(Boolean)).toHaveLength(10);
    expect(moves).toEqual(['denied']);
  });
});
