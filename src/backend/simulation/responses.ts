/** `POST /responses`, the least of it: one output message, plain or as the stream of events that the SDK reads; and what follows it. */
import { answer, answerTokens, isObject, type JsonObject, objects, promptTokens } from './answer.ts';
import type { EndpointSettings } from './chat.ts';
import { pseudoId } from './pseudo-random.ts';
import { eventReply, jsonReply, namedEvent, type SimulatedReply } from './reply.ts';

export function responsesReply(body: JsonObject, settings: EndpointSettings): SimulatedReply {
  const model = String(body.model);
  const messages = inputMessages(body);
  const tools = objects(body.tools);
  const given = answer({
    model,
    messages,
    tools,
    toolChoice: body.tool_choice,
    format: formatOf(body.text),
    outputTokens: settings.outputTokens,
    maxTokens: typeof body.max_output_tokens === 'number' ? body.max_output_tokens : null,
    choice: 0,
  });
  const seed = JSON.stringify([model, messages]);
  const input = promptTokens(messages, tools);
  const output = answerTokens(given);
  const cut = given.finishReason === 'length';
  const started = {
    id: pseudoId('resp_', seed),
    object: 'response',
    created_at: settings.created,
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    model,
    output: [] as JsonObject[],
    parallel_tool_calls: true,
    previous_response_id: body.previous_response_id ?? null,
    tools,
    usage: null as JsonObject | null,
  };
  const item: JsonObject = given.toolCall
    ? {
        id: pseudoId('fc_', seed),
        type: 'function_call',
        status: 'completed',
        call_id: given.toolCall.id,
        name: given.toolCall.name,
        arguments: given.toolCall.arguments,
      }
    : messageItem(pseudoId('msg_', seed), given.tokens.join(''));
  const finished = {
    ...started,
    status: cut ? 'incomplete' : 'completed',
    incomplete_details: cut ? { reason: 'max_output_tokens' } : null,
    output: [item],
    usage: settings.noUsage
      ? null
      : {
          input_tokens: input,
          input_tokens_details: { cached_tokens: 0 },
          output_tokens: output,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: input + output,
        },
  };
  if (body.stream !== true) return jsonReply(finished);
  return eventReply(responseEvents({ started, finished, item, tokens: given.tokens }));
}

/** What is asked of a stored response. Nothing is stored here: any id is known, and empty. */
export function storedResponseReply(method: string, below: string): SimulatedReply {
  const [id, act] = below.split('/', 2);
  if (method === 'DELETE') return jsonReply({ id, object: 'response', deleted: true });
  if (act === 'input_items')
    return jsonReply({ object: 'list', data: [], has_more: false, first_id: null, last_id: null });
  const status = act === 'cancel' ? 'cancelled' : 'completed';
  return jsonReply({ id, object: 'response', status, error: null, output: [], model: 'simulated' });
}

interface ResponseStory {
  readonly started: JsonObject;
  readonly finished: JsonObject & { readonly status: string };
  readonly item: JsonObject;
  readonly tokens: readonly string[];
}

function* responseEvents(story: ResponseStory): Generator<string> {
  let sequence_number = 0;
  const event = (type: string, rest: JsonObject) =>
    namedEvent(type, { type, sequence_number: sequence_number++, ...rest });
  const { started, finished, item } = story;
  yield event('response.created', { response: started });
  yield event('response.in_progress', { response: started });
  const isCall = item.type === 'function_call';
  const opened = isCall ? { ...item, arguments: '' } : { ...item, content: [] };
  yield event('response.output_item.added', { output_index: 0, item: { ...opened, status: 'in_progress' } });
  yield* isCall ? callEvents(item, event) : textEvents(item, story.tokens, event);
  yield event('response.output_item.done', { output_index: 0, item });
  yield event(`response.${finished.status}`, { response: finished });
}

type EventOf = (type: string, rest: JsonObject) => string;

function* callEvents(item: JsonObject, event: EventOf): Generator<string> {
  const place = { item_id: item.id, output_index: 0 };
  yield event('response.function_call_arguments.delta', { ...place, delta: item.arguments });
  yield event('response.function_call_arguments.done', { ...place, arguments: item.arguments, name: item.name });
}

function* textEvents(item: JsonObject, tokens: readonly string[], event: EventOf): Generator<string> {
  const place = { item_id: item.id, output_index: 0, content_index: 0 };
  const part = (text: string) => ({ type: 'output_text', text, annotations: [], logprobs: [] });
  yield event('response.content_part.added', { ...place, part: part('') });
  for (const delta of tokens) yield event('response.output_text.delta', { ...place, delta, logprobs: [] });
  const text = tokens.join('');
  yield event('response.output_text.done', { ...place, text, logprobs: [] });
  yield event('response.content_part.done', { ...place, part: part(text) });
}

function messageItem(id: string, text: string): JsonObject {
  const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }];
  return { id, type: 'message', status: 'completed', role: 'assistant', content };
}

function inputMessages(body: JsonObject): JsonObject[] {
  if (typeof body.input === 'string') return [{ role: 'user', content: body.input }];
  return objects(body.input).map((item) =>
    item.type === 'function_call_output' ? { role: 'tool', content: String(item.output) } : item,
  );
}

function formatOf(text: unknown): unknown {
  if (!isObject(text) || !isObject(text.format) || text.format.type === 'text') return null;
  return text.format.type === 'json_schema' ? (text.format.schema ?? true) : true;
}
