/**
 * The shape of `shunt.yaml`: every key, its default and its bounds, in one place. Unknown keys are errors.
 * `Config` is the normalised value that the rest of the program sees: frozen, durations in milliseconds, prices in
 * nano-dollars per token. Cross-references (a model's backend, the fallback) are checked in `load.ts`.
 */
import { z } from 'zod';
import { backendSchema } from './backend-schema.ts';
import { cacheSchema } from './cache-schema.ts';
import { duration } from './duration.ts';
import { budgetsSchema, keySchema } from './key-schema.ts';
import { isLedgerUrl } from './ledger-url.ts';
import { nameSchema as name } from './name.ts';
import { exactDollars, type PriceSource, priceSchema } from './price-schema.ts';

const milliseconds = z.number().int().positive().max(86_400_000);

export const abilities = ['tools', 'json_schema', 'vision', 'audio', 'reasoning'] as const;
export type Ability = (typeof abilities)[number];

const model = z.strictObject({
  backend: name,
  model: z.string().min(1),
  /** What the shipped table or `prices.file` says when not set; unpriced when they say nothing. */
  usd_per_million: priceSchema.optional(),
  /** Context window in tokens, prompt and answer together. */
  context: z.number().int().positive().optional(),
  abilities: z.array(z.enum(abilities)).default([]),
});

export const thresholdSchema = z.union([
  z.number().min(0).max(1),
  z.strictObject({ cosine: z.number().min(-1).max(1) }),
  z.strictObject({ precision: z.number().min(0.5).max(0.999) }),
]);

/** Endpoints that go to the fallback's backend unread. Files and batches must be asked for: who made which is kept in memory only. */
const passthroughKinds = ['moderations', 'audio', 'images', 'files', 'batches'] as const;

export const configSchema = z.strictObject({
  server: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.number().int().min(0).max(65_535).default(8080),
      admin_port: z.union([z.literal('none'), z.number().int().min(0).max(65_535)]).default('none'),
      /** Processes that share the port; what they hold in common, and at what price: docs/decisions, workers. */
      workers: z.number().int().min(1).max(64).default(1),
      body_limit_mb: z.number().positive().max(1_024).default(20),
      max_in_flight: z.number().int().positive().max(100_000).default(512),
      /** Requests that wait for a place when all are taken, each key in its turn, and for how long; 0: none waits. */
      max_queued: z.number().int().min(0).max(100_000).default(256),
      queue_ms: milliseconds.default(1_000),
      drain_ms: milliseconds.default(25_000),
      /** Time for a request's headers and body to arrive. */
      request_ms: milliseconds.default(60_000),
      /** Origins of web pages that may call the proxy: `https://app.example`. None unless named. */
      cors_origins: z
        .array(z.string().regex(/^https?:\/\/[^/\s]+$/, 'must be an origin such as https://app.example'))
        .default([]),
    })
    .prefault({}),
  auth: z
    .strictObject({
      keys: z.array(keySchema).default([]),
      /** What `shunt keys` writes; `.shunt/keys.yaml` when not set. Once it is there, or named here, a key is asked for. */
      keys_file: z.string().min(1).optional(),
      anonymous: z.boolean().default(false),
    })
    .prefault({}),
  budgets: budgetsSchema.prefault({}),
  backends: z.record(name, backendSchema).default({ demo: backendSchema.parse({ kind: 'simulated' }) }),
  models: z.record(name, model).default({}),
  routing: z
    .strictObject({
      mode: z.enum(['route', 'monitor', 'off']).default('route'),
      routes: z.string().min(1).default('routes'),
      models_dir: z.string().min(1).default('models'),
      model_names: z.array(name).default(['auto']),
      fallback: name.default('large'),
      default_target: name.default('small'),
      embedding: name.default('default'),
      budget_ms: z.number().positive().max(60_000).default(20),
      /** A request's time over all its attempts, the answer's end included; the longest `total_ms` of the backends when not set. */
      total_ms: milliseconds.optional(),
      text: z.enum(['last_user', 'system_and_last_user', 'conversation']).default('last_user'),
      pin: z.enum(['conversation', 'off']).default('conversation'),
      pin_ttl: duration.default(3_600_000),
      pin_max: z.number().int().positive().max(10_000_000).default(100_000),
      threshold: thresholdSchema.optional(),
      margin: z.number().min(0).max(1).optional(),
      reject_below: z.number().min(0).max(1).optional(),
      unknown_model: z.enum(['error', 'passthrough']).default('error'),
      passthrough: z.array(z.enum(passthroughKinds)).default(['moderations', 'audio', 'images']),
      watch: z.boolean().default(true),
      /** A reload serves only when `shunt eval` on these rows passes this gate. */
      gate: z.strictObject({ file: z.string().min(1), data: z.array(z.string().min(1)).min(1) }).optional(),
    })
    .prefault({}),
  prices: z
    .strictObject({
      /** Prices, contexts and abilities of models by their provider's name, before the shipped table's. */
      file: z.string().min(1).optional(),
      /** Take the list prices of the shipped table for models at their provider's own address. */
      shipped: z.boolean().default(true),
    })
    .prefault({}),
  cache: cacheSchema.prefault({}),
  ledger: z
    .strictObject({
      url: z
        .string()
        .refine(isLedgerUrl, 'must be sqlite:PATH, postgres://USER:PASSWORD@HOST:PORT/DATABASE or none')
        .default('sqlite:.shunt/ledger.db'),
      prompts: z.enum(['none', 'hash', 'redacted', 'full']).default('hash'),
      /** Makes hashes of prompts and persons. Replicas that share a ledger share it; made in .shunt/secret when not set. */
      hash_secret: z.string().min(32, 'must have at least 32 characters').optional(),
      keep_days: z.number().int().positive().max(36_500).default(90),
      flush_ms: z.number().int().min(1).max(60_000).default(50),
      /** Feedback that says a score and not whether it was accepted: accepted from this score on. */
      accept_score: z.number().min(0).max(1).default(0.5),
      /** What an hour of embedding costs, for reports; not set: embedding is counted as $0, and the report says so. */
      embedding_usd_per_hour: exactDollars.optional(),
      /** false: serve even when decisions can be written neither to the ledger nor to the file beside it. */
      required: z.boolean().default(true),
    })
    .prefault({}),
  telemetry: z
    .strictObject({
      log: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
      otlp: z.string().default(''),
    })
    .prefault({}),
});

type Parsed = z.output<typeof configSchema>;

type DeepReadonly<T> = T extends bigint | string | number | boolean | null | undefined
  ? T
  : T extends (infer U)[]
    ? readonly DeepReadonly<U>[]
    : { readonly [K in keyof T]: DeepReadonly<T[K]> };

/** What `loadConfig` returns: the parsed file, frozen, with absolute paths beside it. */
export type Config = DeepReadonly<Parsed> & {
  /** Absolute path of the file it came from, and its folder, against which relative paths resolve. */
  readonly file: string;
  readonly folder: string;
  /** Absolute path of the file with keys, present or not; its keys stand in `auth.keys`. */
  readonly keys_file: string;
  readonly stored_keys: readonly KeyConfig[];
  /** Every request needs a key, even if none is there. */
  readonly keys_required: boolean;
  /** By model: where its price is from. */
  readonly price_sources: Readonly<Record<string, PriceSource>>;
};

export type BackendConfig = Config['backends'][string];
export type ModelConfig = Config['models'][string];
export type KeyConfig = Config['auth']['keys'][number];
export type ThresholdPolicy = z.output<typeof thresholdSchema>;
