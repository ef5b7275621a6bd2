/** `GET /v1/decisions/{id}`: what was decided about a request; for the key that made it, and for admins. */
import { ShuntError } from '../base/errors.ts';
import { decisionJson } from './decision-json.ts';
import { replyJson, type VisitHandler } from './endpoint.ts';
import type { Services } from './services.ts';

export function decisionEndpoint(services: Services): VisitHandler {
  return async (visit, context) => {
    const id = context.req.param('id') ?? '';
    const found = await services.findDecision(id);
    // Another key's decision is answered as if it did not exist: that it does is already telling.
    if (found === null || (found.record.tenant !== visit.tenant.id && !visit.tenant.admin)) {
      throw new ShuntError('not_found', `There is no decision '${id}'.`);
    }
    replyJson(visit, decisionJson(found));
  };
}
