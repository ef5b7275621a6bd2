/**
 * A route: a labelled class of prompts, as its card (`routes/<name>.yaml`) says. `routeCardSchema` is the card as
 * written; `Route` is what the matcher and the gateway use: defaults applied, examples read in, frozen.
 */
import { z } from 'zod';
import { duration, type ThresholdPolicy, thresholdSchema } from '../config/schema.ts';

/** Names that `x-shunt-route` and the reports use for something else. */
export const reservedRouteNames = ['fallback', 'off', 'auto', 'none'] as const;

export const routeCardSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'must be letters, digits and . _ - (at most 100)'),
  description: z.string().default(''),
  owner: z.string().default(''),
  /** A model of `shunt.yaml`; `routing.default_target` when absent. */
  target: z.string().min(1).optional(),
  examples: z.array(z.string().trim().min(1)).optional(),
  /** JSON Lines with `text`, relative to the card. */
  examples_file: z.string().min(1).optional(),
  counter_examples: z.array(z.string().trim().min(1)).default([]),
  threshold: thresholdSchema.optional(),
  margin: z.number().min(0).max(1).optional(),
  reject_below: z.number().min(0).max(1).optional(),
  cache: z
    .strictObject({
      mode: z.enum(['none', 'exact']).default('none'),
      ttl: duration.optional(),
      max_temperature: z.number().min(0).max(2).optional(),
    })
    .prefault({}),
  slo: z.strictObject({ added_latency_p99_ms: z.number().positive().optional() }).prefault({}),
  eval: z.string().optional(),
  embedding: z.string().default('default'),
  rollback: z.string().default('previous'),
});

export interface Route {
  readonly name: string;
  readonly description: string;
  readonly owner: string;
  /** Absolute path of the card. */
  readonly file: string;
  readonly target: string | null;
  readonly examples: readonly string[];
  readonly counterExamples: readonly string[];
  /** null: the manifest's default applies. Zero is a threshold, not "unset". */
  readonly threshold: ThresholdPolicy | null;
  readonly margin: number | null;
  readonly rejectBelow: number | null;
  readonly cache: {
    readonly mode: 'none' | 'exact';
    readonly ttlMs: number | null;
    readonly maxTemperature: number | null;
  };
  readonly addedLatencyP99Ms: number | null;
  /** Absolute path of the evaluation set, if the card names one. */
  readonly evaluation: string | null;
  readonly embedding: string;
  readonly rollback: string;
}
