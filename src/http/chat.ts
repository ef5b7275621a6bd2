/** `POST /v1/chat/completions`. */
import { ShuntError } from '../base/errors.ts';
import { type EndpointFrame, readRequest, type VisitHandler } from './endpoint.ts';
import type { Services } from './services.ts';

export function chatEndpoint(frame: EndpointFrame, services: Services): VisitHandler {
  return async (visit) => {
    const request = await readRequest(frame, visit);
    if (services.snapshot() === null) throw new ShuntError('not_ready', 'The routes are still being loaded.');
    await services.chat(request);
  };
}
