/** `POST /messages` and `/messages/count_tokens` in Anthropic's shapes, plain and streamed. */
import { type Answer, answer, answerTokens, isObject, type JsonObject, objects, promptTokens } from './answer.ts';
import type { EndpointSettings } from './chat.ts';
import { pseudoId } from './pseudo-random.ts';
import { eventReply, jsonReply, namedEvent, type SimulatedReply } from './reply.ts';

export function messagesReply(body: JsonObject, settings: EndpointSettings): SimulatedReply {
  if (typeof body.max_tokens !== 'number') return anthropicErrorReply(400, 'max_tokens: Field required');
  const model = String(body.model);
  const messages = plainMessages(body);
  const tools = plainTools(body);
  const given = answer({
    model,
    messages,
    tools,
    toolChoice: toolChoiceOf(body.tool_choice),
    format: formatOf(body),
    outputTokens: settings.outputTokens,
    maxTokens: body.max_tokens,
    choice: 0,
  });
  const input = {
    input_tokens: promptTokens(messages, tools),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  };
  const message = {
    id: pseudoId('msg_', JSON.stringify([model, messages])),
    type: 'message',
    role: 'assistant',
    model,
    content: [] as JsonObject[],
    stop_reason: null as string | null,
    stop_sequence: null,
    usage: { ...input, output_tokens: 1 },
  };
  const end = { stop_reason: stopReasons[given.finishReason], stop_sequence: null };
  const usage = { ...input, output_tokens: answerTokens(given) };
  if (body.stream === true) return eventReply(messageEvents(message, given, { end, usage }));
  return jsonReply({ ...message, ...end, content: [blockOf(given)], usage });
}

export function countTokensReply(body: JsonObject): SimulatedReply {
  return jsonReply({ input_tokens: promptTokens(plainMessages(body), plainTools(body)) });
}

export function anthropicErrorReply(status: number, message: string, headers: readonly string[] = []): SimulatedReply {
  const type = errorTypes[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
  const reply = jsonReply({ type: 'error', error: { type, message }, request_id: 'req_simulated' }, status);
  return { ...reply, headers };
}

const errorTypes: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

const stopReasons = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' } as const;

function blockOf(given: Answer): JsonObject {
  const call = given.toolCall;
  if (!call) return { type: 'text', text: given.tokens.join('') };
  return {
    type: 'tool_use',
    id: call.id.replace('call_', 'toolu_'),
    name: call.name,
    input: JSON.parse(call.arguments),
  };
}

function* messageEvents(
  message: JsonObject,
  given: Answer,
  last: { readonly end: JsonObject; readonly usage: JsonObject },
): Generator<string> {
  const event = (type: string, rest: JsonObject) => namedEvent(type, { type, ...rest });
  const call = given.toolCall;
  const opened = call ? { ...blockOf(given), input: {} } : { type: 'text', text: '' };
  yield event('message_start', { message });
  yield event('content_block_start', { index: 0, content_block: opened });
  yield event('ping', {});
  if (call) {
    const delta = { type: 'input_json_delta', partial_json: call.arguments };
    yield event('content_block_delta', { index: 0, delta });
  }
  for (const text of given.tokens)
    yield event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
  yield event('content_block_stop', { index: 0 });
  yield event('message_delta', { delta: last.end, usage: last.usage });
  yield event('message_stop', {});
}

/** As chat has them: the system prompt first, tool results as messages of their own. */
function plainMessages(body: JsonObject): JsonObject[] {
  const system = body.system === undefined ? [] : [{ role: 'system', content: body.system }];
  const said = objects(body.messages).flatMap((message) => {
    const results = objects(message.content).filter((part) => part.type === 'tool_result');
    if (results.length === 0) return [message];
    return results.map((result) => ({ role: 'tool', content: result.content }));
  });
  return [...system, ...said];
}

function plainTools(body: JsonObject): JsonObject[] {
  return objects(body.tools).map(({ name, input_schema }) => ({ name, parameters: input_schema }));
}

function toolChoiceOf(choice: unknown): unknown {
  if (!isObject(choice)) return undefined;
  if (choice.type === 'any') return 'required';
  return choice.type === 'tool' ? { name: choice.name } : choice.type;
}

function formatOf(body: JsonObject): unknown {
  const config = isObject(body.output_config) ? body.output_config.format : body.output_format;
  return isObject(config) && config.type === 'json_schema' ? (config.schema ?? true) : null;
}
