/** The names, labels and buckets of everything that is counted: the contract with dashboards and alerts. */
import type { Registry } from 'prom-client';
import { counterTallies, histogramTallies, type TallyOf } from './tally.ts';

export type Meters = Readonly<Record<CounterName | HistogramName, TallyOf>>;

/** The proxy's own work takes microseconds to milliseconds: Prometheus' default buckets begin where it should have ended. */
const ownWork = [0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1];

// https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/
const duration = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const firstChunk = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const tokenCounts = Array.from({ length: 14 }, (_, i) => 4 ** i);
const genAi = ['gen_ai_operation_name', 'gen_ai_request_model', 'gen_ai_provider_name'];

const counters = {
  decisions: ['shunt_decisions_total', 'Finished requests by route, reason and model.', ['route', 'reason', 'model']],
  responses: ['shunt_responses_total', 'Replies by endpoint and class of status.', ['endpoint', 'status']],
  tokens: [
    'shunt_tokens_total',
    'Tokens bought; cached and reasoning tokens are parts of input and output.',
    ['model', 'type'],
  ],
  errors: ['shunt_errors_total', 'Requests answered with an error of the proxy itself, by its code.', ['code']],
  cost: ['shunt_cost_usd_total', 'Dollars spent, by the prices in the config.', ['route', 'model']],
  unpriced: ['shunt_unpriced_requests_total', 'Requests whose model has no price in the config.', ['model']],
  cache: ['shunt_cache_results_total', 'Requests by what the caches did with them.', ['result']],
  cacheHits: [
    'shunt_cache_hits_total',
    'Answers that no backend was asked for: stored (exact), of a similar prompt (semantic), or shared while it came (coalesced).',
    ['kind'],
  ],
  cacheSaved: [
    'shunt_cache_saved_usd_total',
    'Dollars that cached answers saved against asking the fallback model.',
    ['kind'],
  ],
  pins: ['shunt_pin_outcomes_total', 'What became of conversation pins.', ['outcome']],
  truncated: ['shunt_truncated_answers_total', 'Answers that ended before their end.', ['model']],
  retries: ['shunt_backend_retries_total', 'Attempts after the first.', ['model', 'backend']],
  retriesDenied: ['shunt_backend_retries_denied_total', 'Retries that the budget did not allow.', ['backend']],
  breakerMoves: [
    'shunt_breaker_transitions_total',
    'Changes of breakers, by the state that they came to; model * is the endpoint’s key.',
    ['backend', 'endpoint', 'model', 'to'],
  ],
  embedderFailures: ['shunt_embedder_failures_total', 'Requests that fell back because embedding failed.', []],
  reloads: ['shunt_reloads_total', 'Reloads of config and routes.', ['result']],
} as const satisfies Record<string, readonly [name: string, help: string, labels: readonly string[]]>;

const histograms = {
  added: [
    'shunt_added_latency_seconds',
    'From the last byte of the body to the first byte sent on.',
    ['route'],
    ownWork,
  ],
  embed: ['shunt_embed_seconds', 'Embedding of one prompt, with its wait.', [], ownWork],
  match: ['shunt_match_seconds', 'Matching of one prompt.', [], ownWork],
  firstByte: [
    'shunt_backend_first_byte_seconds',
    'From the first attempt to the first byte.',
    ['model', 'backend'],
    firstChunk,
  ],
  firstChunk: [
    'gen_ai_client_operation_time_to_first_chunk_seconds',
    'From the first attempt to the first byte of a streamed answer.',
    genAi,
    firstChunk,
  ],
  duration: [
    'gen_ai_client_operation_duration_seconds',
    'From the first attempt to the end of the answer.',
    [...genAi, 'error_type'],
    duration,
  ],
  tokenUsage: ['gen_ai_client_token_usage', 'Tokens of a request.', [...genAi, 'gen_ai_token_type'], tokenCounts],
} as const satisfies Record<
  string,
  readonly [name: string, help: string, labels: readonly string[], buckets: readonly number[]]
>;

type CounterName = keyof typeof counters;
type HistogramName = keyof typeof histograms;

export function createMeters(registry: Registry): Meters {
  const counted = Object.entries(counters).map(([key, [name, help, labels]]) => [
    key,
    counterTallies({ registry, name, help, labels }),
  ]);
  const measured = Object.entries(histograms).map(([key, [name, help, labels, buckets]]) => [
    key,
    histogramTallies({ registry, name, help, labels, buckets }),
  ]);
  return Object.fromEntries([...counted, ...measured]) as Meters;
}
