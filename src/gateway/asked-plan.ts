/**
 * Plans that the request itself settles: a model asked for by name, a route that is forced, an answer that it continues.
 * They are never matched.
 */
import { ShuntError } from '../base/errors.ts';
import type { Config } from '../config/schema.ts';
import { mustSpeak } from './guard.ts';
import type { Owners } from './owners.ts';
import { mayTakeRoute } from './permission.ts';
import { emptyPlan, type Plan, type PlanRequest } from './plan-form.ts';
import { promptText } from './prompt-text.ts';

/** Throws `model_not_found`, or `invalid_request` for a forced route without a routed name. */
export function explicitPlan(config: Config, request: PlanRequest): Plan {
  const { chat } = request;
  const base = { ...emptyPlan, text: promptText(chat.messages, config.routing.text) };
  if (request.forced !== null && request.forced !== 'off') {
    throw new ShuntError(
      'invalid_request',
      `x-shunt-route forces a route, but model '${chat.model}' is not a routed name. Use one of: ${config.routing.model_names.join(', ')}.`,
      { param: 'x-shunt-route' },
    );
  }
  if (config.models[chat.model]) {
    mustSpeak(config, chat.model, chat);
    return { ...base, target: chat.model, fallback: chat.model, reason: 'explicit-model' };
  }
  if (config.routing.unknown_model === 'passthrough') {
    const fallback = config.routing.fallback;
    mustSpeak(config, fallback, chat);
    return { ...base, target: fallback, fallback, reason: 'unknown-model-passthrough' };
  }
  const known = [...config.routing.model_names, ...Object.keys(config.models)].join(', ');
  throw new ShuntError('model_not_found', `The model '${chat.model}' does not exist. Known here: ${known}.`, {
    param: 'model',
  });
}

/** The plan of a forced route, not yet aimed. Throws `route_forbidden` and `model_not_found`. */
export function forcedPlan(request: PlanRequest, forced: string, base: Plan): Plan {
  if (!request.tenant.mayForce) {
    throw new ShuntError(
      'route_forbidden',
      `This key may not force a route ('${forced}'). Ask for 'may_force', or leave the choice to the router.`,
      { param: 'x-shunt-route' },
    );
  }
  if (!request.snapshot.routes.has(forced)) {
    const known = [...request.snapshot.routes.keys()].join(', ');
    throw new ShuntError('model_not_found', `There is no route '${forced}'. Known routes: ${known}.`, {
      param: 'x-shunt-route',
    });
  }
  if (!mayTakeRoute(request.tenant, forced)) {
    throw new ShuntError('route_forbidden', `This key may not take the route '${forced}'.`, { param: 'x-shunt-route' });
  }
  return { ...base, reason: 'forced', way: 'forced', route: forced };
}

/**
 * A stored answer lives at the backend and endpoint that made it: what continues it goes there, to the same model where a routed name
 * leaves the choice, and nowhere else when it fails. An id that is not known here goes to the fallback (or the model
 * that is named) if the client's own credential does, since the provider then knows whose it is. Throws
 * `previous_response_not_found` for all others, ids of other tenants among them.
 */
export function continuedPlan(
  step: { readonly config: Config; readonly owners: Owners },
  request: PlanRequest,
  base: Plan,
): Plan {
  const { config, owners } = step;
  const id = request.chat.previousResponse ?? '';
  const owner = owners.find(id, request.tenant.id);
  const maker = owner === null ? undefined : config.models[owner.model];
  if (owner === null || maker === undefined)
    return unknownContinued(config, { ...base, target: base.target || base.fallback }, id);
  const { endpoint = null } = owner;
  if (base.routed) {
    return { ...base, target: owner.model, endpoint, bound: true, reason: 'pinned-response', pin: 'kept' };
  }
  if (config.models[base.target].backend === maker.backend) return { ...base, endpoint };
  throw new ShuntError(
    'invalid_request',
    `'${id}' was made by model '${owner.model}', and '${base.target}' is on another backend, which does not know it. Name '${owner.model}' or a model beside it, or a routed name.`,
    { param: 'model' },
  );
}

function unknownContinued(config: Config, plan: Plan, id: string): Plan {
  if (config.backends[config.models[plan.target].backend].credentials === 'client') {
    return { ...plan, bound: true, reason: plan.routed ? 'continues-unknown' : plan.reason };
  }
  throw new ShuntError('previous_response_not_found', `Previous response with id '${id}' not found.`, {
    param: 'previous_response_id',
  });
}
