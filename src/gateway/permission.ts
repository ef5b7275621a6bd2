/** What a key may ask for: models by the name in the request, and routes. The router's choices are bound by the routes. */
import { ShuntError } from '../base/errors.ts';
import type { Tenant } from './tenant.ts';

/** Whether a key may write this in `model`. `auto:ROUTE` counts as a routed name; the route is asked apart. */
export function mayAskModel(tenant: Tenant, asked: string, routedNames: readonly string[]): boolean {
  const allowed = tenant.allowedModels;
  if (allowed === null || allowed.has(asked)) return true;
  return asked.startsWith('auto:') && routedNames.some((name) => allowed.has(name));
}

/** Throws `model_forbidden`. */
export function mustBeAllowedModel(tenant: Tenant, asked: string, routedNames: readonly string[]): void {
  if (mayAskModel(tenant, asked, routedNames)) return;
  const known = [...(tenant.allowedModels ?? [])].join(', ') || 'none';
  throw new ShuntError('model_forbidden', `This key may not use the model '${asked}'. It may use: ${known}.`, {
    param: 'model',
  });
}

export function mayTakeRoute(tenant: Tenant, route: string | null): boolean {
  return route === null || tenant.allowedRoutes === null || tenant.allowedRoutes.has(route);
}
