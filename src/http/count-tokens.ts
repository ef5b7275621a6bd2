/** `POST /v1/messages/count_tokens`: counted by the model that would answer if nothing cheaper did; it costs nothing. */
import { spliceMembers } from '../base/json-members.ts';
import { mustSpeak } from '../gateway/guard.ts';
import { parseMessagesRequest } from '../gateway/messages-request.ts';
import { namedModel } from '../gateway/named-model.ts';
import { passThrough } from '../gateway/pass-through.ts';
import { type EndpointFrame, readRequest, type VisitHandler } from './endpoint.ts';
import type { Services } from './services.ts';

export function countTokensEndpoint(frame: EndpointFrame, services: Services): VisitHandler {
  return async (visit) => {
    const { config } = services;
    const chat = parseMessagesRequest((await readRequest(frame, visit)).body);
    const { model, name } = namedModel(config, chat.model);
    mustSpeak(config, model, chat);
    const body = spliceMembers(chat.bytes, chat.members, { model: JSON.stringify(name) });
    await passThrough(services, { ...visit, model, path: '/messages/count_tokens', body });
  };
}
