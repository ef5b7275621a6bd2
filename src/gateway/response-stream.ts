/**
 * Streams of the Responses API: named events with a `type`, from `response.created` to `response.completed`,
 * `response.incomplete` or `response.failed`, which carry the whole response with its usage.
 */
import { usageOf } from '../ledger/usage.ts';
import { isObject } from './chat-request.ts';
import { eventData, forEachEventWith } from './event-bytes.ts';
import { codeOf, type StreamFacts, type StreamForm } from './stream-form.ts';

const ends = ['response.completed', 'response.incomplete', 'response.failed'] as const;
const lifecycle = new Set<unknown>(['response.created', 'response.queued', 'response.in_progress']);

export const responseStream: StreamForm = {
  scan(whole, facts) {
    if (facts.responseId === null) readEvents(whole, '"response.created"', facts);
    // The word is looked for as it stands in JSON; inside a text its quotes would be escaped.
    if (!facts.complete) for (const end of ends) readEvents(whole, `"${end}"`, facts);
    if (facts.errorCode === null) readEvents(whole, '"error"', facts);
    return whole;
  },
  endsWith: (head) => ends.some((end) => head.includes(end)),
  isLifecycle: (data) => isObject(data) && lifecycle.has(data.type),
  errorEvent(error) {
    const { message, code, row } = error;
    // Flat as the API documents it, and nested as SDKs look for it before they throw.
    const nested = { type: row.type, code, message, param: null };
    const data = { type: 'error', code, message, param: null, sequence_number: 0, error: nested };
    return `event: error\ndata: ${JSON.stringify(data)}\n\n`;
  },
};

/** What a whole response says of itself; also for an answer that is no stream. */
export function readResponse(response: Readonly<Record<string, unknown>>, facts: StreamFacts): void {
  if (typeof response.id === 'string') facts.responseId = response.id;
  if (isObject(response.usage)) facts.usage = usageOf(response.usage) ?? facts.usage;
  if (isObject(response.error)) facts.errorCode = codeOf(response.error.code, response.error.type);
  if (response.status === 'completed') facts.finishReason = callsTool(response.output) ? 'tool_calls' : 'stop';
  if (response.status !== 'incomplete') return;
  const reason = isObject(response.incomplete_details) ? response.incomplete_details.reason : null;
  facts.finishReason = reason === 'max_output_tokens' ? 'length' : codeOf(reason, 'incomplete');
}

function readEvents(whole: Buffer, needle: string, facts: StreamFacts): void {
  forEachEventWith(whole, needle, (start, end) => {
    const data = eventData(whole.subarray(start, end));
    if (!isObject(data)) return;
    if (data.type === 'error') {
      const error = isObject(data.error) ? data.error : data;
      facts.errorCode = codeOf(error.code, error === data ? null : error.type);
    } else if (isObject(data.response) && typeof data.type === 'string') {
      readResponse(data.response, facts);
      if (ends.some((one) => one === data.type)) facts.complete = true;
      if (data.type === 'response.failed') facts.errorCode ??= 'response_failed';
    }
  });
}

function callsTool(output: unknown): boolean {
  return Array.isArray(output) && output.some((item: unknown) => isObject(item) && item.type === 'function_call');
}
