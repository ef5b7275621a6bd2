/** A decision record as a row of flat columns, and back; also as one line of JSON, for the spill file. */
import type { NanoUsd } from '../base/money.ts';
import type { DecisionRecord } from './record.ts';

export interface DecisionRow {
  id: string;
  time: number;
  tenant: string;
  key: string | null;
  /** JSON array of strings. */
  tags: string;
  endpoint: string;
  requested_model: string;
  route: string | null;
  would_route: string | null;
  reason: string;
  score: number | null;
  threshold: number | null;
  margin: number | null;
  candidates: string | null;
  snapshot: string;
  model: string | null;
  backend: string | null;
  fallback_model: string;
  attempts: number;
  cache: string;
  pin: string;
  stream: number;
  status: number;
  error_code: string | null;
  finish_reason: string | null;
  truncated: number;
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  usage_source: string;
  cost_nano_usd: bigint | null;
  fallback_cost_nano_usd: bigint | null;
  added_ms: number;
  embed_ms: number;
  match_ms: number;
  first_byte_ms: number | null;
  total_ms: number;
  prompt: string | null;
  response_id: string | null;
  person: string | null;
  verdict: string | null;
  /** The latest explicit outcome: written by `outcome-steps.ts`, never with the record. */
  accepted: number | null;
  outcome_score: number | null;
  outcome_source: string | null;
}

type RecordRow = Omit<DecisionRow, 'accepted' | 'outcome_score' | 'outcome_source'>;

/** The order of the columns in an insert. */
export const decisionColumns = [
  'id',
  'time',
  'tenant',
  'key',
  'tags',
  'endpoint',
  'requested_model',
  'route',
  'would_route',
  'reason',
  'score',
  'threshold',
  'margin',
  'candidates',
  'snapshot',
  'model',
  'backend',
  'fallback_model',
  'attempts',
  'cache',
  'pin',
  'stream',
  'status',
  'error_code',
  'finish_reason',
  'truncated',
  'input_tokens',
  'cached_input_tokens',
  'output_tokens',
  'reasoning_tokens',
  'usage_source',
  'cost_nano_usd',
  'fallback_cost_nano_usd',
  'added_ms',
  'embed_ms',
  'match_ms',
  'first_byte_ms',
  'total_ms',
  'prompt',
  'response_id',
  'person',
  'verdict',
] as const satisfies readonly (keyof RecordRow)[];

export function rowOf(record: DecisionRecord): RecordRow {
  const { usage, latency } = record;
  return {
    id: record.id,
    time: Math.round(record.time),
    tenant: record.tenant,
    key: record.key,
    tags: record.tags.length === 0 ? '[]' : JSON.stringify(record.tags),
    endpoint: record.endpoint,
    requested_model: record.requestedModel,
    route: record.route,
    would_route: record.wouldRoute,
    reason: record.reason,
    score: record.score,
    threshold: record.threshold,
    margin: record.margin,
    candidates: record.candidates,
    snapshot: record.snapshot,
    model: record.model,
    backend: record.backend,
    fallback_model: record.fallbackModel,
    attempts: record.attempts,
    cache: record.cache,
    pin: record.pin,
    stream: record.stream ? 1 : 0,
    status: record.status,
    error_code: record.errorCode,
    finish_reason: record.finishReason,
    truncated: record.truncated ? 1 : 0,
    input_tokens: usage.input,
    cached_input_tokens: usage.cachedInput,
    output_tokens: usage.output,
    reasoning_tokens: usage.reasoning,
    usage_source: usage.source,
    cost_nano_usd: record.cost,
    fallback_cost_nano_usd: record.fallbackCost,
    added_ms: latency.addedMs,
    embed_ms: latency.embedMs,
    match_ms: latency.matchMs,
    first_byte_ms: latency.firstByteMs,
    total_ms: latency.totalMs,
    prompt: record.prompt,
    response_id: record.responseId,
    person: record.person,
    verdict: record.verdict,
  };
}

export function recordOf(row: RecordRow): DecisionRecord {
  return {
    id: row.id,
    time: row.time,
    tenant: row.tenant,
    key: row.key,
    tags: JSON.parse(row.tags) as string[],
    endpoint: row.endpoint,
    requestedModel: row.requested_model,
    route: row.route,
    wouldRoute: row.would_route,
    reason: row.reason,
    score: row.score,
    threshold: row.threshold,
    margin: row.margin,
    candidates: row.candidates,
    snapshot: row.snapshot,
    model: row.model,
    backend: row.backend,
    fallbackModel: row.fallback_model,
    attempts: row.attempts,
    // What stands in these columns was written by `rowOf`.
    cache: row.cache as DecisionRecord['cache'],
    pin: row.pin as DecisionRecord['pin'],
    stream: row.stream === 1,
    status: row.status,
    errorCode: row.error_code,
    finishReason: row.finish_reason,
    // Lines that an older version spilled lack these three.
    responseId: row.response_id ?? null,
    verdict: (row.verdict ?? null) as DecisionRecord['verdict'],
    truncated: row.truncated === 1,
    usage: {
      input: row.input_tokens,
      cachedInput: row.cached_input_tokens,
      output: row.output_tokens,
      reasoning: row.reasoning_tokens,
      source: row.usage_source as DecisionRecord['usage']['source'],
    },
    cost: row.cost_nano_usd as NanoUsd | null,
    fallbackCost: row.fallback_cost_nano_usd as NanoUsd | null,
    latency: {
      addedMs: row.added_ms,
      embedMs: row.embed_ms,
      matchMs: row.match_ms,
      firstByteMs: row.first_byte_ms,
      totalMs: row.total_ms,
    },
    person: row.person ?? null,
    prompt: row.prompt,
  };
}

/** One line, without its newline. Money as decimal strings: JSON has no big integers. */
export function jsonLineOf(record: DecisionRecord): string {
  return JSON.stringify(rowOf(record), (_, value) => (typeof value === 'bigint' ? value.toString() : value));
}

/** null for a line that is no whole record: the last one of a process that was killed while writing it. */
export function recordOfJsonLine(line: string): DecisionRecord | null {
  try {
    const row = JSON.parse(line) as Record<string, unknown>;
    if (typeof row.id !== 'string' || typeof row.time !== 'number' || typeof row.tags !== 'string') return null;
    return recordOf({
      ...(row as unknown as RecordRow),
      cost_nano_usd: money(row.cost_nano_usd),
      fallback_cost_nano_usd: money(row.fallback_cost_nano_usd),
    });
  } catch {
    // Half a line is what this function is asked about; the caller counts it.
    return null;
  }
}

function money(value: unknown): bigint | null {
  return typeof value === 'string' ? BigInt(value) : null;
}
