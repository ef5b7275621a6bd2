/**
 * Reads a body of `POST /v1/completions`: a bare prompt, which routing takes for one user message. Prompts of tokens
 * have no text here; several prompts are matched as one.
 */
import { topLevelMembers } from '../base/json-members.ts';
import { type ChatRequest, firstNumber, isObject, modelOf, numberOr, parseObject } from './chat-request.ts';

/** Throws `invalid_json`, or `invalid_request` without a model. */
export function parseCompletionRequest(bytes: Buffer): ChatRequest {
  const body = parseObject(bytes);
  const streamOptions = isObject(body.stream_options) ? body.stream_options : null;
  return {
    dialect: 'completions',
    bytes,
    members: topLevelMembers(bytes),
    model: modelOf(body),
    messages: [{ role: 'user', content: promptText(body.prompt), toolCalls: 0, toolCallId: null }],
    stream: body.stream === true,
    includeUsage:
      streamOptions && typeof streamOptions.include_usage === 'boolean' ? streamOptions.include_usage : null,
    temperature: numberOr(body.temperature, 1),
    choices: Math.max(numberOr(body.n, 1), Array.isArray(body.prompt) ? body.prompt.length : 1),
    maxOutputTokens: firstNumber(body.max_tokens),
    hasTools: false,
    wantsJsonSchema: false,
    needs: [],
    previousResponse: null,
  };
}

function promptText(prompt: unknown): string {
  if (typeof prompt === 'string') return prompt;
  if (!Array.isArray(prompt)) return '';
  return prompt.filter((part): part is string => typeof part === 'string').join('\n');
}
