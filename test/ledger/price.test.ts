import { describe, expect, it } from 'vitest';
import { formatUsd } from '../../src/base/money.ts';
import { priceSchema } from '../../src/config/price-schema.ts';
import { priceOf } from '../../src/ledger/price.ts';
import type { TokenUsage } from '../../src/ledger/record.ts';

const noTokens: TokenUsage = { input: 0, cachedInput: 0, output: 0, reasoning: 0, source: 'reported' };
const today = Date.parse('2026-11-20');

function cost(price: object, usage: Partial<TokenUsage>, at = today) {
  return priceOf({ usd_per_million: priceSchema.parse(price) }, { ...noTokens, ...usage }, at);
}

describe('the price of tokens', () => {
  it('charges each kind at its own rate, and is exact', () => {
    const price = { input: '2', cached_input: '0.10', cache_write: '2.50', output: '10', reasoning: '4' };
    const usage = { input: 1_000, cachedInput: 300, cacheWrite: 200, output: 50, reasoning: 20 };
    // 500 × 2000 + 300 × 100 + 200 × 2500 + 30 × 10000 + 20 × 4000 nano-dollars.
    expect(cost(price, usage)).toBe(1_910_000n);
  });

  it('charges kinds without a rate of their own as plain input and output', () => {
    const usage = { input: 1_000, cachedInput: 300, cacheWrite: 200, output: 50, reasoning: 20 };
    expect(cost({ input: 1, output: 2 }, usage)).toBe(1_100_000n);
  });

  it('never counts a token twice when a backend reports more parts than there are', () => {
    expect(
      cost({ input: 1, cached_input: 0, cache_write: 5, output: 1 }, { input: 10, cachedInput: 30, cacheWrite: 30 }),
    ).toBe(0n);
  });

  it('takes the tier of the prompt for the whole request, whatever the order of the tiers', () => {
    const above = [
      { input_tokens: 200, input: 3, output: 30 },
      { input_tokens: 100, input: 2, output: 20 },
    ];
    const at = (input: number) => cost({ input: 1, output: 10, above }, { input, output: 1 });
    expect([at(100), at(101), at(200), at(201)]).toEqual([110_000n, 222_000n, 420_000n, 633_000n]);
  });

  it('changes on the day that is written, with tiers of its own', () => {
    const later = [
      { from: '2027-06-01', input: 9, output: 9 },
      { from: '2027-01-01', input: 2, output: 2, above: [{ input_tokens: 5, input: 4, output: 4 }] },
    ];
    const price = { input: 1, output: 1, later };
    expect(cost(price, { input: 1 }, Date.parse('2026-12-31T23:59:59.999Z'))).toBe(1_000n);
    expect(cost(price, { input: 1 }, Date.parse('2027-01-01'))).toBe(2_000n);
    expect(cost(price, { input: 6 }, Date.parse('2027-05-31'))).toBe(24_000n);
    expect(cost(price, { input: 6 }, Date.parse('2027-06-01'))).toBe(54_000n);
  });

  it('adds what a request costs by itself', () => {
    const amount = cost({ input: 1, output: 1, per_request: '0.005000001' }, { input: 1 });
    expect(amount).toBe(5_001_001n);
    expect(formatUsd(amount ?? (0n as never), 9)).toBe('$0.005001001');
  });

  it('is unknown without a price, and not nought', () => {
    expect(priceOf({ usd_per_million: undefined }, noTokens, today)).toBeNull();
  });

  it.each([0.0001, '1e-3', -1, '1,5', '12345678901'])('refuses the rate %s', (input) => {
    expect(priceSchema.safeParse({ input, output: 1 }).success).toBe(false);
  });

  it.each(['2027-02-30', '01.01.2027', '2027'])('refuses the day %s', (from) => {
    expect(priceSchema.safeParse({ input: 1, output: 1, later: [{ from, input: 1, output: 1 }] }).success).toBe(false);
  });
});
