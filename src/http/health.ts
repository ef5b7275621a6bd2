/**
 * `/healthz`: the process lives. `/readyz`: it serves: model and index are in, and it is not draining. With `?verbose`, for
 * operators, it says which endpoints of which backends are left alone, why and until when. That backends fail does not
 * make the proxy unready: another replica would find them no better.
 */
import { ShuntError } from '../base/errors.ts';
import { type EndpointFrame, endpoint, type NodeContext, replyJson } from './endpoint.ts';
import type { Services } from './services.ts';

export function healthEndpoint(context: NodeContext): Response {
  return context.json({ status: 'ok' });
}

export function readyEndpoint(frame: EndpointFrame, services: Services) {
  const verbose = endpoint(frame, (visit) => {
    if (!visit.tenant.admin)
      throw new ShuntError(
        'forbidden',
        '/readyz?verbose needs an admin key (auth.keys[].admin: true), or server.admin_port. /readyz needs none.',
      );
    const { status, headers, body } = readiness(frame, services);
    replyJson(visit, { ...body, backends: backendStates(services) }, { status, headers });
  });
  return (context: NodeContext): Response | Promise<Response> => {
    if (context.req.query('verbose') !== undefined) return verbose(context);
    const { status, headers, body } = readiness(frame, services);
    return context.json(body, status, headers);
  };
}

function readiness(frame: EndpointFrame, services: Services) {
  const snapshot = services.snapshot();
  const { draining, inFlight } = frame.admission;
  const wait = { 'retry-after': '1' };
  if (draining) return { status: 503, headers: wait, body: { status: 'draining', in_flight: inFlight } } as const;
  if (snapshot === null) return { status: 503, headers: wait, body: { status: 'starting' } } as const;
  const body = { status: 'ready', snapshot: snapshot.id, routes: snapshot.routes.size, in_flight: inFlight };
  return { status: 200, headers: {}, body } as const;
}

function backendStates({ backends, clock }: Services) {
  const epoch = clock.now() - clock.monotonic();
  return [...backends.values()]
    .flatMap((backend) => backend.view())
    .map(({ inFlight, until, ...row }) => ({
      ...row,
      in_flight: inFlight,
      until: until === null ? null : new Date(epoch + until).toISOString(),
    }));
}
