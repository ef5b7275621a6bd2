/**
 * What `cache:` may hold: in `shunt.yaml` the sizes and the defaults, on a route's card whether the route caches at all.
 * Nothing is cached unless a route, or `cache.fallback` for what no route takes, opts in.
 */
import { z } from 'zod';
import { duration } from './duration.ts';

const temperature = z.number().min(0).max(2);
/** Wrong ÷ served semantic hits. Below a thousandth no evidence of any use could be had. */
const errorShare = z.number().min(0.001).max(0.5);

/** A card's `cache:`, and `cache.fallback`. What is absent is as in `cache.exact` and `cache.semantic`. */
export const cachePolicySchema = z.strictObject({
  /** `semantic` takes exact hits too. */
  mode: z.enum(['none', 'exact', 'semantic']).default('none'),
  ttl: duration.optional(),
  max_temperature: temperature.optional(),
  max_error: errorShare.optional(),
  /** Also when the client forced the route. */
  forced: z.boolean().default(false),
  /** Also inside a tool loop whose results are told in words; calls and results of the protocol are never cached. */
  tool_loop: z.boolean().default(false),
});

export const cacheSchema = z.strictObject({
  exact: z
    .strictObject({
      /** In memory; 0: no answer is kept. */
      max_mb: z.number().nonnegative().max(65_536).default(64),
      ttl: duration.default(3_600_000),
      max_temperature: temperature.default(0),
      /** In the ledger's database, where answers outlive a restart; 0: none. */
      store_mb: z.number().nonnegative().max(1_048_576).default(256),
      /** A request waits no longer than this for the database before it goes to its backend. */
      store_wait_ms: z.number().positive().max(1_000).default(5),
    })
    .prefault({}),
  semantic: z
    .strictObject({
      enabled: z.boolean().default(false),
      max_mb: z.number().positive().max(65_536).default(128),
      max_error: errorShare.default(0.01),
      /** Share of the hits that could be served which go to the backend all the same, to see whether they were right. */
      verify_share: z.number().min(0).max(1).default(0.05),
      /** How the stored answer and the fresh one are compared. */
      compare: z.enum(['exact', 'embedding', 'judge']).default('embedding'),
      /** `compare: judge` asks this model. */
      judge: z.string().min(1).optional(),
      /** Labelled pairs to learn from at start: JSON Lines of `{"a": …, "b": …, "same": true}`. */
      pairs: z.string().min(1).optional(),
    })
    .prefault({}),
  /** Answers of the fallback model, to prompts that no route takes. */
  fallback: cachePolicySchema.prefault({}),
});
