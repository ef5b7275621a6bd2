/** `POST /v1/chat/completions`, `/v1/completions`, `/v1/responses`, `/v1/messages`: one story, told in four dialects. */
import { ShuntError } from '../base/errors.ts';
import type { DialectName } from '../gateway/chat-request.ts';
import { type EndpointFrame, readRequest, type VisitHandler } from './endpoint.ts';
import type { Services } from './services.ts';

export function chatEndpoint(frame: EndpointFrame, services: Services, dialect: DialectName): VisitHandler {
  return async (visit) => {
    const request = await readRequest(frame, visit);
    if (services.snapshot() === null) throw new ShuntError('not_ready', 'The routes are still being loaded.');
    await services.chat(request, dialect);
  };
}
