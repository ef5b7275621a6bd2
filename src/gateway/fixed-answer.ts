/**
 * A curated answer in place of a model's: a route's target may be a text that somebody approved. It goes out in the
 * dialect that was asked, plain or as a stream of a few events, without any backend. Its tokens are estimated, as what a
 * model would have said; nothing is bought.
 */
import type { TokenUsage } from '../ledger/record.ts';
import { estimateUsage } from '../ledger/usage.ts';
import type { ChatRequest, DialectName } from './chat-request.ts';

export interface FixedReply {
  readonly contentType: string;
  readonly body: Buffer;
  /** `cached`: replayed, nothing was bought. */
  readonly usage: TokenUsage;
}

type JsonObject = Readonly<Record<string, unknown>>;

interface Said {
  readonly text: string;
  /** The end of every id in it. */
  readonly id: string;
  /** What the answer calls its model. */
  readonly model: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly input: number;
  readonly output: number;
  readonly includeUsage: boolean;
}

/** Why a fixed answer will not do for this request; null when it will. */
export function fixedAnswerObjection(chat: ChatRequest): string | null {
  if (chat.hasTools) return 'target-lacks-tools';
  if (chat.needs.length > 0) return `target-lacks-${chat.needs[0].replace('_', '-')}`;
  return chat.choices === 1 ? null : 'target-lacks-choices';
}

export function fixedReply(
  chat: ChatRequest,
  said: { readonly text: string; readonly model: string; readonly id: string; readonly nowMs: number },
): FixedReply {
  const { text, model, id, nowMs } = said;
  const estimate = estimateUsage(chat.bytes.length, Math.ceil(Buffer.byteLength(text) / 4));
  const { input, output } = estimate;
  const created = Math.floor(nowMs / 1_000);
  const form = forms[chat.dialect];
  const all: Said = { text, id, model, created, input, output, includeUsage: chat.includeUsage === true };
  return {
    contentType: chat.stream ? 'text/event-stream; charset=utf-8' : 'application/json',
    body: Buffer.from(chat.stream ? form.stream(all) : JSON.stringify(form.plain(all))),
    usage: { ...estimate, source: 'cached' },
  };
}

const forms: Readonly<
  Record<DialectName, { readonly plain: (said: Said) => JsonObject; readonly stream: (said: Said) => string }>
> = {
  chat: { plain: chatAnswer, stream: chatStream },
  completions: { plain: completionAnswer, stream: completionStream },
  responses: { plain: responseAnswer, stream: responseStream },
  messages: { plain: messageAnswer, stream: messageStream },
};

function choiceUsage({ input, output }: Said): JsonObject {
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}

function chatAnswer(said: Said): JsonObject {
  const message = { role: 'assistant', content: said.text, refusal: null };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }];
  const head = { id: `chatcmpl-${said.id}`, object: 'chat.completion', created: said.created, model: said.model };
  return { ...head, choices, usage: choiceUsage(said) };
}

function chatStream(said: Said): string {
  const { id, created, model } = said;
  const head = { id: `chatcmpl-${id}`, object: 'chat.completion.chunk', created, model };
  const chunk = (delta: JsonObject, finish_reason: string | null) => [
    { index: 0, delta, logprobs: null, finish_reason },
  ];
  const steps = [
    chunk({ role: 'assistant', content: '' }, null),
    chunk({ content: said.text }, null),
    chunk({}, 'stop'),
  ];
  return choiceStream(said, head, steps);
}

function completionAnswer(said: Said): JsonObject {
  const choices = [{ text: said.text, index: 0, logprobs: null, finish_reason: 'stop' }];
  const head = { id: `cmpl-${said.id}`, object: 'text_completion', created: said.created, model: said.model };
  return { ...head, choices, usage: choiceUsage(said) };
}

function completionStream(said: Said): string {
  const { id, created, model } = said;
  const head = { id: `cmpl-${id}`, object: 'text_completion', created, model };
  const chunk = (text: string, finish_reason: string | null) => [{ text, index: 0, logprobs: null, finish_reason }];
  return choiceStream(said, head, [chunk(said.text, null), chunk('', 'stop')]);
}

/** Usage stands in a chunk of its own, and as null in those before it, when it was asked for. */
function choiceStream(said: Said, head: JsonObject, steps: readonly (readonly JsonObject[])[]): string {
  const noUsageYet = said.includeUsage ? { usage: null } : {};
  const chunks = steps.map((choices) => data({ ...head, choices, ...noUsageYet }));
  if (said.includeUsage) chunks.push(data({ ...head, choices: [], usage: choiceUsage(said) }));
  return `${chunks.join('')}data: [DONE]\n\n`;
}

function responseAnswer(said: Said): JsonObject {
  const { id, created, model, input, output } = said;
  return {
    id: `resp_${id}`,
    object: 'response',
    created_at: created,
    status: 'completed',
    error: null,
    incomplete_details: null,
    instructions: null,
    model,
    output: [responseItem(said)],
    parallel_tool_calls: true,
    previous_response_id: null,
    store: false,
    tools: [],
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: input + output,
    },
  };
}

function responseItem({ id, text }: Said): JsonObject {
  return { id: `msg_${id}`, type: 'message', status: 'completed', role: 'assistant', content: [outputText(text)] };
}

function outputText(text: string): JsonObject {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

function responseStream(said: Said): string {
  const { text } = said;
  const whole = responseAnswer(said);
  const started = { ...whole, status: 'in_progress', output: [], usage: null };
  const item = responseItem(said);
  const place = { item_id: item.id, output_index: 0, content_index: 0 };
  const steps: readonly (readonly [string, JsonObject])[] = [
    ['response.created', { response: started }],
    ['response.in_progress', { response: started }],
    ['response.output_item.added', { output_index: 0, item: { ...item, status: 'in_progress', content: [] } }],
    ['response.content_part.added', { ...place, part: outputText('') }],
    ['response.output_text.delta', { ...place, delta: text, logprobs: [] }],
    ['response.output_text.done', { ...place, text, logprobs: [] }],
    ['response.content_part.done', { ...place, part: outputText(text) }],
    ['response.output_item.done', { output_index: 0, item }],
    ['response.completed', { response: whole }],
  ];
  return steps.map(([type, rest], sequence_number) => named(type, { type, sequence_number, ...rest })).join('');
}

function messageAnswer({ id, model, text, input, output }: Said): JsonObject {
  return {
    id: `msg_${id}`,
    type: 'message',
    role: 'assistant',
    model,
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: input, output_tokens: output },
  };
}

function messageStream(said: Said): string {
  const { input, output } = said;
  const begun = { ...messageAnswer(said), content: [], stop_reason: null };
  const steps: readonly (readonly [string, JsonObject])[] = [
    ['message_start', { message: { ...begun, usage: { input_tokens: input, output_tokens: 0 } } }],
    ['content_block_start', { index: 0, content_block: { type: 'text', text: '' } }],
    ['content_block_delta', { index: 0, delta: { type: 'text_delta', text: said.text } }],
    ['content_block_stop', { index: 0 }],
    ['message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: output } }],
    ['message_stop', {}],
  ];
  return steps.map(([type, rest]) => named(type, { type, ...rest })).join('');
}

function data(value: JsonObject): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function named(type: string, value: JsonObject): string {
  return `event: ${type}\n${data(value)}`;
}
