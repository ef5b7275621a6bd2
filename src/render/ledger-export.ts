/**
 * Decisions for other programs, one line each: JSON Lines, or CSV (RFC 4180) with the same names. Money stands twice, as
 * whole nano-dollars and as exact decimal dollars; both are strings in JSON, lest a reader makes floats of them.
 */
import type { LedgerEntry } from '../ledger/contract.ts';
import { type CsvValue, csvLine } from './csv.ts';
import { exactUsd } from './report-fields.ts';

export interface LedgerExport {
  /** With its line end; empty when the form has no header. */
  readonly header: string;
  line(entry: LedgerEntry): string;
}

export interface ExportChoice {
  readonly format: 'csv' | 'jsonl';
  /** What the ledger kept of the prompt goes out as well. */
  readonly prompts: boolean;
}

export function ledgerExport({ format, prompts }: ExportChoice): LedgerExport {
  const fields = prompts ? [...columns, ['prompt', (entry: LedgerEntry) => entry.prompt] as const] : columns;
  if (format === 'jsonl') {
    const line = (entry: LedgerEntry) => Object.fromEntries(fields.map(([name, value]) => [name, value(entry)]));
    return { header: '', line: (entry) => `${JSON.stringify(line(entry))}\n` };
  }
  return {
    header: csvLine(fields.map(([name]) => name)),
    line: (entry) => csvLine(fields.map(([, value]) => value(entry))),
  };
}

const columns: readonly (readonly [name: string, value: (entry: LedgerEntry) => CsvValue])[] = [
  ['id', ({ id }) => id],
  ['time', ({ time }) => new Date(time).toISOString()],
  ['key', ({ key }) => key],
  ['tags', ({ tags }) => tags],
  ['endpoint', ({ endpoint }) => endpoint],
  ['requested_model', ({ requestedModel }) => requestedModel],
  ['route', ({ route }) => route],
  ['would_route', ({ wouldRoute }) => wouldRoute],
  ['reason', ({ reason }) => reason],
  ['score', ({ score }) => score],
  ['threshold', ({ threshold }) => threshold],
  ['margin', ({ margin }) => margin],
  ['snapshot', ({ snapshot }) => snapshot],
  ['model', ({ model }) => model],
  ['backend', ({ backend }) => backend],
  ['fallback_model', ({ fallbackModel }) => fallbackModel],
  ['attempts', ({ attempts }) => attempts],
  ['cache', ({ cache }) => cache],
  ['pin', ({ pin }) => pin],
  ['stream', ({ stream }) => stream],
  ['status', ({ status }) => status],
  ['error_code', ({ errorCode }) => errorCode],
  ['finish_reason', ({ finishReason }) => finishReason],
  ['truncated', ({ truncated }) => truncated],
  ['input_tokens', ({ usage }) => usage.input],
  ['cached_input_tokens', ({ usage }) => usage.cachedInput],
  ['output_tokens', ({ usage }) => usage.output],
  ['reasoning_tokens', ({ usage }) => usage.reasoning],
  ['usage_source', ({ usage }) => usage.source],
  ['cost_nano_usd', ({ cost }) => cost?.toString() ?? null],
  ['cost_usd', ({ cost }) => exactUsd(cost)],
  ['fallback_cost_nano_usd', ({ fallbackCost }) => fallbackCost?.toString() ?? null],
  ['fallback_cost_usd', ({ fallbackCost }) => exactUsd(fallbackCost)],
  ['added_ms', ({ latency }) => latency.addedMs],
  ['embed_ms', ({ latency }) => latency.embedMs],
  ['match_ms', ({ latency }) => latency.matchMs],
  ['first_byte_ms', ({ latency }) => latency.firstByteMs],
  ['total_ms', ({ latency }) => latency.totalMs],
  ['response_id', ({ responseId }) => responseId],
  ['person', ({ person }) => person],
  ['verdict', ({ verdict }) => verdict],
  ['accepted', ({ outcome }) => outcome?.accepted ?? null],
  ['outcome_score', ({ outcome }) => outcome?.score ?? null],
  ['outcome_source', ({ outcome }) => outcome?.source ?? null],
];
