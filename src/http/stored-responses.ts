/**
 * What follows a stored response: `GET` and `DELETE /v1/responses/{id}`, `…/cancel`, `…/input_items`. They go to the
 * backend that made it, and only for the tenant that made it; to everybody else it does not exist.
 */
import { ShuntError } from '../base/errors.ts';
import type { Owner } from '../gateway/owners.ts';
import { passThrough } from '../gateway/pass-through.ts';
import type { Visit, VisitHandler } from './endpoint.ts';
import type { Services } from './services.ts';

/** `act`: what stands behind the id, with its slash; empty for the response itself. */
export function storedResponseEndpoint(services: Services, act: '' | '/cancel' | '/input_items'): VisitHandler {
  return async (visit, context) => {
    const id = context.req.param('id') ?? '';
    const { model, endpoint } = makerOf(services, visit, id);
    const { method } = visit.incoming;
    const result = await passThrough(services, {
      ...visit,
      model,
      endpoint,
      path: `/responses/${encodeURIComponent(id)}${act}`,
      body: method === 'POST' ? visit.incoming : null,
    });
    if (method === 'DELETE' && result.status === 200) services.owners.forget(id);
  };
}

/** The client's own credential needs no owner here: the provider knows whose an id is. Throws `not_found`. */
function makerOf(services: Services, visit: Visit, id: string): Pick<Owner, 'model' | 'endpoint'> {
  const { models, backends, routing } = services.config;
  const owner = services.owners.find(id, visit.tenant.id);
  if (owner !== null && models[owner.model]) return owner;
  if (backends[models[routing.fallback].backend].credentials === 'client') return { model: routing.fallback };
  throw new ShuntError('not_found', `Response with id '${id}' not found.`, { param: 'id' });
}
