/** `POST /chat/completions` and `POST /completions` in OpenAI's shapes, plain and streamed. */
import { type Answer, answer, answerTokens, isObject, type JsonObject, objects, promptTokens } from './answer.ts';
import { pseudoId } from './pseudo-random.ts';
import { dataEvent, errorReply, eventReply, jsonReply, type SimulatedReply } from './reply.ts';

export interface EndpointSettings {
  /** Seconds since the epoch. */
  readonly created: number;
  readonly outputTokens: number;
  /** Leave usage out, as some servers do. */
  readonly noUsage: boolean;
}

/** What a chat request comes to, before its shape is chosen. */
interface Conversation {
  readonly model: string;
  readonly answers: readonly Answer[];
  readonly usage: JsonObject;
  readonly head: JsonObject;
  readonly includeUsage: boolean;
}

export function chatReply(body: JsonObject, settings: EndpointSettings): SimulatedReply {
  const messages = objects(body.messages);
  if (messages.length === 0) {
    const message = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array.";
    return errorReply({ status: 400, message, param: 'messages', code: 'empty_array' });
  }
  const conversation = converse(body, messages, settings);
  if (body.stream === true) return eventReply(chatEvents(conversation, settings));
  const choices = conversation.answers.map((given, index) => ({
    index,
    message: { role: 'assistant', content: contentOf(given), ...toolCallsOf(given), refusal: null, annotations: [] },
    logprobs: null,
    finish_reason: given.finishReason,
  }));
  const usage = settings.noUsage ? {} : { usage: conversation.usage };
  const tail = { service_tier: 'default', system_fingerprint: 'fp_simulated' };
  return jsonReply({ ...conversation.head, object: 'chat.completion', choices, ...usage, ...tail });
}

export function completionReply(body: JsonObject, settings: EndpointSettings): SimulatedReply {
  const prompt = Array.isArray(body.prompt) ? body.prompt.join(' ') : String(body.prompt ?? '');
  const conversation = converse(body, [{ role: 'user', content: prompt }], settings);
  const head = { ...conversation.head, id: pseudoId('cmpl-', prompt), object: 'text_completion' };
  if (body.stream === true) return eventReply(completionEvents({ ...conversation, head }, settings));
  const choices = conversation.answers.map((given, index) => ({
    text: given.tokens.join(''),
    index,
    logprobs: null,
    finish_reason: given.finishReason,
  }));
  return jsonReply({ ...head, choices, ...(settings.noUsage ? {} : { usage: conversation.usage }) });
}

function converse(body: JsonObject, messages: readonly JsonObject[], settings: EndpointSettings): Conversation {
  const model = String(body.model);
  const tools = objects(body.tools);
  const n = typeof body.n === 'number' ? Math.max(1, Math.min(16, body.n)) : 1;
  const answers = Array.from({ length: n }, (_, choice) =>
    answer({
      model,
      messages,
      tools,
      toolChoice: body.tool_choice,
      format: formatOf(body.response_format),
      outputTokens: settings.outputTokens,
      maxTokens: numberOr(body.max_completion_tokens ?? body.max_tokens),
      choice,
    }),
  );
  const options = isObject(body.stream_options) ? body.stream_options : {};
  const id = pseudoId('chatcmpl-', JSON.stringify([messages, model]));
  return {
    model,
    answers,
    usage: chatUsage(promptTokens(messages, tools), sum(answers.map(answerTokens))),
    head: { id, object: 'chat.completion.chunk', created: settings.created, model },
    includeUsage: options.include_usage === true && !settings.noUsage,
  };
}

function* chatEvents(conversation: Conversation, settings: EndpointSettings): Generator<string> {
  const { answers, includeUsage } = conversation;
  const head = { ...conversation.head, service_tier: 'default', system_fingerprint: 'fp_simulated' };
  const usage = includeUsage ? { usage: null } : {};
  const chunk = (index: number, delta: JsonObject, finish_reason: string | null = null) =>
    dataEvent({ ...head, choices: [{ index, delta, logprobs: null, finish_reason }], ...usage });
  for (const [index, given] of answers.entries()) {
    yield chunk(index, { role: 'assistant', content: given.toolCall ? null : '', refusal: null });
    yield* given.toolCall ? toolCallChunks(given, (delta) => chunk(index, delta)) : [];
    for (const token of given.tokens) yield chunk(index, { content: token });
    yield chunk(index, {}, given.finishReason);
  }
  if (includeUsage && !settings.noUsage) yield dataEvent({ ...head, choices: [], usage: conversation.usage });
  yield dataEvent('[DONE]');
}

function* toolCallChunks(given: Answer, chunk: (delta: JsonObject) => string): Generator<string> {
  const call = given.toolCall;
  if (!call) return;
  const start = { index: 0, id: call.id, type: 'function', function: { name: call.name, arguments: '' } };
  yield chunk({ tool_calls: [start] });
  for (let at = 0; at < call.arguments.length; at += 6) {
    yield chunk({ tool_calls: [{ index: 0, function: { arguments: call.arguments.slice(at, at + 6) } }] });
  }
}

function* completionEvents(conversation: Conversation, settings: EndpointSettings): Generator<string> {
  const { answers, head, includeUsage } = conversation;
  const chunk = (index: number, text: string, finish_reason: string | null) =>
    dataEvent({ ...head, choices: [{ text, index, logprobs: null, finish_reason }] });
  for (const [index, given] of answers.entries()) {
    for (const token of given.tokens) yield chunk(index, token, null);
    yield chunk(index, '', given.finishReason);
  }
  if (includeUsage && !settings.noUsage) yield dataEvent({ ...head, choices: [], usage: conversation.usage });
  yield dataEvent('[DONE]');
}

function contentOf(given: Answer): string | null {
  return given.toolCall ? null : given.tokens.join('');
}

function toolCallsOf(given: Answer): JsonObject {
  if (!given.toolCall) return {};
  const { id, name, arguments: text } = given.toolCall;
  return { tool_calls: [{ id, type: 'function', function: { name, arguments: text } }] };
}

function formatOf(format: unknown): unknown {
  if (!isObject(format) || format.type === 'text') return null;
  if (format.type === 'json_object') return true;
  if (format.type !== 'json_schema') return null;
  return isObject(format.json_schema) ? (format.json_schema.schema ?? true) : true;
}

function chatUsage(prompt: number, completion: number): JsonObject {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function numberOr(value: unknown): number | null {
  return typeof value === 'number' && value > 0 ? value : null;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
