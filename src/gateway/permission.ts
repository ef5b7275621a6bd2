/** What a key may ask for: models by the name in the request, and routes. The router's choices are bound by the routes. */
import { ShuntError } from '../base/errors.ts';
import type { Tenant } from './tenant.ts';

/** Throws `model_forbidden`. A forced route (`auto:…`) counts as a routed name; which routes is asked apart. */
export function mustBeAllowedModel(tenant: Tenant, asked: string, routedNames: readonly string[]): void {
  const allowed = tenant.allowedModels;
  if (allowed === null || allowed.has(asked)) return;
  if (asked.startsWith('auto:') && routedNames.some((name) => allowed.has(name))) return;
  const known = [...allowed].join(', ') || 'none';
  throw new ShuntError('model_forbidden', `This key may not use the model '${asked}'. It may use: ${known}.`, {
    param: 'model',
  });
}

export function mayTakeRoute(tenant: Tenant, route: string | null): boolean {
  return route === null || tenant.allowedRoutes === null || tenant.allowedRoutes.has(route);
}
