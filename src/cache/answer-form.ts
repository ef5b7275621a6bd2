/**
 * Turns a stored answer into the form that the client asks for: a plain chat completion, or a stream of its chunks,
 * with or without a chunk of usage. The same form goes out byte for byte.
 *
 *   json ◄──► sse      by way of one message: role, texts, finish reason
 *
 * Pure. What a message holds beyond text (tool calls, log probabilities, audio) does not survive the way, so such an
 * answer is not converted: null, a miss.
 */
import type { TokenUsage } from '../ledger/record.ts';
import type { CacheEntry } from './exact-cache.ts';
import { streamedData } from './streamed-data.ts';

export interface AnswerForm {
  readonly stream: boolean;
  /** The client asked for `stream_options.include_usage`. */
  readonly includeUsage: boolean;
}

export interface Replay {
  readonly contentType: string;
  readonly body: Buffer;
}

export function replay(entry: CacheEntry, form: AnswerForm): Replay | null {
  const { body, contentType } = entry;
  if (entry.form === 'json' && !form.stream) return { contentType, body };
  if (entry.form === 'sse' && form.stream && endsWithUsage(body) === form.includeUsage) return { contentType, body };
  const whole = entry.form === 'json' ? fromCompletion(body) : fromStream(body);
  if (whole === null) return null;
  const usage = whole.usage ?? usageObject(entry.usage);
  if (!form.stream) return { contentType: 'application/json', body: completion(whole, usage) };
  if (form.includeUsage && usage === null) return null;
  return { contentType: 'text/event-stream; charset=utf-8', body: events(whole, form.includeUsage ? usage : null) };
}

/** What the stored answer says; null when that is more, or less, than a text. */
export function answerText(entry: CacheEntry): string | null {
  const whole = entry.form === 'json' ? fromCompletion(entry.body) : fromStream(entry.body);
  const { content } = whole?.texts ?? {};
  return typeof content === 'string' ? content : null;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** A chat completion of one choice and nothing but text. */
interface WholeAnswer {
  /** `id`, `created`, `model` and whatever else stands beside the choices. */
  readonly head: JsonObject;
  readonly texts: JsonObject;
  readonly finishReason: string;
  readonly usage: JsonObject | null;
}

const textFields = new Set(['content', 'refusal', 'reasoning', 'reasoning_content']);

function fromCompletion(body: Buffer): WholeAnswer | null {
  const answer = parsed(body.toString('utf8'));
  if (!isObject(answer)) return null;
  const { choices, usage, object: _, ...head } = answer;
  const choice = onlyChoice(choices);
  if (choice === null || !isObject(choice.message) || typeof choice.finish_reason !== 'string') return null;
  const texts = textsOf(choice.message);
  if (texts === null || hasContent(choice.logprobs)) return null;
  return { head, texts, finishReason: choice.finish_reason, usage: isObject(usage) ? usage : null };
}

function fromStream(body: Buffer): WholeAnswer | null {
  const data = streamedData(body.toString('utf8'));
  if (data.at(-1) !== '[DONE]') return null;
  let head: JsonObject = {};
  let usage: JsonObject | null = null;
  let finishReason: string | null = null;
  const texts: Record<string, unknown> = {};
  for (const text of data.slice(0, -1)) {
    const chunk = parsed(text);
    if (!isObject(chunk) || !Array.isArray(chunk.choices)) return null;
    const { choices, usage: chunkUsage, object: _, ...rest } = chunk;
    head = { ...head, ...rest };
    if (isObject(chunkUsage)) usage = chunkUsage;
    if (chunk.choices.length === 0) continue;
    const choice = onlyChoice(choices);
    if (choice === null || !isObject(choice.delta) || hasContent(choice.logprobs)) return null;
    const added = textsOf(choice.delta);
    if (added === null) return null;
    for (const [field, value] of Object.entries(added)) texts[field] = joined(texts[field], value);
    if (typeof choice.finish_reason === 'string') finishReason = choice.finish_reason;
  }
  return finishReason === null ? null : { head, texts, finishReason, usage };
}

function completion(whole: WholeAnswer, usage: JsonObject | null): Buffer {
  const message = { role: 'assistant', content: null, refusal: null, ...whole.texts };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: whole.finishReason }];
  return Buffer.from(
    JSON.stringify({ object: 'chat.completion', ...whole.head, choices, ...(usage ? { usage } : {}) }),
  );
}

/** `usage`: sent in a chunk of its own, and as null in the chunks before it, as OpenAI does. */
function events(whole: WholeAnswer, usage: JsonObject | null): Buffer {
  const head = { object: 'chat.completion.chunk', ...whole.head };
  const noUsageYet = usage ? { usage: null } : {};
  const chunk = (delta: JsonObject, finish_reason: string | null) => {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason }];
    return `data: ${JSON.stringify({ ...head, choices, ...noUsageYet })}\n\n`;
  };
  const opening = chunk({ role: 'assistant', content: '' }, null);
  const middle = Object.entries(whole.texts)
    .filter(([, text]) => text !== null && text !== '')
    .map(([field, text]) => chunk({ [field]: text }, null));
  const last = usage ? `data: ${JSON.stringify({ ...head, choices: [], usage })}\n\n` : '';
  return Buffer.from(`${opening}${middle.join('')}${chunk({}, whole.finishReason)}${last}data: [DONE]\n\n`);
}

/** null when the message or delta holds more than text. */
function textsOf(message: JsonObject): JsonObject | null {
  const texts: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(message)) {
    if (field === 'role') continue;
    if (textFields.has(field) && (value === null || typeof value === 'string')) texts[field] = value;
    else if (hasContent(value)) return null;
  }
  return texts;
}

function joined(before: unknown, added: unknown): unknown {
  if (typeof before !== 'string') return added ?? before;
  return typeof added === 'string' ? before + added : before;
}

function hasContent(value: unknown): boolean {
  return value !== null && value !== undefined && !(Array.isArray(value) && value.length === 0);
}

function onlyChoice(choices: unknown): JsonObject | null {
  if (!Array.isArray(choices) || choices.length !== 1) return null;
  const choice: unknown = choices[0];
  return isObject(choice) && (choice.index === 0 || choice.index === undefined) ? choice : null;
}

/** The last chunk before `[DONE]` carries usage. */
function endsWithUsage(body: Buffer): boolean {
  const last = streamedData(body.toString('utf8', Math.max(0, body.length - 4_096))).at(-2);
  const chunk = last === undefined ? null : parsed(last);
  return isObject(chunk) && isObject(chunk.usage);
}

function usageObject(usage: TokenUsage | null): JsonObject | null {
  if (usage === null) return null;
  const { input, output, cachedInput, reasoning } = usage;
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cachedInput },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: an answer that we cannot convert, which the callers treat as a miss.
    return null;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
