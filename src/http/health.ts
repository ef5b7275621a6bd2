/** `/healthz`: the process lives. `/readyz`: it serves: model and index are in, and it is not draining. */
import type { EndpointFrame, NodeContext } from './endpoint.ts';
import type { Services } from './services.ts';

export function healthEndpoint(context: NodeContext): Response {
  return context.json({ status: 'ok' });
}

export function readyEndpoint(context: NodeContext, frame: EndpointFrame, services: Services): Response {
  const snapshot = services.snapshot();
  if (frame.admission.draining)
    return context.json({ status: 'draining', in_flight: frame.admission.inFlight }, 503, { 'retry-after': '1' });
  if (snapshot === null) return context.json({ status: 'starting' }, 503, { 'retry-after': '1' });
  return context.json({
    status: 'ready',
    snapshot: snapshot.id,
    routes: snapshot.routes.size,
    in_flight: frame.admission.inFlight,
  });
}
