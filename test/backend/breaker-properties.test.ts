/** Breakers under whatever comes, in whatever order. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Breaker, type Entry } from '../../src/backend/breaker.ts';

const settings = { failures: 3, failure_rate: 0.5, open_ms: 1_000, rate_limited_ms: 500, refused_ms: 60_000 };
const outcomes = ['answered', 'failed', 'rate-limited', 'refused', 'begun', 'none'] as const;

const step = fc.oneof(
  fc.record({ act: fc.constant('enter' as const) }),
  fc.record({ act: fc.constant('leave' as const), which: fc.nat(20), outcome: fc.constantFrom(...outcomes) }),
  fc.record({ act: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 120_000 }) }),
);

test('a breaker knows who is inside, is tried by one that it admits, and shuts nobody out for good', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      let now = 0;
      const open: Entry[] = [];
      const breaker = new Breaker(settings, (moved, from) => expect(moved.state).not.toBe(from));
      for (const one of steps) {
        if (one.act === 'pass') now += one.ms;
        else if (one.act === 'enter') {
          const admitted = breaker.admits(now);
          const entry = breaker.enter(now);
          if (entry.probe) expect(admitted).toBe(true);
          open.push(entry);
        } else if (open.length > 0) {
          const [entry] = open.splice(one.which % open.length, 1);
          if (one.outcome === 'rate-limited') breaker.rateLimited(entry, now, null);
          else if (one.outcome === 'refused') breaker.refused(entry, now, 3);
          else if (one.outcome === 'begun') breaker.begun(entry);
          else if (one.outcome !== 'none') breaker[one.outcome](entry, now);
          breaker.leave(entry);
        }
        expect(breaker.inFlight).toBe(open.length);
      }
      for (const entry of open) breaker.leave(entry);
      expect(breaker.inFlight).toBe(0);
      // With nobody inside, the next request may try it within five minutes, and its answer closes it.
      now += 300_000;
      expect(breaker.admits(now)).toBe(true);
      const last = breaker.enter(now);
      breaker.answered(last, now);
      expect(breaker.state).toBe('closed');
    }),
    { numRuns: 2_000 },
  );
});
