/**
 * One decision, explained, without calling a backend: the same for `shunt route`, `POST /v1/route` and the evaluation's
 * look at single rows. It embeds and matches exactly as a request does, but reads and writes no pin and no cache.
 */
import { abortSignalOf, type CancelSignal } from '../base/cancel.ts';
import type { Clock } from '../base/clock.ts';
import type { Config } from '../config/schema.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import type { Candidate, MatchResult, NearestExample, ScoreParts, ThresholdPromise } from '../routing/decision.ts';
import { match } from '../routing/match.ts';
import { fixedTarget, targetOf } from '../routing/route.ts';
import type { ChatRequest } from './chat-request.ts';
import { fixedAnswerObjection } from './fixed-answer.ts';
import { guard } from './guard.ts';
import { fallbackFor } from './named-model.ts';

export interface Explanation {
  readonly route: string | null;
  readonly target: string;
  readonly fallback: string;
  readonly reason: string;
  readonly score: number;
  readonly parts: ScoreParts | null;
  readonly threshold: number | null;
  readonly threshold_on: 'score' | 'cosine' | null;
  readonly promise: ThresholdPromise;
  readonly margin: number;
  readonly in_scope: number;
  readonly candidates: readonly Candidate[];
  readonly nearest: readonly NearestExample[];
  readonly tokens: number;
  readonly truncated: boolean;
  readonly timings_ms: { readonly embed: number; readonly match: number; readonly total: number };
  readonly snapshot: string;
  readonly embedding: {
    readonly alias: string;
    readonly name: string;
    readonly version: string;
    readonly fingerprint: string;
  };
}

export interface ExplainRequest {
  readonly text: string;
  /** The whole request, when there is one: then the guard on abilities and context has its say. */
  readonly chat: ChatRequest | null;
  readonly signal?: CancelSignal;
}

export async function explain(
  options: { readonly config: Config; readonly snapshot: Snapshot; readonly clock: Clock },
  request: ExplainRequest,
): Promise<Explanation> {
  const { config, snapshot, clock } = options;
  const started = clock.monotonic();
  const signal = request.signal && abortSignalOf(request.signal);
  const [embedding] = await snapshot.prompts.embed([request.text], { role: 'query', signal });
  const embedded = clock.monotonic();
  const result = match(snapshot.index, { text: request.text, vector: embedding.vector }, { limit: 10, explain: true });
  const matched = clock.monotonic();
  const fallback = fallbackFor(config, request.chat?.model ?? config.routing.model_names[0] ?? 'auto');
  const aim = aimOf(options, { result, fallback, chat: request.chat });
  const { alias, name, version, fingerprint } = snapshot.embedder.identity;
  const top = result.candidates[0] as Candidate | undefined;
  return {
    ...aim,
    fallback,
    score: result.score,
    parts: top?.parts ?? null,
    threshold: top?.threshold ?? null,
    threshold_on: top?.thresholdOn ?? null,
    promise: result.promise,
    margin: result.margin,
    in_scope: result.inScope,
    candidates: result.candidates,
    nearest: result.nearest,
    tokens: embedding.tokens,
    truncated: embedding.truncated,
    timings_ms: { embed: embedded - started, match: matched - embedded, total: matched - started },
    snapshot: snapshot.id,
    embedding: { alias, name, version, fingerprint },
  };
}

function aimOf(
  options: { readonly config: Config; readonly snapshot: Snapshot },
  step: { readonly result: MatchResult; readonly fallback: string; readonly chat: ChatRequest | null },
): { route: string | null; target: string; reason: string } {
  const { result, fallback, chat } = step;
  if (result.route === null) return { route: null, target: fallback, reason: result.reason };
  const target = targetOf(options.snapshot.routes.get(result.route), options.config.routing.default_target);
  const objection = chat === null || target === fallback ? null : objectionTo(options.config, target, chat);
  if (objection !== null) return { route: null, target: fallback, reason: objection };
  return { route: result.route, target, reason: result.reason };
}

function objectionTo(config: Config, target: string, chat: ChatRequest): string | null {
  return target === fixedTarget ? fixedAnswerObjection(chat) : guard(config, target, chat);
}
