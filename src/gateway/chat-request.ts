/**
 * Reads an OpenAI chat body once: what routing, the guard, the pin and the cache need to know of it, and nothing else.
 * The original bytes go upstream; unknown fields are none of our business and are never checked.
 */
import { messageOf, ShuntError } from '../base/errors.ts';
import { type Member, topLevelMembers } from '../base/json-members.ts';
import type { Ability } from '../config/schema.ts';

export interface ChatMessage {
  readonly role: string;
  /** A string, an array of parts, or null beside tool calls; left as it came. */
  readonly content: unknown;
  readonly toolCalls: number;
  readonly toolCallId: string | null;
}

export interface ChatRequest {
  readonly bytes: Buffer;
  readonly members: readonly Member[];
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly stream: boolean;
  /** `stream_options.include_usage` as the client said it; null when it said nothing. */
  readonly includeUsage: boolean | null;
  /** `stream_options` stands in the body, whatever it holds. */
  readonly hasStreamOptions: boolean;
  /** Absent counts as 1, the API's default. */
  readonly temperature: number;
  readonly choices: number;
  readonly maxOutputTokens: number | null;
  readonly hasTools: boolean;
  readonly wantsJsonSchema: boolean;
  /** Abilities that a model must have to take this request. */
  readonly needs: readonly Ability[];
}

/** Throws `invalid_json` or `invalid_request` with the field at fault. */
export function parseChatRequest(bytes: Buffer): ChatRequest {
  const body = parseObject(bytes);
  const model = body.model;
  if (typeof model !== 'string' || model === '') {
    throw new ShuntError('invalid_request', "'model' must be a non-empty string: 'auto' or a configured model.", {
      param: 'model',
    });
  }
  const messages = parseMessages(body.messages);
  const streamOptions = isObject(body.stream_options) ? body.stream_options : null;
  const includeUsage =
    streamOptions && typeof streamOptions.include_usage === 'boolean' ? streamOptions.include_usage : null;
  const format = isObject(body.response_format) ? body.response_format : null;
  const wantsJsonSchema = format?.type === 'json_schema';
  const hasTools = nonEmpty(body.tools) || nonEmpty(body.functions);
  return {
    bytes,
    members: topLevelMembers(bytes),
    model,
    messages,
    stream: body.stream === true,
    includeUsage,
    hasStreamOptions: body.stream_options !== undefined && body.stream_options !== null,
    temperature: typeof body.temperature === 'number' ? body.temperature : 1,
    choices: typeof body.n === 'number' ? body.n : 1,
    maxOutputTokens: firstNumber(body.max_completion_tokens, body.max_tokens),
    hasTools,
    wantsJsonSchema,
    needs: needsOf(body, messages, { hasTools, wantsJsonSchema }),
  };
}

/** The body as a JSON object. Throws `invalid_json` for anything else. */
export function parseObject(bytes: Buffer): Record<string, unknown> {
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    const reason =
      bytes.length === 0 ? 'The request body is empty' : `The request body is not valid JSON: ${messageOf(error)}`;
    throw new ShuntError('invalid_json', `${reason}. Send a JSON object with content-type application/json.`);
  }
  if (!isObject(body)) throw new ShuntError('invalid_json', 'The request body must be a JSON object.');
  return body;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseMessages(value: unknown): ChatMessage[] {
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
    return {
      role: message.role,
      content: message.content ?? null,
      toolCalls:
        (Array.isArray(message.tool_calls) ? message.tool_calls.length : 0) + (isObject(message.function_call) ? 1 : 0),
      toolCallId: typeof message.tool_call_id === 'string' ? message.tool_call_id : null,
    };
  });
}

function needsOf(
  body: Record<string, unknown>,
  messages: readonly ChatMessage[],
  known: { hasTools: boolean; wantsJsonSchema: boolean },
): Ability[] {
  const needs = new Set<Ability>();
  if (known.hasTools) needs.add('tools');
  if (known.wantsJsonSchema) needs.add('json_schema');
  if (body.reasoning_effort !== undefined && body.reasoning_effort !== null && body.reasoning_effort !== 'none') {
    needs.add('reasoning');
  }
  if (Array.isArray(body.modalities) && body.modalities.includes('audio')) needs.add('audio');
  for (const message of messages) {
    if (!Array.isArray(message.content)) continue;
    for (const part of message.content as unknown[]) {
      if (!isObject(part)) continue;
      if (part.type === 'image_url' || part.type === 'input_image' || part.type === 'file') needs.add('vision');
      if (part.type === 'input_audio') needs.add('audio');
    }
  }
  return [...needs];
}

function nonEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

function firstNumber(...values: unknown[]): number | null {
  for (const value of values) if (typeof value === 'number') return value;
  return null;
}
