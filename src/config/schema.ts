/**
 * The shape of `shunt.yaml`: every key, its default and its bounds, in one place. Unknown keys are errors.
 * `Config` is the normalised value that the rest of the program sees: frozen, durations in milliseconds, prices in
 * nano-dollars per token. Cross-references (a model's backend, the fallback) are checked in `load.ts`.
 */
import { z } from 'zod';
import { nanoPerToken } from '../base/money.ts';

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/, 'must be letters, digits and . _ : / -');

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `250ms`, `30s`, `5m`, `1h`, `7d`, or a plain number of milliseconds. */
export const duration = z.union([z.number().int().nonnegative(), z.string()]).transform((value, context) => {
  if (typeof value === 'number') return value;
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(value.trim());
  if (match) return Math.round(Number(match[1]) * units[match[2] as keyof typeof units]);
  context.addIssue({ code: 'custom', message: 'must be a duration such as 250ms, 30s, 5m, 1h or 7d' });
  return z.NEVER;
});

const milliseconds = z.number().int().positive().max(86_400_000);

/** Dollars per million tokens; exact to $0.001 per million. */
const price = z.union([z.number(), z.string()]).transform((value, context) => {
  const nano = nanoPerToken(value);
  if (nano !== null) return nano;
  context.addIssue({
    code: 'custom',
    message: 'must be a plain decimal of dollars per million tokens, at most 3 decimals',
  });
  return z.NEVER;
});

export const abilities = ['tools', 'json_schema', 'vision', 'audio', 'reasoning'] as const;
export type Ability = (typeof abilities)[number];

const simulation = z.strictObject({
  latency_ms: z.number().nonnegative().max(600_000).default(0),
  token_ms: z.number().nonnegative().max(60_000).default(0),
  /** Share of requests answered with `error_status`. */
  error_rate: z.number().min(0).max(1).default(0),
  error_status: z.number().int().min(400).max(599).default(500),
  /** Share of streams that end without their final events. */
  truncation_rate: z.number().min(0).max(1).default(0),
  output_tokens: z.number().int().positive().max(100_000).default(32),
  seed: z.number().int().default(1),
});

const backend = z.strictObject({
  /** The API that it speaks: OpenAI's, the same with Azure's addresses and key, Anthropic's, or all, simulated in process. */
  kind: z.enum(['openai', 'azure', 'anthropic', 'simulated']).default('openai'),
  base_url: z.url({ protocol: /^https?$/, message: 'must be an http or https URL' }).optional(),
  api_key: z.string().optional(),
  headers: z.record(z.string(), z.string()).default({}),
  /** Azure's classic API: `api-version=…`, and deployments in the path. Without it, Azure's `/openai/v1`. */
  api_version: z.string().min(1).optional(),
  /** An HTTP proxy to go through, or `none`; what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say when not set. */
  proxy: z
    .union([z.literal('none'), z.url({ protocol: /^https?$/, message: 'must be an http or https URL, or none' })])
    .optional(),
  /** Certificates (PEM) to trust beside the usual ones, relative to the config. */
  ca_file: z.string().min(1).optional(),
  /** The backend speaks HTTP/2 (over TLS): requests share connections. */
  http2: z.boolean().default(false),
  /** `config`: the operator's key goes upstream. `client`: the client's own Authorization header does. */
  credentials: z.enum(['config', 'client']).default('config'),
  connect_ms: milliseconds.default(2_000),
  first_byte_ms: milliseconds.default(30_000),
  idle_ms: milliseconds.default(60_000),
  total_ms: milliseconds.default(600_000),
  max_retries: z.number().int().min(0).max(10).default(1),
  connections: z.number().int().min(1).max(4_096).default(256),
  /** The backend understands `stream_options.include_usage`. */
  stream_usage: z.boolean().default(true),
  simulation: simulation.prefault({}),
});

const model = z.strictObject({
  backend: name,
  model: z.string().min(1),
  usd_per_million: z.strictObject({ input: price, cached_input: price.optional(), output: price }).optional(),
  /** Context window in tokens, prompt and answer together. */
  context: z.number().int().positive().optional(),
  abilities: z.array(z.enum(abilities)).default([]),
});

const key = z.strictObject({
  name,
  hash: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hex digits (shunt keys hash KEY prints it)'),
  budget_usd_per_day: z.number().positive().optional(),
  requests_per_minute: z.number().int().positive().optional(),
  admin: z.boolean().default(false),
  may_force: z.boolean().default(false),
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
      body_limit_mb: z.number().positive().max(1_024).default(20),
      max_in_flight: z.number().int().positive().max(100_000).default(512),
      drain_ms: milliseconds.default(25_000),
      /** Time for a request's headers and body to arrive. */
      request_ms: milliseconds.default(60_000),
      /** Origins of web pages that may call the proxy: `https://app.example`. None unless named. */
      cors_origins: z
        .array(z.string().regex(/^https?:\/\/[^/\s]+$/, 'must be an origin such as https://app.example'))
        .default([]),
    })
    .prefault({}),
  auth: z.strictObject({ keys: z.array(key).default([]), anonymous: z.boolean().default(false) }).prefault({}),
  backends: z.record(name, backend).default({ demo: backend.parse({ kind: 'simulated' }) }),
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
  cache: z
    .strictObject({
      exact: z
        .strictObject({
          max_mb: z.number().nonnegative().max(65_536).default(64),
          ttl: duration.default(3_600_000),
          max_temperature: z.number().min(0).max(2).default(0),
        })
        .prefault({}),
      semantic: z
        .strictObject({ enabled: z.literal(false, 'is not available yet; leave it false').default(false) })
        .prefault({}),
    })
    .prefault({}),
  ledger: z
    .strictObject({
      url: z
        .string()
        .regex(/^(sqlite:.+|none)$/, 'must be sqlite:PATH or none')
        .default('sqlite:.shunt/ledger.db'),
      prompts: z.enum(['none', 'hash', 'redacted', 'full']).default('hash'),
      keep_days: z.number().int().positive().max(36_500).default(90),
      flush_ms: z.number().int().min(1).max(60_000).default(50),
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
};

export type BackendConfig = Config['backends'][string];
export type ModelConfig = Config['models'][string];
export type KeyConfig = Config['auth']['keys'][number];
export type ThresholdPolicy = z.output<typeof thresholdSchema>;
