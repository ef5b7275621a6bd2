/**
 * Money is integer nano-dollars: a price of $0.001 per million tokens is exactly 1 nano-dollar a token, and sums never
 * drift. Rounding happens only when shown.
 */
declare const nano: unique symbol;

export type NanoUsd = bigint & { readonly [nano]: true };

export const zeroUsd = 0n as NanoUsd;

const nanoPerUsd = 1_000_000_000n;

/**
 * Dollars per million tokens, as written (`"0.10"`, `2.5`), to nano-dollars per token.
 * Returns null when the price is negative, not a plain decimal, or finer than $0.001 per million (1 nano-dollar a token).
 */
export function nanoPerToken(usdPerMillion: string | number): NanoUsd | null {
  return scaled(usdPerMillion, 3);
}

/** Dollars, as written, to nano-dollars. Returns null when negative, not a plain decimal, or finer than a nano-dollar. */
export function nanoUsd(usd: string | number): NanoUsd | null {
  return scaled(usd, 9);
}

function scaled(written: string | number, decimals: number): NanoUsd | null {
  const match = /^(\d{1,9})(?:\.(\d*))?$/.exec(String(written).trim());
  if (!match) return null;
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  if (fraction.length > decimals) return null;
  return BigInt(match[1] + fraction.padEnd(decimals, '0')) as NanoUsd;
}

/** `$1.234567`, signed, with as many digits as a reader needs: 2 from a cent upward is too coarse for one request. */
export function formatUsd(amount: NanoUsd, digits = 6): string {
  const sign = amount < 0n ? '-' : '';
  const absolute = amount < 0n ? -amount : amount;
  const unit = 10n ** BigInt(9 - digits);
  const rounded = (absolute + unit / 2n) / unit;
  const scale = 10n ** BigInt(digits);
  const whole = (rounded / scale).toString().replace(/\B(?=(\d{3})+$)/g, ',');
  const part = (rounded % scale).toString().padStart(digits, '0');
  return digits === 0 ? `${sign}$${whole}` : `${sign}$${whole}.${part}`;
}

export function usdNumber(amount: NanoUsd): number {
  return Number(amount) / Number(nanoPerUsd);
}
