/**
 * Decides where a chat request goes, before a byte of it is sent. Two steps, because the exact cache stands between them:
 *
 *   begin(request) ─► settled: the plan is known (explicit model, forced, pinned, off)
 *                  └► open:    finish(open) embeds and matches within the budget
 *
 * A plan always names a model: whatever is unsure or broken ends at the fallback, with the reason.
 */

import { abortSignalOf } from '../base/cancel.ts';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Config } from '../config/schema.ts';
import type { Embedding } from '../embedding/contract.ts';
import type { MatchResult } from '../routing/decision.ts';
import { match } from '../routing/match.ts';
import { fixedTarget, targetOf } from '../routing/route.ts';
import { continuedPlan, explicitPlan, forcedPlan } from './asked-plan.ts';
import type { ChatRequest } from './chat-request.ts';
import { dialects } from './dialect.ts';
import { fixedAnswerObjection } from './fixed-answer.ts';
import { guard, mustSpeak, speaks } from './guard.ts';
import { fallbackFor } from './named-model.ts';
import type { Owners } from './owners.ts';
import { mayTakeRoute, mustBeAllowedModel } from './permission.ts';
import { type Conversation, conversationOf, type Pin, type PinStore } from './pin.ts';
import { type Beginning, emptyPlan, type Open, type Plan, type PlanRequest } from './plan-form.ts';
import { lastUserText, promptText } from './prompt-text.ts';
import type { Rejections } from './rejections.ts';
import { isSideRequest } from './side-request.ts';

export interface PlannerOptions {
  readonly config: Config;
  readonly pins: PinStore;
  readonly owners: Owners;
  readonly rejections: Rejections;
  readonly clock: Clock;
  /** Told about embedder failures, which never fail a request. */
  readonly onEmbedderError: (error: unknown) => void;
}

export interface Planner {
  /** Throws `model_not_found`, `route_forbidden`, `previous_response_not_found`, `invalid_request`. */
  begin(request: PlanRequest): Beginning;
  /** Never throws. Returns at once (not a promise) when the embedder works inline. */
  finish(open: Open): Plan | Promise<Plan>;
  /** The plan of a request that a stored answer of `route` by `model` takes; the conversation goes on with that model. */
  cached(open: Open, answer: { readonly route: string | null; readonly model: string }): Plan;
  /** Another model than the plan's target answered: the conversation goes on with that one. */
  moved(plan: Plan, model: string): void;
}

export function createPlanner(options: PlannerOptions): Planner {
  const { config, pins, owners, clock } = options;
  return { begin, finish, cached, moved };

  function begin(request: PlanRequest): Beginning {
    const { chat } = request;
    mustBeAllowedModel(request.tenant, chat.model, config.routing.model_names);
    const autoRoute = chat.model.startsWith('auto:') ? chat.model.slice('auto:'.length) : null;
    const forced = request.forced ?? autoRoute;
    const routed = autoRoute !== null || config.routing.model_names.includes(chat.model);
    if (!routed) {
      const plan = explicitPlan(config, request);
      return settled(chat.previousResponse === null ? plan : continuedPlan({ config, owners }, request, plan));
    }
    const fallback = fallbackFor(config, chat.model);
    mustSpeak(config, fallback, chat);
    const text = promptText(chat.messages, config.routing.text);
    const base = { ...emptyPlan, fallback, text, routed: true };
    if (chat.previousResponse !== null) return settled(continuedPlan({ config, owners }, request, base));
    if (forced === 'off') return settled({ ...base, target: fallback, reason: 'off' });
    if (forced !== null) return settled(toTarget(forcedPlan(request, forced, base), request));
    if (config.routing.mode === 'off') return settled({ ...base, target: fallback, reason: 'routing-off' });

    const conversation = conversationFor(request);
    const pin = conversation ? usablePin(pins.find(conversation), request) : null;
    if (conversation?.inToolLoop) {
      const target = pin ? pin.model : fallback;
      const reason = pin ? 'pinned-tool-loop' : 'tool-loop-without-pin';
      const kept = { pin: pin ? ('kept' as const) : ('new' as const), conversation, way: 'tool-loop' as const };
      return pinned({ ...base, target, route: pin?.route ?? null, reason, ...kept });
    }
    if (pin && pin.model === fallback) {
      return pinned({ ...base, target: fallback, reason: 'pinned', way: 'matched', pin: 'kept', conversation });
    }
    return { kind: 'open', open: { request, fallback, text, conversation, pinned: pin ? pin.model : null } };
  }

  function settled(plan: Plan): Beginning {
    return { kind: 'settled', plan };
  }

  function pinned(plan: Plan): Beginning {
    if (plan.conversation) pins.keep(plan.conversation, { model: plan.target, route: plan.route });
    return settled(plan);
  }

  /** A pin to a model that a reload has taken away, or that another dialect's requests made, is no pin. */
  function usablePin(pin: Pin | null, { chat, tenant }: PlanRequest): Pin | null {
    if (pin === null || !config.models[pin.model] || !mayTakeRoute(tenant, pin.route)) return null;
    return speaks(config, pin.model, chat) ? pin : null;
  }

  function moved(plan: Plan, model: string): void {
    if (plan.conversation) pins.keep(plan.conversation, { model, route: null });
  }

  function conversationFor(request: PlanRequest): Conversation | null {
    const { chat } = request;
    if (config.routing.pin === 'off' || !dialects[chat.dialect].conversational) return null;
    if (isSideRequest(lastUserText(chat.messages))) return null;
    return conversationOf(request.chat.messages, request.tenant.id, request.session);
  }

  /** Sends a plan with a route to that route's model, unless the guard says no. */
  function toTarget(plan: Plan, request: PlanRequest): Plan {
    const route = plan.route === null ? undefined : request.snapshot.routes.get(plan.route);
    const target = targetOf(route, config.routing.default_target);
    const allowed = mayTakeRoute(request.tenant, plan.route);
    if (target === plan.fallback && allowed) return { ...plan, target };
    const objection = allowed ? objectionTo(target, request.chat) : 'route-not-allowed';
    if (objection === null) return { ...plan, target, answer: route?.answer ?? null };
    return { ...plan, target: plan.fallback, route: null, wouldRoute: plan.route, reason: objection };
  }

  function objectionTo(target: string, chat: ChatRequest): string | null {
    return target === fixedTarget ? fixedAnswerObjection(chat) : guard(config, target, chat, options.rejections);
  }

  function finish(open: Open): Plan | Promise<Plan> {
    const started = clock.monotonic();
    const { embedInline } = open.request.snapshot.prompts;
    if (open.text.trim() === '') return conclude(open, fallbackPlan(open, 'empty-text'));
    if (embedInline !== null) {
      let embedding: Embedding;
      try {
        embedding = embedInline(open.text, 'query');
      } catch (error) {
        options.onEmbedderError(error);
        return conclude(open, { ...fallbackPlan(open, 'embedder-error'), embedMs: clock.monotonic() - started });
      }
      return matched(open, embedding, started);
    }
    return embedInWorker(open, started);
  }

  async function embedInWorker(open: Open, started: number): Promise<Plan> {
    const budget = AbortSignal.timeout(Math.ceil(config.routing.budget_ms));
    const signal = AbortSignal.any([budget, abortSignalOf(open.request.signal)]);
    try {
      const [embedding] = await open.request.snapshot.prompts.embed([open.text], { role: 'query', signal });
      return matched(open, embedding, started);
    } catch (error) {
      const reason = budget.aborted ? 'budget-exceeded' : 'embedder-error';
      if (reason === 'embedder-error' && !open.request.signal.aborted) options.onEmbedderError(messageOf(error));
      return conclude(open, { ...fallbackPlan(open, reason), embedMs: clock.monotonic() - started });
    }
  }

  function matched(open: Open, embedding: Embedding, started: number): Plan {
    const embedded = clock.monotonic();
    const embedMs = embedded - started;
    if (embedMs > config.routing.budget_ms)
      return conclude(open, { ...fallbackPlan(open, 'budget-exceeded'), embedMs });
    let result: MatchResult;
    try {
      result = match(open.request.snapshot.index, { text: open.text, vector: embedding.vector });
    } catch (error) {
      options.onEmbedderError(error);
      return conclude(open, { ...fallbackPlan(open, 'matcher-error'), embedMs });
    }
    const matchMs = clock.monotonic() - embedded;
    const timed = { ...fallbackPlan(open, result.reason), match: result, embedding, embedMs, matchMs };
    if (result.route === null) return conclude(open, timed);
    const aimed = toTarget({ ...timed, route: result.route }, open.request);
    if (config.routing.mode === 'monitor') {
      return conclude(open, { ...timed, target: open.fallback, wouldRoute: result.route, reason: 'monitor' });
    }
    return conclude(open, aimed);
  }

  function cached(open: Open, answer: { readonly route: string | null; readonly model: string }): Plan {
    const { route, model } = answer;
    return conclude(open, { ...fallbackPlan(open, 'cache-hit'), route, target: model });
  }

  /** Applies the pin to a fresh decision and keeps the outcome. */
  function conclude(open: Open, plan: Plan): Plan {
    if (open.conversation === null) return plan;
    const final = open.pinned === null ? { ...plan, pin: 'new' as const } : pinnedTurn(open, open.pinned, plan);
    // A fixed answer is nobody to go on with: the next turn is matched afresh.
    if (final.answer !== null) return { ...final, pin: 'none', conversation: null };
    pins.keep(open.conversation, { model: final.target, route: final.route });
    return final;
  }

  function pinnedTurn(open: Open, pinned: string, plan: Plan): Plan {
    if (plan.target === pinned) return { ...plan, pin: 'kept' };
    const wouldRoute = plan.route ?? plan.wouldRoute;
    return {
      ...plan,
      target: open.fallback,
      answer: null,
      route: null,
      wouldRoute,
      reason: plan.route ? 'escalated' : plan.reason,
      pin: 'escalated',
    };
  }

  function fallbackPlan(open: Open, reason: string): Plan {
    const { fallback, text, conversation } = open;
    return { ...emptyPlan, target: fallback, fallback, text, conversation, reason, way: 'matched', routed: true };
  }
}
