import { describe, expect, test } from 'vitest';
import { formatUsd, type NanoUsd, nanoPerToken } from '../../src/base/money.ts';

describe('prices', () => {
  test.each([
    ['2.50', 2500n],
    [0.1, 100n],
    ['15', 15000n],
    ['0.001', 1n],
    [0, 0n],
  ])('%s dollars per million tokens is exact in nano-dollars per token', (price, nano) => {
    expect(nanoPerToken(price)).toBe(nano);
  });

  test.each(['0.0001', '-1', '1e-3', 'free', '', '1,5', Number.NaN])('%s is refused, never rounded', (price) => {
    expect(nanoPerToken(price)).toBeNull();
  });
});

describe('showing money', () => {
  test('rounds half up only in the digits that are shown, and keeps the sign', () => {
    expect(formatUsd(1_234_567_500n as NanoUsd)).toBe('$1.234568');
    expect(formatUsd(-5_000n as NanoUsd)).toBe('-$0.000005');
    expect(formatUsd(1_234_567_000_000_000n as NanoUsd, 2)).toBe('$1,234,567.00');
    expect(formatUsd(999_999_999n as NanoUsd, 0)).toBe('$1');
  });
});
