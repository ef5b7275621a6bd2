/** `POST /v1/route`: the decision for a prompt (`text`, `prompt` or `messages`), explained, without calling a backend. */
import { ShuntError } from '../base/errors.ts';
import { spliceMembers, topLevelMembers } from '../base/json-members.ts';
import { snakeCase } from '../base/snake-case.ts';
import { parseChatRequest, parseObject } from '../gateway/chat-request.ts';
import { type ExplainRequest, explain } from '../gateway/explain.ts';
import { promptText } from '../gateway/prompt-text.ts';
import { type EndpointFrame, readRequest, replyJson, type VisitHandler } from './endpoint.ts';
import type { Services } from './services.ts';

export function dryRunEndpoint(frame: EndpointFrame, services: Services): VisitHandler {
  return async (visit) => {
    const { body, signal } = await readRequest(frame, visit);
    const snapshot = services.snapshot();
    if (snapshot === null) throw new ShuntError('not_ready', 'The routes are still being loaded.');
    const asked = askedFor(body, services);
    const step = { config: services.config, snapshot, clock: services.clock };
    replyJson(visit, snakeCase(await explain(step, { ...asked, signal })));
  };
}

function askedFor(body: Buffer, services: Services): ExplainRequest {
  const fields = parseObject(body);
  if (fields.messages !== undefined) {
    const named =
      typeof fields.model === 'string' ? body : withModel(body, services.config.routing.model_names[0] ?? 'auto');
    const chat = parseChatRequest(named);
    return { text: promptText(chat.messages, services.config.routing.text), chat };
  }
  const text = fields.text ?? fields.prompt ?? fields.input;
  if (typeof text !== 'string') {
    throw new ShuntError('invalid_request', "Send the prompt as 'text', or a whole chat request with 'messages'.", {
      param: 'text',
    });
  }
  return { text, chat: null };
}

function withModel(body: Buffer, model: string): Buffer {
  return spliceMembers(body, topLevelMembers(body), { model: JSON.stringify(model) });
}
