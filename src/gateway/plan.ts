/**
 * Decides where a chat request goes, before a byte of it is sent. Two steps, because the exact cache stands between them:
 *
 *   begin(request) ─► settled: the plan is known (explicit model, forced, pinned, off)
 *                  └► open:    finish(open) embeds and matches within the budget
 *
 * A plan always names a model: whatever is unsure or broken ends at the fallback, with the reason.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf, ShuntError } from '../base/errors.ts';
import type { Config, ModelConfig } from '../config/schema.ts';
import type { Embedding } from '../embedding/contract.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import type { MatchResult } from '../routing/decision.ts';
import { match } from '../routing/match.ts';
import type { ChatRequest } from './chat-request.ts';
import { guard } from './guard.ts';
import { type Conversation, conversationOf, type PinStore } from './pin.ts';
import { lastUserText, promptText } from './prompt-text.ts';
import { isSideRequest } from './side-request.ts';
import type { Tenant } from './tenant.ts';

export interface Plan {
  /** The route that is taken; null: the fallback, or a model asked for by name. */
  readonly route: string | null;
  /** What the matcher said where the plan does otherwise (monitor mode, a guard, an escalation). */
  readonly wouldRoute: string | null;
  readonly reason: string;
  /** Config names. */
  readonly target: string;
  readonly fallback: string;
  /** The request was routed: a target that fails may fall over to the fallback. */
  readonly routed: boolean;
  readonly match: MatchResult | null;
  readonly pin: 'none' | 'new' | 'kept' | 'escalated';
  readonly conversation: Conversation | null;
  readonly text: string;
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
  readonly signal: AbortSignal;
}

export interface PlannerOptions {
  readonly config: Config;
  readonly pins: PinStore;
  readonly clock: Clock;
  /** Told about embedder failures, which never fail a request. */
  readonly onEmbedderError: (error: unknown) => void;
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

export interface Planner {
  /** Throws `model_not_found` and `route_forbidden`. */
  begin(request: PlanRequest): Beginning;
  /** Never throws. Returns at once (not a promise) when the embedder works inline. */
  finish(open: Open): Plan | Promise<Plan>;
  /** The plan of a request that a stored answer of `route` by `model` takes; the conversation goes on with that model. */
  cached(open: Open, answer: { readonly route: string; readonly model: string }): Plan;
}

export function createPlanner(options: PlannerOptions): Planner {
  const { config, pins, clock } = options;
  return { begin, finish, cached };

  function begin(request: PlanRequest): Beginning {
    const { chat } = request;
    const autoRoute = chat.model.startsWith('auto:') ? chat.model.slice('auto:'.length) : null;
    const forced = request.forced ?? autoRoute;
    const routed = autoRoute !== null || config.routing.model_names.includes(chat.model);
    if (!routed) return { kind: 'settled', plan: explicitPlan(request) };

    const fallback = fallbackFor(config, chat.model);
    const text = promptText(chat.messages, config.routing.text);
    const base = { ...emptyPlan, fallback, text, routed: true };
    if (forced === 'off') return { kind: 'settled', plan: { ...base, target: fallback, reason: 'off' } };
    if (forced !== null) return { kind: 'settled', plan: forcedPlan(request, forced, base) };
    if (config.routing.mode === 'off')
      return { kind: 'settled', plan: { ...base, target: fallback, reason: 'routing-off' } };

    const conversation = conversationFor(request);
    const pin = conversation ? pins.find(conversation) : null;
    if (conversation?.inToolLoop) {
      const target = pin && config.models[pin.model] ? pin.model : fallback;
      const reason = pin ? 'pinned-tool-loop' : 'tool-loop-without-pin';
      return settle({ ...base, target, route: pin?.route ?? null, reason, pin: pin ? 'kept' : 'new', conversation });
    }
    if (pin && pin.model === fallback) {
      return settle({ ...base, target: fallback, reason: 'pinned', pin: 'kept', conversation });
    }
    return { kind: 'open', open: { request, fallback, text, conversation, pinned: pin ? pin.model : null } };
  }

  function settle(plan: Plan): Beginning {
    if (plan.conversation) pins.keep(plan.conversation, { model: plan.target, route: plan.route });
    return { kind: 'settled', plan };
  }

  function conversationFor(request: PlanRequest): Conversation | null {
    if (config.routing.pin === 'off' || isSideRequest(lastUserText(request.chat.messages))) return null;
    return conversationOf(request.chat.messages, request.tenant.id, request.session);
  }

  function explicitPlan(request: PlanRequest): Plan {
    const { chat } = request;
    const base = { ...emptyPlan, text: promptText(chat.messages, config.routing.text) };
    if (request.forced !== null && request.forced !== 'off') {
      throw new ShuntError(
        'invalid_request',
        `x-shunt-route forces a route, but model '${chat.model}' is not a routed name. Use one of: ${config.routing.model_names.join(', ')}.`,
        { param: 'x-shunt-route' },
      );
    }
    if (config.models[chat.model])
      return { ...base, target: chat.model, fallback: chat.model, reason: 'explicit-model' };
    if (config.routing.unknown_model === 'passthrough') {
      const fallback = config.routing.fallback;
      return { ...base, target: fallback, fallback, reason: 'unknown-model-passthrough' };
    }
    const known = [...config.routing.model_names, ...Object.keys(config.models)].join(', ');
    throw new ShuntError('model_not_found', `The model '${chat.model}' does not exist. Known here: ${known}.`, {
      param: 'model',
    });
  }

  function forcedPlan(request: PlanRequest, forced: string, base: Plan): Plan {
    if (!request.tenant.mayForce) {
      throw new ShuntError(
        'route_forbidden',
        `This key may not force a route ('${forced}'). Ask for 'may_force', or leave the choice to the router.`,
        {
          param: 'x-shunt-route',
        },
      );
    }
    const route = request.snapshot.routes.get(forced);
    if (!route) {
      const known = [...request.snapshot.routes.keys()].join(', ');
      throw new ShuntError('model_not_found', `There is no route '${forced}'. Known routes: ${known}.`, {
        param: 'x-shunt-route',
      });
    }
    return toTarget({ ...base, reason: 'forced', route: forced }, request);
  }

  /** Sends a plan with a route to that route's model, unless the guard says no. */
  function toTarget(plan: Plan, request: PlanRequest): Plan {
    const route = plan.route === null ? undefined : request.snapshot.routes.get(plan.route);
    const target = route?.target ?? config.routing.default_target;
    const model: ModelConfig | undefined = config.models[target];
    const objection = model ? guard(model, request.chat) : 'target-unknown';
    if (objection === null || target === plan.fallback) return { ...plan, target };
    return { ...plan, target: plan.fallback, route: null, wouldRoute: plan.route, reason: objection };
  }

  function finish(open: Open): Plan | Promise<Plan> {
    const started = clock.monotonic();
    const { embedder } = open.request.snapshot;
    if (open.text.trim() === '') return conclude(open, fallbackPlan(open, 'empty-text'));
    if (embedder.embedInline) {
      let embedding: Embedding;
      try {
        embedding = embedder.embedInline(open.text, 'query');
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
    const signal = AbortSignal.any([budget, open.request.signal]);
    try {
      const [embedding] = await open.request.snapshot.embedder.embed([open.text], { role: 'query', signal });
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
    const timed = { ...fallbackPlan(open, result.reason), match: result, embedMs, matchMs };
    if (result.route === null) return conclude(open, timed);
    const aimed = toTarget({ ...timed, route: result.route }, open.request);
    if (config.routing.mode === 'monitor') {
      return conclude(open, { ...timed, target: open.fallback, wouldRoute: result.route, reason: 'monitor' });
    }
    return conclude(open, aimed);
  }

  function cached(open: Open, answer: { readonly route: string; readonly model: string }): Plan {
    const { route, model } = answer;
    return conclude(open, { ...fallbackPlan(open, 'cache-hit'), route, target: model });
  }

  /** Applies the pin to a fresh decision and keeps the outcome. */
  function conclude(open: Open, plan: Plan): Plan {
    if (open.conversation === null) return plan;
    const final = open.pinned === null ? { ...plan, pin: 'new' as const } : pinnedTurn(open, open.pinned, plan);
    pins.keep(open.conversation, { model: final.target, route: final.route });
    return final;
  }

  function pinnedTurn(open: Open, pinned: string, plan: Plan): Plan {
    if (plan.target === pinned) return { ...plan, pin: 'kept' };
    const wouldRoute = plan.route ?? plan.wouldRoute;
    return {
      ...plan,
      target: open.fallback,
      route: null,
      wouldRoute,
      reason: plan.route ? 'escalated' : plan.reason,
      pin: 'escalated',
    };
  }

  function fallbackPlan(open: Open, reason: string): Plan {
    const { fallback, text, conversation } = open;
    return { ...emptyPlan, target: fallback, fallback, text, conversation, reason, routed: true };
  }
}

/** The strong model behind a routed name: the model of that name (or that provider name), else `routing.fallback`. */
export function fallbackFor(config: Config, requestedModel: string): string {
  if (config.models[requestedModel]) return requestedModel;
  const named = Object.entries(config.models).find(([, model]) => model.model === requestedModel);
  return named ? named[0] : config.routing.fallback;
}

const emptyPlan: Plan = {
  route: null,
  wouldRoute: null,
  reason: '',
  target: '',
  fallback: '',
  routed: false,
  match: null,
  pin: 'none',
  conversation: null,
  text: '',
  embedMs: 0,
  matchMs: 0,
};
