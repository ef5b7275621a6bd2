/** How fast a key may go, by a clock that the test turns. */
import { expect, test } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import { createQuota } from '../../src/gateway/quota.ts';

const limited = /may (send|have)/;

function quotaOf(limits: Record<string, unknown>) {
  const hash = `sha256:${'a'.repeat(64)}`;
  const time = { now: 0 };
  const keys = (extra: Record<string, unknown>) =>
    configSchema.parse({ auth: { keys: [{ name: 'app', hash, ...extra }] } }).auth.keys;
  const quota = createQuota({ keys: keys(limits), clock: { now: () => time.now, monotonic: () => time.now } });
  return { quota, time, limit: (extra: Record<string, unknown>) => quota.limit(keys(extra)) };
}

test('requests a minute come back one by one', () => {
  const { quota, time } = quotaOf({ requests_per_minute: 2 });
  quota.admit('app');
  quota.admit('app');
  expect(() => quota.admit('app')).toThrow(limited);
  time.now = 29_999;
  expect(() => quota.admit('app')).toThrow(limited);
  time.now = 30_000;
  quota.admit('app');
  expect(() => quota.admit('app')).toThrow(
    expect.objectContaining({ code: 'rate_limit_exceeded', retryAfterMs: 30_000 }),
  );
});

test('requests at once are counted out again', () => {
  const { quota } = quotaOf({ max_in_flight: 1 });
  quota.admit('app');
  expect(() => quota.admit('app')).toThrow(limited);
  quota.leave('app');
  quota.admit('app');
});

test('tokens are taken by the estimate and corrected by what was used', () => {
  const { quota, time } = quotaOf({ tokens_per_minute: 1_000 });
  quota.takeTokens('app', 900);
  expect(() => quota.takeTokens('app', 200)).toThrow(limited);
  quota.giveBack('app', 800);
  quota.takeTokens('app', 200);
  quota.giveBack('app', -1_200);
  time.now = 30_000;
  expect(() => quota.takeTokens('app', 1)).toThrow(limited);
  time.now = 60_000;
  quota.takeTokens('app', 200);
});

test('more than a whole minute of tokens passes when none was used, and holds the next one back', () => {
  const { quota, time } = quotaOf({ tokens_per_minute: 100 });
  quota.takeTokens('app', 250);
  time.now = 60_000;
  expect(() => quota.takeTokens('app', 1)).toThrow(limited);
  time.now = 90_600;
  quota.takeTokens('app', 1);
});

test('a reload keeps what was used, and starts a new rate with its whole minute', () => {
  const { quota, limit } = quotaOf({ requests_per_minute: 1 });
  quota.admit('app');
  limit({ requests_per_minute: 1, tokens_per_minute: 10 });
  expect(() => quota.admit('app')).toThrow(limited);
  quota.takeTokens('app', 10);
  limit({});
  quota.admit('app');
});

test('without a key, and for one without limits, nothing is counted', () => {
  const { quota } = quotaOf({});
  for (const key of [null, 'app', 'unknown']) {
    for (let i = 0; i < 10; i++) quota.admit(key);
    quota.takeTokens(key, 1e9);
    quota.leave(key);
  }
});
