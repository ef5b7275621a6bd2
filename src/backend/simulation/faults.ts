/**
 * What goes wrong with a simulated answer: by rates from the configuration, or as one request asks in its header
 *
 *   x-sim: error=503; latency=50; reset=mid
 *
 * The header works only here; the proxy passes it on as it passes every header that it does not know.
 */
import type { BackendConfig } from '../../config/schema.ts';

export interface Faults {
  /** Before the headers, and between two events of a stream. */
  readonly latencyMs: number;
  readonly tokenMs: number;
  readonly outputTokens: number;
  readonly errorStatus: number | null;
  /** Seconds, for `retry-after` of an error. */
  readonly retryAfter: string | null;
  /** A parameter that this model rejects with a 400 when the request has it. */
  readonly rejects: string | null;
  /** The stream stops without its final events, or the body at half its length; HTTP itself ends well. */
  readonly truncate: boolean;
  readonly reset: 'before' | 'headers' | 'mid' | null;
  /** No answer at all, or none after half of it. */
  readonly hang: 'before' | 'mid' | null;
  /** Bytes that are no HTTP. */
  readonly malformed: boolean;
  /** The declared length is more than what comes. */
  readonly shortBody: boolean;
  readonly html: boolean;
  readonly noUsage: boolean;
  /** An error event in the midst of a 200 stream. */
  readonly streamError: boolean;
  readonly crlf: boolean;
  readonly comments: boolean;
  /** Cut every frame into pieces of so many bytes, through events and through UTF-8. */
  readonly chunkBytes: number | null;
}

export function faultsOf(header: string | null, simulation: BackendConfig['simulation'], random: () => number): Faults {
  const asked = parseHeader(header);
  const flag = (name: string) => asked.has(name) && asked.get(name) !== '0';
  const number = (name: string) => {
    const value = Number(asked.get(name));
    return asked.has(name) && Number.isFinite(value) && value >= 0 ? value : null;
  };
  const unlucky = random() < simulation.error_rate;
  const cut = random() < simulation.truncation_rate;
  const slowBody = flag('slow-body') ? 50 : null;
  return {
    latencyMs: number('latency') ?? simulation.latency_ms,
    tokenMs: number('token') ?? slowBody ?? simulation.token_ms,
    outputTokens: number('tokens') ?? simulation.output_tokens,
    errorStatus: number('error') ?? (unlucky ? simulation.error_status : null),
    retryAfter: asked.get('retry-after') ?? null,
    rejects: asked.get('reject') ?? null,
    truncate: flag('truncate') || cut,
    reset: stageOf(asked.get('reset'), ['before', 'headers', 'mid'] as const),
    hang: stageOf(asked.get('hang'), ['before', 'mid'] as const),
    malformed: flag('malformed'),
    shortBody: flag('short-body'),
    html: flag('html'),
    noUsage: flag('no-usage'),
    streamError: flag('stream-error'),
    crlf: flag('crlf'),
    comments: flag('comments'),
    chunkBytes: number('chunk') || (flag('slow-body') ? 16 : null),
  };
}

/** `reset=1` means the first stage. */
function stageOf<Stage extends string>(value: string | undefined, stages: readonly Stage[]): Stage | null {
  if (value === undefined || value === '0') return null;
  return stages.find((stage) => stage === value) ?? stages[0];
}

function parseHeader(header: string | null): Map<string, string> {
  const asked = new Map<string, string>();
  for (const part of (header ?? '').split(';')) {
    const [name, value = '1'] = part.split('=', 2);
    if (name.trim() !== '') asked.set(name.trim(), value.trim());
  }
  return asked;
}
