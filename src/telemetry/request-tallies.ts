/**
 * What one finished request adds to, with every label already looked up: one set of tallies for the decision, one for the
 * backend's answer. Made once per combination of labels and kept.
 */
import type { FinishedRequest } from './finished-request.ts';
import type { Meters } from './meters.ts';
import type { Tally } from './tally.ts';

export interface DecisionLabels {
  readonly route: string;
  readonly reason: string;
  readonly model: string;
  readonly status: string;
  readonly endpoint: string;
  readonly cache: string;
  readonly pin: string;
}

export interface DecisionTallies {
  readonly decisions: Tally;
  readonly responses: Tally;
  readonly added: Tally;
  readonly embed: Tally;
  readonly match: Tally;
  readonly cache: Tally;
  /** null: no cached answer. */
  readonly cacheHit: { readonly hits: Tally; readonly saved: Tally } | null;
  readonly pin: Tally | null;
  readonly truncated: Tally;
  readonly cost: Tally;
  readonly unpriced: Tally;
  /** A plain number: savings are signed, and a counter may not fall. */
  readonly saved: { value: number };
}

export function makeDecisionTallies(meters: Meters, saved: { value: number }, labels: DecisionLabels): DecisionTallies {
  const { route, model } = labels;
  const kind = hitKind(labels);
  return {
    decisions: meters.decisions(route, labels.reason, model),
    responses: meters.responses(labels.endpoint, labels.status),
    added: meters.added(route),
    embed: meters.embed(),
    match: meters.match(),
    cache: meters.cache(labels.cache),
    cacheHit: kind === null ? null : { hits: meters.cacheHits(kind), saved: meters.cacheSaved(kind) },
    pin: labels.pin === 'none' ? null : meters.pins(labels.pin),
    truncated: meters.truncated(model),
    cost: meters.cost(route, model),
    unpriced: meters.unpriced(model),
    saved,
  };
}

function hitKind({ cache, reason }: DecisionLabels): string | null {
  if (cache === 'semantic') return 'semantic';
  if (cache !== 'hit') return null;
  return reason === 'coalesced' ? 'coalesced' : 'exact';
}

export function countDecision(tallies: DecisionTallies, request: FinishedRequest): void {
  const { latency, cost, fallbackCost } = request;
  tallies.decisions.add(1);
  tallies.responses.add(1);
  tallies.cache.add(1);
  if (tallies.cacheHit !== null) {
    tallies.cacheHit.hits.add(1);
    tallies.cacheHit.saved.add(Number(fallbackCost ?? 0n) / 1e9);
  }
  tallies.added.add(latency.addedMs / 1_000);
  if (latency.embedMs > 0) tallies.embed.add(latency.embedMs / 1_000);
  if (latency.matchMs > 0) tallies.match.add(latency.matchMs / 1_000);
  tallies.pin?.add(1);
  if (request.truncated) tallies.truncated.add(1);
  if (cost === null) tallies.unpriced.add(1);
  else tallies.cost.add(Number(cost) / 1e9);
  if (cost !== null && fallbackCost !== null) tallies.saved.value += Number(fallbackCost - cost) / 1e9;
}

export type AnswerLabels = readonly [operation: string, model: string, backend: string, error: string];

export interface AnswerTallies {
  readonly duration: Tally;
  readonly firstByte: Tally;
  readonly firstChunk: Tally;
  readonly inputSize: Tally;
  readonly outputSize: Tally;
  readonly input: Tally;
  readonly cachedInput: Tally;
  readonly output: Tally;
  readonly reasoning: Tally;
  readonly retries: Tally;
}

export function makeAnswerTallies(meters: Meters, [operation, model, backend, error]: AnswerLabels): AnswerTallies {
  return {
    duration: meters.duration(operation, model, backend, error),
    firstByte: meters.firstByte(model, backend),
    firstChunk: meters.firstChunk(operation, model, backend),
    inputSize: meters.tokenUsage(operation, model, backend, 'input'),
    outputSize: meters.tokenUsage(operation, model, backend, 'output'),
    input: meters.tokens(model, 'input'),
    cachedInput: meters.tokens(model, 'cached_input'),
    output: meters.tokens(model, 'output'),
    reasoning: meters.tokens(model, 'reasoning'),
    retries: meters.retries(model, backend),
  };
}

export function countAnswer(tallies: AnswerTallies, request: FinishedRequest): void {
  const { latency, usage } = request;
  tallies.duration.add(Math.max(0, latency.totalMs - latency.addedMs) / 1_000);
  if (request.attempts > 1) tallies.retries.add(request.attempts - 1);
  if (latency.firstByteMs !== null) {
    tallies.firstByte.add(latency.firstByteMs / 1_000);
    if (request.stream) tallies.firstChunk.add(latency.firstByteMs / 1_000);
  }
  if (usage.source === 'none') return;
  tallies.inputSize.add(usage.input);
  tallies.outputSize.add(usage.output);
  tallies.input.add(usage.input);
  tallies.output.add(usage.output);
  if (usage.cachedInput > 0) tallies.cachedInput.add(usage.cachedInput);
  if (usage.reasoning > 0) tallies.reasoning.add(usage.reasoning);
}
