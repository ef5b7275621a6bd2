/**
 * A chat request, whatever dialect it came in: what routing, the guard, the pin and the cache need to know of a body,
 * and nothing else; and the reader of the first dialect, OpenAI's chat completions. The others are `completion-request.ts`,
 * `responses-request.ts` and `messages-request.ts`; all give the same form, so that there is one story for them.
 * The original bytes go upstream; unknown fields are none of our business and are never checked.
 */
import { messageOf, ShuntError } from '../base/errors.ts';
import { type Member, topLevelMembers } from '../base/json-members.ts';
import type { Ability } from '../config/schema.ts';

export type DialectName = 'chat' | 'completions' | 'responses' | 'messages';

export interface ChatMessage {
  readonly role: string;
  /** A string, an array of parts, or null beside tool calls; left as it came. */
  readonly content: unknown;
  readonly toolCalls: number;
  readonly toolCallId: string | null;
}

export interface ChatRequest {
  readonly dialect: DialectName;
  readonly bytes: Buffer;
  readonly members: readonly Member[];
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly stream: boolean;
  /** `stream_options.include_usage` as the client said it; null when it said nothing. */
  readonly includeUsage: boolean | null;
  /** Absent counts as 1, the API's default. */
  readonly temperature: number;
  readonly choices: number;
  readonly maxOutputTokens: number | null;
  readonly hasTools: boolean;
  readonly wantsJsonSchema: boolean;
  /** Abilities that a model must have to take this request. */
  readonly needs: readonly Ability[];
  /** Responses: the stored answer (or conversation) that this request continues. */
  readonly previousResponse: string | null;
}

/** Throws `invalid_json` or `invalid_request` with the field at fault. */
export function parseChatRequest(bytes: Buffer): ChatRequest {
  const body = parseObject(bytes);
  const model = modelOf(body);
  const messages = parseMessages(body.messages);
  const streamOptions = isObject(body.stream_options) ? body.stream_options : null;
  const format = isObject(body.response_format) ? body.response_format : null;
  const wantsJsonSchema = format?.type === 'json_schema';
  const hasTools = nonEmpty(body.tools) || nonEmpty(body.functions);
  const needs = needsOf(messages, { hasTools, wantsJsonSchema, reasons: reasons(body.reasoning_effort) });
  if (Array.isArray(body.modalities) && body.modalities.includes('audio')) needs.add('audio');
  return {
    dialect: 'chat',
    bytes,
    members: topLevelMembers(bytes),
    model,
    messages,
    stream: body.stream === true,
    includeUsage:
      streamOptions && typeof streamOptions.include_usage === 'boolean' ? streamOptions.include_usage : null,
    temperature: numberOr(body.temperature, 1),
    choices: numberOr(body.n, 1),
    maxOutputTokens: firstNumber(body.max_completion_tokens, body.max_tokens),
    hasTools,
    wantsJsonSchema,
    needs: [...needs],
    previousResponse: null,
  };
}

/** Throws `invalid_request` without one. */
export function modelOf(body: Readonly<Record<string, unknown>>): string {
  const { model } = body;
  if (typeof model === 'string' && model !== '') return model;
  throw new ShuntError('invalid_request', "'model' must be a non-empty string: 'auto' or a configured model.", {
    param: 'model',
  });
}

/** The body as a JSON object. Throws `invalid_json` for anything else. */
export function parseObject(bytes: Buffer): Record<string, unknown> {
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    const reason =
      bytes.length === 0
        ? 'The request body is empty'
        : `The request body is not valid JSON: ${withoutExcerpt(messageOf(error))}`;
    throw new ShuntError('invalid_json', `${reason}. Send a JSON object with content-type application/json.`);
  }
  if (!isObject(body)) throw new ShuntError('invalid_json', 'The request body must be a JSON object.');
  return body;
}

/** V8 quotes the text around a fault: that is the prompt, and the message goes to the log. */
function withoutExcerpt(message: string): string {
  return message.replace(/, (?:\.\.\.)?".*is not valid JSON$/s, '');
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The list of messages, each an object with a role. Throws `invalid_request` with the one at fault. */
export function messageObjects(value: unknown): Record<string, unknown>[] {
  if (!Array.isArray(value)) {
    throw new ShuntError('invalid_request', "'messages' must be an array of messages.", { param: 'messages' });
  }
  if (value.length === 0) {
    throw new ShuntError('invalid_request', "'messages' is empty: send at least one message.", { param: 'messages' });
  }
  return value.map((message: unknown, index) => {
    if (!isObject(message) || typeof message.role !== 'string') {
      const param = `messages[${index}]`;
      throw new ShuntError('invalid_request', `'${param}' must be an object with a string 'role'.`, { param });
    }
    return message;
  });
}

function parseMessages(value: unknown): ChatMessage[] {
  return messageObjects(value).map((message) => ({
    role: String(message.role),
    content: message.content ?? null,
    toolCalls:
      (Array.isArray(message.tool_calls) ? message.tool_calls.length : 0) + (isObject(message.function_call) ? 1 : 0),
    toolCallId: typeof message.tool_call_id === 'string' ? message.tool_call_id : null,
  }));
}

export function needsOf(
  messages: readonly ChatMessage[],
  known: { readonly hasTools: boolean; readonly wantsJsonSchema: boolean; readonly reasons: boolean },
): Set<Ability> {
  const needs = new Set<Ability>();
  if (known.hasTools) needs.add('tools');
  if (known.wantsJsonSchema) needs.add('json_schema');
  if (known.reasons) needs.add('reasoning');
  for (const message of messages) {
    if (!Array.isArray(message.content)) continue;
    for (const part of message.content as unknown[]) {
      const need = isObject(part) ? partNeeds.get(part.type) : undefined;
      if (need !== undefined) needs.add(need);
    }
  }
  return needs;
}

/** Parts of a message that not every model can read, by the names that the dialects have for them. */
const partNeeds = new Map<unknown, Ability>([
  ['image_url', 'vision'],
  ['input_image', 'vision'],
  ['image', 'vision'],
  ['file', 'vision'],
  ['input_file', 'vision'],
  ['document', 'vision'],
  ['input_audio', 'audio'],
]);

/** An effort that is asked for, and is not none. */
export function reasons(effort: unknown): boolean {
  return effort !== undefined && effort !== null && effort !== 'none';
}

export function nonEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

export function firstNumber(...values: unknown[]): number | null {
  for (const value of values) if (typeof value === 'number') return value;
  return null;
}

export function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}
