/** How long a backend asks to be left alone: `retry-after-ms`, or `retry-after` in seconds or as a date (RFC 9110 §10.2.3). */
import type { RawHeaders } from './contract.ts';
import { headerValue } from './headers.ts';

/** Milliseconds from `now` (of the wall clock); null when it does not say, or says nothing usable. */
export function retryAfterMs(headers: RawHeaders, now: number): number | null {
  const exact = positive(headerValue(headers, 'retry-after-ms'));
  if (exact !== null) return exact;
  const value = headerValue(headers, 'retry-after');
  const seconds = positive(value);
  if (seconds !== null) return seconds * 1_000;
  // `Date.parse` takes "-1" and "0" for years.
  if (value === null || !/[a-z]/i.test(value)) return null;
  const date = Date.parse(value);
  return Number.isNaN(date) || date <= now ? null : date - now;
}

function positive(value: string | null): number | null {
  const number = value === null || value.trim() === '' ? Number.NaN : Number(value);
  return Number.isFinite(number) && number > 0 ? number : null;
}
