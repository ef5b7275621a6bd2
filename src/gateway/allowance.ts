/**
 * May this request be sent, and on what terms? Before a byte goes out, the tokens and the money that it may take at most
 * are estimated and held: at the dearest of the models that it may reach. When it is over, they are let go; what it did
 * cost is booked from its record. A request that does not fit is refused, or goes to the cheap model, as configured.
 */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import type { Config } from '../config/schema.ts';
import { priceOf } from '../ledger/price.ts';
import type { TokenUsage } from '../ledger/record.ts';
import { estimateUsage } from '../ledger/usage.ts';
import type { Budgets, Reserved } from './budgets.ts';
import type { ChatRequest } from './chat-request.ts';
import type { ClientRequest } from './client-request.ts';
import { guard } from './guard.ts';
import { type Plan, reachableModels } from './plan-form.ts';
import type { Quota } from './quota.ts';
import type { Rejections } from './rejections.ts';
import type { Tenant } from './tenant.ts';

export interface Grant {
  /** The plan to follow: as it was, or the cheap model's. */
  readonly plan: Plan;
  readonly hold: Hold;
}

export interface Hold {
  /** The request is over. `usage`: what its backend reported; null leaves the estimate of its tokens as it is. */
  release(usage: TokenUsage | null): void;
}

export interface Allowance {
  /** Throws `budget_exceeded` or `rate_limit_exceeded`. Every grant needs its release. */
  grant(request: ClientRequest, chat: ChatRequest, plan: Plan): Grant;
  /** For a request that no route decides: `bytes` of text go to `model`, and nothing but their count is charged. */
  grantUnrouted(request: UnroutedRequest): Hold;
}

export interface UnroutedRequest {
  readonly tenant: Tenant;
  readonly outgoing: ServerResponse;
  readonly model: string;
  readonly bytes: number;
}

const nothingHeld: Hold = { release() {} };

export function createAllowance(options: {
  readonly config: Config;
  readonly budgets: Budgets;
  readonly quota: Quota;
  readonly rejections: Rejections;
  readonly clock: Clock;
}): Allowance {
  const { config, budgets, quota, rejections, clock } = options;
  const cheapModel = config.budgets.cheap_model ?? config.routing.default_target;

  return {
    grant(request, chat, plan) {
      const { key } = request.tenant;
      if (!quota.limitsTokens(key) && !budgets.concern(key, plan.route)) return { plan, hold: nothingHeld };
      const usage = estimate(chat);
      const cheap = cheapPlan(plan, chat);
      const reserved = budgets.reserve({
        key,
        route: plan.route,
        amount: dearest(reachableModels(plan), usage),
        cheap: cheap === null ? 'impossible' : 'possible',
      });
      if (reserved !== 'cheap' || cheap === null) return { plan, hold: hold(request, usage, reserved) };
      const amount = dearest([cheapModel], usage);
      const taken = budgets.reserve({ key, route: null, amount, cheap: 'taken' });
      return { plan: cheap, hold: hold(request, usage, taken) };
    },
    grantUnrouted(request) {
      const { key } = request.tenant;
      if (!quota.limitsTokens(key) && !budgets.concern(key, null)) return nothingHeld;
      const usage = estimateUsage(request.bytes, 0);
      const amount = dearest([request.model], usage);
      return hold(request, usage, budgets.reserve({ key, route: null, amount, cheap: 'impossible' }));
    },
  };

  function hold(
    request: { readonly tenant: Tenant; readonly outgoing: ServerResponse },
    estimated: TokenUsage,
    reserved: Reserved | 'cheap',
  ): Hold {
    const { key } = request.tenant;
    const money = reserved === 'cheap' ? null : reserved;
    const tokens = estimated.input + estimated.output;
    try {
      quota.takeTokens(key, tokens);
    } catch (error) {
      money?.release();
      throw error;
    }
    if (money !== null && money.notice !== null) request.outgoing.setHeader('x-shunt-budget', money.notice);
    return {
      release(usage) {
        money?.release();
        if (usage !== null) quota.giveBack(key, tokens - usage.input - usage.output);
      },
    };
  }

  function estimate(chat: ChatRequest): TokenUsage {
    return estimateUsage(chat.bytes.length, (chat.maxOutputTokens ?? config.budgets.output_tokens) * chat.choices);
  }

  function dearest(models: readonly string[], usage: TokenUsage): bigint {
    let most = 0n;
    for (const name of models) {
      const cost = priceOf(config.models[name], usage, clock.now()) ?? 0n;
      if (cost > most) most = cost;
    }
    return most;
  }

  /** null: what continues a stored answer, or asks for what the cheap model cannot do, cannot go there. */
  function cheapPlan(plan: Plan, chat: ChatRequest): Plan | null {
    if (plan.bound && plan.target !== cheapModel) return null;
    if (plan.target !== cheapModel && guard(config, cheapModel, chat, rejections) !== null) return null;
    const wouldRoute = plan.route ?? plan.wouldRoute;
    return { ...plan, target: cheapModel, route: null, wouldRoute, reason: 'budget', bound: true };
  }
}
