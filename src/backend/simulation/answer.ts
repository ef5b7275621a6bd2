/**
 * What the simulated model says, as pure data: the same request gives the same answer, which names the model that
 * spoke and quotes the prompt, so that a reader sees at once where a request went.
 *
 *   tools asked for ─► a tool call     response_format ─► JSON     else ─► "[demo-small] You said: …" and filler words
 */
import { hashText, pseudoId } from './pseudo-random.ts';
import { schemaInstance } from './schema-instance.ts';
import { countTokens, fillerText, tokensOf } from './tokens.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

export interface Answer {
  /** Empty beside a tool call. */
  readonly tokens: readonly string[];
  readonly toolCall: ToolCall | null;
  readonly finishReason: 'stop' | 'length' | 'tool_calls';
}

export interface AnswerRequest {
  readonly model: string;
  /** The conversation, or null for the endpoints that have a bare prompt. */
  readonly messages: readonly JsonObject[];
  readonly tools: readonly JsonObject[];
  readonly toolChoice: unknown;
  /** A JSON schema, `true` for any JSON object, null for text. */
  readonly format: unknown;
  readonly outputTokens: number;
  readonly maxTokens: number | null;
  /** Which of `n` choices this is. */
  readonly choice: number;
}

export function answer(request: AnswerRequest): Answer {
  const prompt = lastText(request.messages, 'user');
  const tool = toolToCall(request, prompt);
  if (tool) return { tokens: [], toolCall: callOf(tool, request, prompt), finishReason: 'tool_calls' };
  const tokens = tokensOf(request.format === null ? prose(request, prompt) : json(request, prompt));
  const limit = request.maxTokens ?? Number.POSITIVE_INFINITY;
  const cut = tokens.length > limit;
  return { tokens: cut ? tokens.slice(0, limit) : tokens, toolCall: null, finishReason: cut ? 'length' : 'stop' };
}

function prose(request: AnswerRequest, prompt: string): string {
  const result = endsInToolResult(request.messages) ? lastText(request.messages, 'tool') : null;
  const opening = result === null ? `You said: "${shorten(prompt)}".` : `The tool says: ${shorten(result)}.`;
  const start = `[${request.model}] ${opening}`;
  const filler = Math.max(0, request.outputTokens - tokensOf(start).length);
  if (filler === 0) return start;
  return `${start} ${fillerText(filler, hashText(prompt, request.choice))}`;
}

function json(request: AnswerRequest, prompt: string): string {
  if (request.format === true) return JSON.stringify({ model: request.model, answer: shorten(prompt) });
  const text = (property: string) => `${property || 'text'} by ${request.model}`;
  return JSON.stringify(schemaInstance(request.format, { root: request.format, text }));
}

/** A tool is called when the request says so, or when the prompt has a word of the tool's name in it. */
function toolToCall(request: AnswerRequest, prompt: string): JsonObject | null {
  const { tools, toolChoice, messages } = request;
  if (tools.length === 0 || toolChoice === 'none') return null;
  const named = isObject(toolChoice) ? functionOf(toolChoice).name : undefined;
  if (named !== undefined) return tools.find((tool) => functionOf(tool).name === named) ?? null;
  if (endsInToolResult(messages)) return null;
  if (toolChoice === 'required') return tools[0];
  const said = prompt.toLowerCase();
  const asksFor = (tool: JsonObject) =>
    String(functionOf(tool).name ?? '')
      .toLowerCase()
      .split(/[^a-z0-9]+/)
      .some((word) => word.length > 3 && said.includes(word));
  return tools.find(asksFor) ?? null;
}

function callOf(tool: JsonObject, request: AnswerRequest, prompt: string): ToolCall {
  const { name, parameters } = functionOf(tool);
  const names = prompt.match(/\b\p{Lu}\p{Ll}+/gu) ?? [];
  const subject = names.at(-1) ?? 'example';
  const value = schemaInstance(parameters ?? { type: 'object' }, { root: parameters, text: () => subject });
  const seed = `${String(name)} ${prompt} ${request.messages.length} ${request.choice}`;
  return { id: pseudoId('call_', seed), name: String(name), arguments: JSON.stringify(value) };
}

/** Chat nests the function, Responses does not. */
function functionOf(tool: JsonObject): JsonObject {
  return isObject(tool.function) ? tool.function : tool;
}

function endsInToolResult(messages: readonly JsonObject[]): boolean {
  const role = messages.at(-1)?.role;
  return role === 'tool' || role === 'function';
}

function lastText(messages: readonly JsonObject[], role: string): string {
  const message = messages.findLast((one) => one.role === role) ?? messages.at(-1);
  return textOf(message?.content);
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return (content as unknown[])
    .map((part) => (isObject(part) && typeof part.text === 'string' ? part.text : ''))
    .filter((text) => text !== '')
    .join(' ');
}

/** Tokens of the prompt as a provider would bill them: texts, four a message, and the tools' schemas. */
export function promptTokens(messages: readonly JsonObject[], tools: readonly JsonObject[]): number {
  const texts = messages.reduce((sum, message) => sum + countTokens(textOf(message.content)) + 4, 3);
  return texts + (tools.length > 0 ? countTokens(JSON.stringify(tools)) : 0);
}

export function answerTokens(given: Answer): number {
  return given.toolCall ? countTokens(given.toolCall.name + given.toolCall.arguments) + 8 : given.tokens.length;
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 60 ? `${[...line].slice(0, 60).join('')}…` : line;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? (value as unknown[]).filter(isObject) : [];
}
