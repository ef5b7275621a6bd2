/**
 * Reads a body of Anthropic's `POST /v1/messages`. Tool results stand there inside a user message, often with text that
 * the client's program adds; here they become messages of their own, and stand last: as long as results wait for the
 * model, the tool loop is open.
 *
 *   system ─► system    tool_use ─► a call of the assistant    user [text, tool_result…] ─► user text, tool, tool…
 */
import { topLevelMembers } from '../base/json-members.ts';
import {
  type ChatMessage,
  type ChatRequest,
  firstNumber,
  isObject,
  messageObjects,
  modelOf,
  needsOf,
  nonEmpty,
  numberOr,
  parseObject,
} from './chat-request.ts';

/** Throws `invalid_json` or `invalid_request` with the field at fault. */
export function parseMessagesRequest(bytes: Buffer): ChatRequest {
  const body = parseObject(bytes);
  const model = modelOf(body);
  const messages = [...system(body.system), ...messageObjects(body.messages).flatMap(messagesOf)];
  const wantsJsonSchema = formatOf(body)?.type === 'json_schema';
  const hasTools = nonEmpty(body.tools);
  const thinks = isObject(body.thinking) && body.thinking.type !== 'disabled';
  return {
    dialect: 'messages',
    bytes,
    members: topLevelMembers(bytes),
    model,
    messages,
    stream: body.stream === true,
    includeUsage: null,
    temperature: numberOr(body.temperature, 1),
    choices: 1,
    maxOutputTokens: firstNumber(body.max_tokens),
    hasTools,
    wantsJsonSchema,
    needs: [...needsOf(messages, { hasTools, wantsJsonSchema, reasons: thinks })],
    previousResponse: null,
  };
}

function formatOf(body: Readonly<Record<string, unknown>>): Record<string, unknown> | null {
  if (isObject(body.output_format)) return body.output_format;
  const { output_config: config } = body;
  return isObject(config) && isObject(config.format) ? config.format : null;
}

function system(value: unknown): ChatMessage[] {
  const content = typeof value === 'string' || Array.isArray(value) ? value : '';
  return content.length === 0 ? [] : [{ role: 'system', content, toolCalls: 0, toolCallId: null }];
}

function messagesOf(message: Readonly<Record<string, unknown>>): ChatMessage[] {
  const role = String(message.role);
  const { content } = message;
  if (!Array.isArray(content)) return [{ role, content: content ?? null, toolCalls: 0, toolCallId: null }];
  const parts = (content as unknown[]).filter(isObject);
  const toolCalls = parts.filter((part) => part.type === 'tool_use').length;
  const results = parts.filter((part) => part.type === 'tool_result');
  if (results.length === 0) return [{ role, content, toolCalls, toolCallId: null }];
  const said = parts.filter((part) => part.type !== 'tool_result');
  return [
    ...(said.length > 0 ? [{ role, content: said, toolCalls, toolCallId: null }] : []),
    ...results.map(
      (result): ChatMessage => ({
        role: 'tool',
        content: result.content ?? null,
        toolCalls: 0,
        toolCallId: typeof result.tool_use_id === 'string' ? result.tool_use_id : null,
      }),
    ),
  ];
}
