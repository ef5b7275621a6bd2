import { describe, expect, it } from 'vitest';
import { Breaker, type BreakerSettings } from '../../src/backend/breaker.ts';

const settings: BreakerSettings = {
  failures: 3,
  failure_rate: 0.5,
  open_ms: 1_000,
  rate_limited_ms: 500,
  refused_ms: 60_000,
};

function breaker(overrides: Partial<BreakerSettings> = {}) {
  const moves: string[] = [];
  const made = new Breaker({ ...settings, ...overrides }, (moved, from) => moves.push(`${from}>${moved.state}`));
  /** One request from its beginning to its end. */
  const request = (now: number, outcome: 'answered' | 'failed' | 'none') => {
    const entry = made.enter(now);
    if (outcome !== 'none') made[outcome](entry, now);
    made.leave(entry);
  };
  return { made, moves, request };
}

describe('a breaker', () => {
  it('opens after so many failures in a row, and an answer in between starts the count again', () => {
    const { made, request } = breaker();
    for (const outcome of ['failed', 'failed', 'answered', 'failed', 'failed'] as const) request(0, outcome);
    expect(made.state).toBe('closed');
    request(0, 'failed');
    expect([made.state, made.cause, made.until]).toEqual(['open', 'failures', 1_000]);
    expect(made.admits(999)).toBe(false);
  });

  it('opens when half of what came within ten seconds failed, in whatever order', () => {
    const { made, request } = breaker({ failures: 1_000 });
    for (let i = 0; i < 9; i++) for (const outcome of ['answered', 'failed'] as const) request(100 * i, outcome);
    expect(made.state).toBe('closed');
    request(1_000, 'answered');
    request(1_000, 'failed');
    expect(made.state).toBe('open');
  });

  it('forgets failures that are longer ago than ten seconds', () => {
    const { made, request } = breaker({ failures: 1_000 });
    for (let i = 0; i < 19; i++) request(0, 'failed');
    request(10_000, 'failed');
    expect(made.state).toBe('closed');
  });

  it('lets one request try at a time when its time is over, and closes with its first bytes', () => {
    const { made, moves, request } = breaker();
    for (let i = 0; i < 3; i++) request(0, 'failed');
    expect(made.admits(1_000)).toBe(true);
    const probe = made.enter(1_000);
    expect([probe.probe, made.state, made.admits(1_000)]).toEqual([true, 'half-open', false]);
    expect(made.enter(1_000).probe).toBe(false);
    made.begun(probe);
    expect([made.state, made.admits(1_000)]).toEqual(['closed', true]);
    expect(moves).toEqual(['closed>open', 'open>half-open', 'half-open>closed']);
  });

  it('stays open for twice as long after each try that fails, up to a minute', () => {
    const { made, request } = breaker();
    for (let i = 0; i < 3; i++) request(0, 'failed');
    const lengths: number[] = [];
    for (let i = 0; i < 8; i++) {
      const now = made.until;
      request(now, 'failed');
      lengths.push(made.until - now);
    }
    expect(lengths).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    request(made.until, 'answered');
    for (let i = 0; i < 3; i++) request(0, 'failed');
    expect(made.until).toBe(1_000);
  });

  it('lets the next request try when the one that tried went without an outcome', () => {
    const { made, request } = breaker();
    for (let i = 0; i < 3; i++) request(0, 'failed');
    request(1_000, 'none');
    expect([made.state, made.admits(1_000), made.inFlight]).toEqual(['half-open', true, 0]);
  });

  it('does not mind late failures of requests that were sent before it opened or closed', () => {
    const { made, request } = breaker();
    const early = Array.from({ length: 10 }, () => made.enter(0));
    for (let i = 0; i < 3; i++) request(0, 'failed');
    const { until } = made;
    for (const entry of early.slice(0, 5)) made.failed(entry, 900);
    expect(made.until).toBe(until);
    request(1_000, 'answered');
    for (const entry of early.slice(5)) made.failed(entry, 1_100);
    for (const entry of early) made.leave(entry);
    expect([made.state, made.inFlight]).toEqual(['closed', 0]);
  });

  it('is closed by an answer of a request that passed it while it was open', () => {
    const { made, request } = breaker();
    for (let i = 0; i < 3; i++) request(0, 'failed');
    request(10, 'answered');
    expect(made.state).toBe('closed');
  });

  it('opens at a rate limit for as long as it is asked to, though not for hours', () => {
    const { made } = breaker();
    made.rateLimited(made.enter(0), 0, 7_000);
    expect([made.cause, made.until]).toEqual(['rate-limit', 7_000]);
    made.rateLimited(made.enter(7_000), 7_000, 86_400_000);
    expect(made.until).toBe(307_000);
  });

  it('opens at a rate limit without a time for its own, longer each time', () => {
    const { made } = breaker();
    made.rateLimited(made.enter(0), 0, null);
    expect(made.until).toBe(500);
    made.rateLimited(made.enter(500), 500, null);
    expect(made.until).toBe(1_500);
  });

  it('opens at a refusal when so many in a row mean it', () => {
    const { made, request } = breaker();
    made.refused(made.enter(0), 0, 2);
    request(0, 'answered');
    made.refused(made.enter(0), 0, 2);
    expect(made.state).toBe('closed');
    made.refused(made.enter(0), 0, 2);
    expect([made.state, made.cause, made.until]).toEqual(['open', 'refusal', 60_000]);
  });
});
