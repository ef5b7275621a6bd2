/** A plan: where a chat request goes and why; what it is made from; and how a plan that is still open looks. */
import type { CancelSignal } from '../base/cancel.ts';
import type { Way } from '../cache/policy.ts';
import type { Embedding } from '../embedding/contract.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import type { MatchResult } from '../routing/decision.ts';
import type { FixedAnswer } from '../routing/route.ts';
import type { ChatRequest } from './chat-request.ts';
import type { Conversation } from './pin.ts';
import type { Tenant } from './tenant.ts';

export interface Plan {
  /** The route that is taken; null: the fallback, or a model asked for by name. */
  readonly route: string | null;
  /** What the matcher said where the plan does otherwise (monitor mode, a guard, an escalation). */
  readonly wouldRoute: string | null;
  readonly reason: string;
  /** How the request came to its route: what caching goes by. */
  readonly way: Way;
  /** Config names; `target` is `fixedTarget` beside an `answer`. */
  readonly target: string;
  readonly fallback: string;
  /** Takes the place of a model's answer. */
  readonly answer: FixedAnswer | null;
  /** The request was routed: a target that fails may fall over to the fallback. */
  readonly routed: boolean;
  /** Nobody else can answer: the request continues what only the target's backend knows. */
  readonly bound: boolean;
  /** The only one of its backend's endpoints that knows what the request continues; null: any. */
  readonly endpoint: string | null;
  readonly match: MatchResult | null;
  readonly pin: 'none' | 'new' | 'kept' | 'escalated';
  readonly conversation: Conversation | null;
  readonly text: string;
  /** Of `text`, when it was matched. */
  readonly embedding: Embedding | null;
  readonly embedMs: number;
  readonly matchMs: number;
}

export interface PlanRequest {
  readonly chat: ChatRequest;
  readonly tenant: Tenant;
  /** `x-shunt-route`: a route's name or `off`. */
  readonly forced: string | null;
  /** `x-shunt-session`. */
  readonly session: string | null;
  readonly snapshot: Snapshot;
  readonly signal: CancelSignal;
}

export interface Open {
  readonly request: PlanRequest;
  readonly fallback: string;
  readonly text: string;
  readonly conversation: Conversation | null;
  /** The cheaper model that the conversation is pinned to; a new turn is matched against it. */
  readonly pinned: string | null;
}

export type Beginning =
  | { readonly kind: 'settled'; readonly plan: Plan }
  | { readonly kind: 'open'; readonly open: Open };

/** Config names of the models that may answer a plan's request, in the order in which they are tried. */
export function reachableModels(plan: Plan): string[] {
  const mayFallOver = plan.routed && !plan.bound && plan.target !== plan.fallback;
  return mayFallOver ? [plan.target, plan.fallback] : [plan.target];
}

export const emptyPlan: Plan = {
  route: null,
  wouldRoute: null,
  reason: '',
  way: 'asked',
  target: '',
  fallback: '',
  answer: null,
  routed: false,
  bound: false,
  endpoint: null,
  match: null,
  pin: 'none',
  conversation: null,
  text: '',
  embedding: null,
  embedMs: 0,
  matchMs: 0,
};
