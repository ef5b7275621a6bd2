/**
 * `routes/calibration.json`: thresholds that keep a promise of precision, found on labelled rows by `shunt tune` and
 * committed beside the cards. It is good for one embedding model, one version of the matcher and one set of examples;
 * with any other it is stale and not applied. This file reads and applies it; it does not compute it.
 */
import { z } from 'zod';
import { ShuntError } from '../base/errors.ts';
import type { ThresholdPolicy } from '../config/schema.ts';
import type { ThresholdPromise } from './decision.ts';

/** One promise: above `threshold`, at least `precision` of accepted rows are right, with 95% confidence. */
const promiseSchema = z.strictObject({
  precision: z.number().min(0.5).max(0.999),
  /** null: the labelled rows did not suffice for the promise. */
  threshold: z.number().min(0).max(1).nullable(),
  margin: z.number().min(0).max(1).nullable().default(null),
  /** Labelled rows accepted at the threshold, and how many of them were wrong. */
  accepted: z.number().int().nonnegative().default(0),
  errors: z.number().int().nonnegative().default(0),
  /** Accepted rows still missing before the promise can be made. */
  missing_rows: z.number().int().nonnegative().default(0),
});

export const calibrationSchema = z.strictObject({
  version: z.literal(1),
  /** Fingerprint of the embedding model. */
  embedding: z.string().min(1),
  /** `matcherVersion` of route-index.ts. */
  matcher: z.string().min(1),
  /** `sourceDigest` of the examples. */
  examples: z.string().min(1),
  /** Share of prompts that belong to no route, to which the labelled rows were reweighted. */
  oos_share: z.number().min(0).max(1),
  /** Labelled rows read, and their digest. */
  rows: z.number().int().nonnegative(),
  data: z.string().default(''),
  created: z.string().default(''),
  pooled: z.array(promiseSchema).default([]),
  routes: z.record(z.string(), z.array(promiseSchema)).default({}),
  /** Thresholds chosen for the best F1 or a cost, for routes whose policy says nothing: they keep no promise. */
  chosen: z
    .strictObject({
      objective: z.enum(['f1', 'cost']),
      threshold: z.number().min(0).max(1),
      routes: z.record(z.string(), z.number().min(0).max(1)).default({}),
    })
    .nullable()
    .default(null),
  history: z
    .array(
      z.strictObject({ at: z.string(), embedding: z.string(), examples: z.string(), note: z.string().default('') }),
    )
    .default([]),
});

export type Calibration = z.output<typeof calibrationSchema>;
export type CalibratedPromise = z.output<typeof promiseSchema>;

/** Throws `bad_config` naming every fault. */
export function parseCalibration(text: string, file: string): Calibration {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ShuntError('bad_config', `${file} is not JSON. Mend it, or write it anew with shunt tune --write`, {
      cause,
    });
  }
  const parsed = calibrationSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${file} ${issue.path.join('.')}: ${issue.message}`);
  throw new ShuntError('bad_config', `${faults.join('\n')}\nWrite it anew with shunt tune --write`);
}

export interface CalibrationKey {
  readonly fingerprint: string;
  readonly matcher: string;
  readonly sourceDigest: string;
}

/** Why `calibration` must not be applied to an index of this key; null when it may. */
export function staleness(calibration: Calibration, key: CalibrationKey): string | null {
  if (calibration.embedding !== key.fingerprint) return 'it was made with another embedding model';
  if (calibration.matcher !== key.matcher) return 'it was made with another version of the matcher';
  if (calibration.examples !== key.sourceDigest) return 'the examples have changed since it was made';
  return null;
}

/** A threshold as the matcher compares it. */
export interface ResolvedThreshold {
  readonly value: number;
  readonly on: 'score' | 'cosine';
  readonly margin: number | null;
  readonly promise: ThresholdPromise;
}

const noPromise: ThresholdPromise = { scope: 'none', precision: null, missingRows: null };

/** `calibration` is null when there is none or it is stale; a precision then falls back to `usual`. */
export function resolveThreshold(
  policy: ThresholdPolicy | null,
  route: string,
  calibration: Calibration | null,
  usual: number,
): ResolvedThreshold {
  if (policy === null) {
    const chosen = calibration?.chosen;
    const value = chosen?.routes[route] ?? chosen?.threshold ?? usual;
    return { value, on: 'score', margin: null, promise: noPromise };
  }
  if (typeof policy === 'number') return { value: policy, on: 'score', margin: null, promise: noPromise };
  if ('cosine' in policy) return { value: policy.cosine, on: 'cosine', margin: null, promise: noPromise };
  const { precision } = policy;
  const ownRows = calibration?.routes[route] ?? [];
  const pooledRows = calibration?.pooled ?? [];
  const own = ownRows.find((row) => row.precision >= precision);
  const pooled = pooledRows.find((row) => row.precision >= precision);
  for (const [row, scope] of [[own, 'route'] as const, [pooled, 'pooled'] as const]) {
    if (!row || row.threshold === null) continue;
    const missingRows = scope === 'route' ? 0 : (own?.missing_rows ?? null);
    return { value: row.threshold, on: 'score', margin: row.margin, promise: { scope, precision, missingRows } };
  }
  const missingRows = own?.missing_rows ?? pooled?.missing_rows ?? rowsForPromise(precision);
  const lower = strictestBelow(precision, ownRows, pooledRows);
  if (lower === null)
    return { value: usual, on: 'score', margin: null, promise: { scope: 'none', precision, missingRows } };
  return { ...lower, promise: { ...lower.promise, asked: precision, missingRows } };
}

/** Promises below this are no substitute for a higher one: then the default threshold applies. */
const leastSubstitute = 0.9;

/**
 * The strictest promise that is proven where the one asked for is not; a route's own before the pooled one, which is about
 * the routes without their own.
 */
function strictestBelow(
  asked: number,
  own: readonly CalibratedPromise[],
  pooled: readonly CalibratedPromise[],
): ResolvedThreshold | null {
  const rows = [
    ...own.map((row) => ({ row, scope: 'route' as const })),
    ...pooled.map((row) => ({ row, scope: 'pooled' as const })),
  ].filter(({ row }) => row.precision < asked && row.precision >= leastSubstitute && row.threshold !== null);
  const [first] = rows.sort((a, b) => b.row.precision - a.row.precision);
  if (!first || first.row.threshold === null) return null;
  const { precision, threshold, margin } = first.row;
  return { value: threshold, on: 'score', margin, promise: { scope: first.scope, precision, missingRows: null } };
}

/** Accepted rows without an error that a promise of `precision` needs, at 95% confidence: 29, 59, 99, 299 for .90, .95, .97, .99. */
export function rowsForPromise(precision: number): number {
  return Math.ceil(Math.log(0.05) / Math.log(precision));
}
