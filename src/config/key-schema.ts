/**
 * A virtual key as it is written, in `auth.keys` or in the file that `shunt keys` writes, and budgets. Of the key itself
 * there is only the hash. Every limit is optional; what is not set is not limited.
 */
import { z } from 'zod';
import { nameSchema } from './name.ts';

/** `refuse`: 429. `cheap`: the cheap model answers instead, so the budget is no ceiling. `warn`: nothing but the alerts. */
export const onExceeded = z.enum(['refuse', 'cheap', 'warn']);

/** A day (its beginning, UTC) or a moment, in milliseconds since the epoch. */
const moment = z.string().transform((value, context) => {
  const form = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;
  const time = form.test(value) ? Date.parse(value) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  context.addIssue({ code: 'custom', message: 'must be a day or a moment, such as 2027-01-31 or 2027-01-31T18:00Z' });
  return z.NEVER;
});

const dollars = z.number().positive().max(1_000_000_000);
const perMinute = z.number().int().positive().max(1_000_000_000);

export const keySchema = z.strictObject({
  name: nameSchema,
  hash: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hex digits (shunt keys hash KEY prints it)'),
  /** By the calendar's day and month, UTC. */
  budget_usd_per_day: dollars.optional(),
  budget_usd_per_month: dollars.optional(),
  /** As `budgets.on_exceeded` when not set. */
  on_exceeded: onExceeded.optional(),
  requests_per_minute: perMinute.optional(),
  /** Prompt and answer; estimated when a request comes, corrected when it is over. */
  tokens_per_minute: perMinute.optional(),
  max_in_flight: z.number().int().positive().max(100_000).optional(),
  /** Routes that it may take; prompts of others go to the fallback. */
  allowed_routes: z.array(z.string().min(1)).optional(),
  /** What may stand in `model` of its requests: routed names and models. */
  allowed_models: z.array(nameSchema).optional(),
  /** Added to the tags of each of its requests. */
  tags: z.array(z.string().min(1).max(64)).max(16).default([]),
  /** From then on it is unknown. */
  expires: moment.optional(),
  /** Only for the list. */
  created: z.string().optional(),
  admin: z.boolean().default(false),
  may_force: z.boolean().default(false),
});

export const keysFileSchema = z.strictObject({ keys: z.array(keySchema).default([]) });

export const budgetsSchema = z.strictObject({
  /** What happens to a request that does not fit the budget of its key or route, where those do not say. */
  on_exceeded: onExceeded.default('refuse'),
  /** The model of `on_exceeded: cheap`; `routing.default_target` when not set. */
  cheap_model: nameSchema.optional(),
  /** The share of a budget from which answers carry `x-shunt-budget`, and an alert is sent. */
  soft_at: z.number().min(0.01).max(1).default(0.8),
  /** Alerts are sent there, as JSON. */
  webhook: z.url({ protocol: /^https?$/, message: 'must be an http or https URL' }).optional(),
  /** Reserved for the answer of a request that sets no limit of its own. */
  output_tokens: z.number().int().positive().max(1_000_000).default(1_024),
  /** By route: what may be spent on its target. */
  routes: z
    .record(
      nameSchema,
      z.strictObject({
        usd_per_day: dollars.optional(),
        usd_per_month: dollars.optional(),
        on_exceeded: onExceeded.optional(),
      }),
    )
    .default({}),
});
