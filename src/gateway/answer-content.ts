/**
 * What a kept answer says, in any dialect, plain or streamed: its texts, and whether the model refused or called tools
 * instead. For checks after the reply; nothing that passes to the client goes through here.
 */
import { streamedData } from '../cache/streamed-data.ts';
import { isObject } from './chat-request.ts';

export interface AnswerContent {
  /** One for each choice; one for a dialect without choices. */
  readonly texts: readonly string[];
  readonly refused: boolean;
  readonly calledTools: boolean;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** null when the body is none that is known here. */
export function answerContent(body: Buffer, stream: boolean): AnswerContent | null {
  const text = body.toString('utf8');
  if (!stream) return wholeAnswer(parsed(text));
  const events = streamedData(text).map(parsed).filter(isObject);
  // A stream of the Responses API ends with the whole response.
  const response = events.map((event) => event.response).findLast(isObject);
  if (response !== undefined) return wholeAnswer(response);
  return events.some((event) => Array.isArray(event.choices)) ? ofChunks(events) : ofMessageEvents(events);
}

function wholeAnswer(answer: unknown): AnswerContent | null {
  if (!isObject(answer)) return null;
  if (Array.isArray(answer.choices)) return ofChoices(objects(answer.choices));
  if (Array.isArray(answer.output)) return ofResponse(objects(answer.output));
  return Array.isArray(answer.content) ? ofMessage(objects(answer.content)) : null;
}

function ofChoices(choices: readonly JsonObject[]): AnswerContent {
  const messages = choices.map(({ message }) => (isObject(message) ? message : {}));
  return {
    texts: messages.map(({ content }) => (typeof content === 'string' ? content : '')),
    refused: messages.some(({ refusal }) => typeof refusal === 'string' && refusal !== ''),
    calledTools: messages.some(({ tool_calls: calls }) => Array.isArray(calls) && calls.length > 0),
  };
}

function ofResponse(output: readonly JsonObject[]): AnswerContent {
  const parts = output.flatMap(({ type, content }) =>
    type === 'message' && Array.isArray(content) ? objects(content) : [],
  );
  return {
    texts: [textOf(parts)],
    refused: parts.some(({ type }) => type === 'refusal'),
    calledTools: output.some(({ type }) => typeof type === 'string' && type.endsWith('_call')),
  };
}

function ofMessage(content: readonly JsonObject[]): AnswerContent {
  return {
    texts: [textOf(content)],
    refused: false,
    calledTools: content.some(({ type }) => type === 'tool_use'),
  };
}

function ofChunks(events: readonly JsonObject[]): AnswerContent {
  const texts = new Map<unknown, string>();
  let [refused, calledTools] = [false, false];
  for (const event of events) {
    for (const { index, delta } of Array.isArray(event.choices) ? objects(event.choices) : []) {
      if (!isObject(delta)) continue;
      texts.set(index, (texts.get(index) ?? '') + (typeof delta.content === 'string' ? delta.content : ''));
      refused ||= typeof delta.refusal === 'string' && delta.refusal !== '';
      calledTools ||= Array.isArray(delta.tool_calls) && delta.tool_calls.length > 0;
    }
  }
  return { texts: [...texts.values()], refused, calledTools };
}

function ofMessageEvents(events: readonly JsonObject[]): AnswerContent {
  const deltas = events.map(({ delta }) => delta).filter(isObject);
  const text = deltas.map((delta) => (typeof delta.text === 'string' ? delta.text : '')).join('');
  return { texts: [text], refused: false, calledTools: deltas.some(({ type }) => type === 'input_json_delta') };
}

function textOf(parts: readonly JsonObject[]): string {
  return parts.map(({ text }) => (typeof text === 'string' ? text : '')).join('');
}

function objects(values: readonly unknown[]): JsonObject[] {
  return values.filter(isObject);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // `[DONE]`, or what a backend sent in place of JSON: it says nothing.
    return undefined;
  }
}
