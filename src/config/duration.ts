/** A duration as a file spells it, in milliseconds. */
import { z } from 'zod';

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `250ms`, `30s`, `5m`, `1h`, `7d`, or a plain number of milliseconds. */
export const duration = z.union([z.number().int().nonnegative(), z.string()]).transform((value, context) => {
  if (typeof value === 'number') return value;
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(value.trim());
  if (match) return Math.round(Number(match[1]) * units[match[2] as keyof typeof units]);
  context.addIssue({ code: 'custom', message: 'must be a duration such as 250ms, 30s, 5m, 1h or 7d' });
  return z.NEVER;
});
