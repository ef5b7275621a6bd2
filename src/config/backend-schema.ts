/** The section of one backend: where it is, how it is spoken to, how long it may take, and what happens when it fails. */
import { z } from 'zod';

const milliseconds = z.number().int().positive().max(86_400_000);

const httpUrl = z.url({ protocol: /^https?$/, message: 'must be an http or https URL' });

/** An HTTP proxy to go through, or `none`; what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say when not set. */
const proxy = z.union([
  z.literal('none'),
  z.url({ protocol: /^https?$/, message: 'must be an http or https URL, or none' }),
]);

/** One address or key of a backend; what it does not say, the backend says. */
const endpoint = z.strictObject({
  /** For logs, metrics and `/readyz?verbose`; its place in the list, from 1, when not set. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/, 'must be letters, digits and . _ : -')
    .optional(),
  base_url: httpUrl.optional(),
  api_key: z.string().optional(),
  proxy: proxy.optional(),
  /** Its share of the requests, against the weights of the others. */
  weight: z.number().positive().max(1_000).default(1),
});

/** When an endpoint is left alone for a model, or its key altogether. */
const breaker = z.strictObject({
  /** So many 5xx, time-outs and broken connections in a row open it … */
  failures: z.number().int().min(1).max(1_000).default(5),
  /** … and so does this share of at least 20 requests within 10 seconds. */
  failure_rate: z.number().min(0.01).max(1).default(0.5),
  /** How long it stays open; doubled, up to a minute, each time that the request which tries it fails. */
  open_ms: milliseconds.default(5_000),
  /** The same after a 429 that names no time. */
  rate_limited_ms: milliseconds.default(1_000),
  /** The same after 401 or 402 for the key, and after three 403 in a row for the model; never doubled. */
  refused_ms: milliseconds.default(60_000),
});

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

export const backendSchema = z.strictObject({
  /** The API that it speaks: OpenAI's, the same with Azure's addresses and key, Anthropic's, or all, simulated in process. */
  kind: z.enum(['openai', 'azure', 'anthropic', 'simulated']).default('openai'),
  base_url: httpUrl.optional(),
  api_key: z.string().optional(),
  /** Several addresses or keys of the same service, instead of the one above. */
  endpoints: z.array(endpoint).min(1).max(64).optional(),
  headers: z.record(z.string(), z.string()).default({}),
  /** Azure's classic API: `api-version=…`, and deployments in the path. Without it, Azure's `/openai/v1`. */
  api_version: z.string().min(1).optional(),
  proxy: proxy.optional(),
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
  /** How often one request is tried again where it has failed; another endpoint is tried first, once each. */
  max_retries: z.number().int().min(0).max(10).default(1),
  /** Of all requests, the share that may be tried again; a quiet backend has ten, and one more each second. */
  retry_budget: z.number().min(0).max(10).default(0.2),
  breaker: breaker.prefault({}),
  connections: z.number().int().min(1).max(4_096).default(256),
  /** The backend understands `stream_options.include_usage`. */
  stream_usage: z.boolean().default(true),
  simulation: simulation.prefault({}),
});
