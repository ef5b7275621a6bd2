/**
 * Reads a body of `POST /v1/responses`. Its `input` is a text or a list of items; the items that make a conversation
 * become messages as chat has them, so that routing, pins and tool loops work alike:
 *
 *   instructions ─► system    message ─► its role    function_call… ─► assistant with calls    …_call_output ─► tool
 *
 * Calls of one turn stand side by side as items and become one message. Reasoning and the calls of hosted tools, which
 * the provider answers itself, say nothing here.
 */
import { topLevelMembers } from '../base/json-members.ts';
import {
  type ChatMessage,
  type ChatRequest,
  firstNumber,
  isObject,
  modelOf,
  needsOf,
  nonEmpty,
  numberOr,
  parseObject,
  reasons,
} from './chat-request.ts';

/** Calls that the client has to answer with an item of type `…_output`. */
const clientCalls = new Set<unknown>([
  'function_call',
  'custom_tool_call',
  'computer_call',
  'local_shell_call',
  'shell_call',
  'apply_patch_call',
]);

/** Throws `invalid_json`, or `invalid_request` without a model. */
export function parseResponsesRequest(bytes: Buffer): ChatRequest {
  const body = parseObject(bytes);
  const messages = [...instructions(body.instructions), ...inputMessages(body.input)];
  const format = isObject(body.text) && isObject(body.text.format) ? body.text.format : null;
  const wantsJsonSchema = format?.type === 'json_schema';
  const hasTools = nonEmpty(body.tools);
  const effort = isObject(body.reasoning) ? body.reasoning.effort : null;
  return {
    dialect: 'responses',
    bytes,
    members: topLevelMembers(bytes),
    model: modelOf(body),
    messages,
    stream: body.stream === true,
    includeUsage: null,
    temperature: numberOr(body.temperature, 1),
    choices: 1,
    maxOutputTokens: firstNumber(body.max_output_tokens),
    hasTools,
    wantsJsonSchema,
    needs: [...needsOf(messages, { hasTools, wantsJsonSchema, reasons: reasons(effort) })],
    previousResponse: storedState(body),
  };
}

/** A stored response, or a stored conversation: either way something that only its backend has. */
function storedState(body: Readonly<Record<string, unknown>>): string | null {
  const { previous_response_id: response, conversation } = body;
  if (typeof response === 'string') return response;
  const id = isObject(conversation) ? conversation.id : conversation;
  return typeof id === 'string' ? id : null;
}

function instructions(value: unknown): ChatMessage[] {
  return typeof value === 'string' && value !== '' ? [message('system', value)] : [];
}

function inputMessages(input: unknown): ChatMessage[] {
  if (typeof input === 'string') return [message('user', input)];
  const messages: ChatMessage[] = [];
  let calls = 0;
  const closeTurn = () => {
    if (calls > 0) messages.push({ ...message('assistant', null), toolCalls: calls });
    calls = 0;
  };
  for (const item of Array.isArray(input) ? (input as unknown[]) : []) {
    if (!isObject(item)) continue;
    if (clientCalls.has(item.type)) {
      calls++;
      continue;
    }
    if (typeof item.role === 'string') {
      closeTurn();
      messages.push(message(item.role, item.content ?? null));
    } else if (typeof item.type === 'string' && item.type.endsWith('_output')) {
      closeTurn();
      const toolCallId = typeof item.call_id === 'string' ? item.call_id : null;
      messages.push({ ...message('tool', item.output ?? null), toolCallId });
    }
  }
  closeTurn();
  return messages;
}

function message(role: string, content: unknown): ChatMessage {
  return { role, content, toolCalls: 0, toolCallId: null };
}
