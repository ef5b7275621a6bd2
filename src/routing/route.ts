/**
 * A route: a labelled class of prompts, as its card (`routes/<name>.yaml`) says. `routeCardSchema` is the card as
 * written; `Route` is what the matcher and the gateway use: defaults applied, examples read in, frozen.
 */
import { z } from 'zod';
import { cachePolicySchema } from '../config/cache-schema.ts';
import { duration } from '../config/duration.ts';
import { day } from '../config/price-schema.ts';
import { type ThresholdPolicy, thresholdSchema } from '../config/schema.ts';

/** Names that `x-shunt-route` and the reports use for something else. */
export const reservedRouteNames = ['fallback', 'off', 'auto', 'none'] as const;

/** A text that somebody has approved, in place of a model's answer. */
const fixedAnswer = z.strictObject({
  answer: z.string().trim().min(1).max(100_000),
  /** The day on which its owner last read it and found it right. */
  approved: day.optional(),
  owner: z.string().min(1).optional(),
  /** How long an approval holds before `routes check` asks for a new one. */
  review_after: duration.default(365 * 86_400_000),
});

export const routeCardSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'must be letters, digits and . _ - (at most 100)'),
  description: z.string().default(''),
  owner: z.string().default(''),
  /** A model of `shunt.yaml`, or a fixed answer; `routing.default_target` when absent. */
  target: z.union([z.string().min(1), fixedAnswer]).optional(),
  examples: z.array(z.string().trim().min(1)).optional(),
  /** JSON Lines with `text`, relative to the card. */
  examples_file: z.string().min(1).optional(),
  counter_examples: z.array(z.string().trim().min(1)).default([]),
  threshold: thresholdSchema.optional(),
  margin: z.number().min(0).max(1).optional(),
  reject_below: z.number().min(0).max(1).optional(),
  cache: cachePolicySchema.prefault({}),
  slo: z.strictObject({ added_latency_p99_ms: z.number().positive().optional() }).prefault({}),
  eval: z.string().optional(),
  embedding: z.string().default('default'),
  rollback: z.string().default('previous'),
});

export interface FixedAnswer {
  readonly text: string;
  /** Milliseconds since the epoch; null: nobody has said so. */
  readonly approvedAt: number | null;
  readonly owner: string | null;
  readonly reviewAfterMs: number;
}

/** What stands where a model's name would, when a fixed answer is the target. No model may have it. */
export const fixedTarget = 'fixed-answer';

export interface Route {
  readonly name: string;
  readonly description: string;
  readonly owner: string;
  /** Absolute path of the card. */
  readonly file: string;
  /** Config name of a model; null: the default target, or a fixed answer. */
  readonly target: string | null;
  readonly answer: FixedAnswer | null;
  readonly examples: readonly string[];
  readonly counterExamples: readonly string[];
  /** null: the manifest's default applies. Zero is a threshold, not "unset". */
  readonly threshold: ThresholdPolicy | null;
  readonly margin: number | null;
  readonly rejectBelow: number | null;
  /** As the card says it; what it leaves out is the configuration's to say. */
  readonly cache: Readonly<z.output<typeof cachePolicySchema>>;
  readonly addedLatencyP99Ms: number | null;
  /** Absolute path of the evaluation set, if the card names one. */
  readonly evaluation: string | null;
  readonly embedding: string;
  readonly rollback: string;
}

/** Where a matched prompt goes: a model's config name, or `fixedTarget`. */
export function targetOf(route: Pick<Route, 'target' | 'answer'> | undefined, otherwise: string): string {
  if (route?.answer) return fixedTarget;
  return route?.target ?? otherwise;
}
