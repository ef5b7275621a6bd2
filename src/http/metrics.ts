/** `GET /metrics` in Prometheus' text format; with keys configured it needs an admin key. */
import { ShuntError } from '../base/errors.ts';
import type { VisitHandler } from './endpoint.ts';
import type { Services } from './services.ts';

export function metricsEndpoint(services: Services): VisitHandler {
  return async (visit) => {
    if (!visit.tenant.admin)
      throw new ShuntError('forbidden', '/metrics needs an admin key (auth.keys[].admin: true), or server.admin_port.');
    const { contentType, body } = await services.metrics();
    visit.outgoing.writeHead(200, { 'content-type': contentType });
    visit.outgoing.end(body);
  };
}
