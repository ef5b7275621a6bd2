/**
 * Streams of Anthropic's messages: `message_start` brings the input's tokens, `message_delta` the stop reason and the
 * output's tokens so far, `message_stop` is the end; `ping` comes at any time.
 */
import { usageOf } from '../ledger/usage.ts';
import { anthropicErrorBody } from './anthropic-error.ts';
import { isObject } from './chat-request.ts';
import { eventData, forEachEventWith } from './event-bytes.ts';
import { answerId, codeOf, type StreamFacts, type StreamForm } from './stream-form.ts';

export const messageStream: StreamForm = {
  scan(whole, facts) {
    for (const needle of ['"message_start"', '"message_delta"', '"message_stop"', '"error"']) {
      forEachEventWith(whole, needle, (start, end) => readEvent(eventData(whole.subarray(start, end)), facts));
    }
    return whole;
  },
  endsWith: (head) => head.includes('message_stop'),
  isLifecycle: (data) => isObject(data) && (data.type === 'message_start' || data.type === 'ping'),
  errorEvent: (error) => `event: error\ndata: ${JSON.stringify(anthropicErrorBody(error))}\n\n`,
};

/** Anthropic's stop reasons in the words that the ledger has for every dialect. */
export function finishReasonOf(stopReason: string): string {
  switch (stopReason) {
    case 'end_turn':
    case 'stop_sequence':
      return 'stop';
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length';
    case 'tool_use':
      return 'tool_calls';
    case 'refusal':
      return 'content_filter';
    default:
      return codeOf(stopReason);
  }
}

function readEvent(data: unknown, facts: StreamFacts): void {
  if (!isObject(data)) return;
  if (data.type === 'message_start' && isObject(data.message)) {
    facts.responseId = answerId(data.message.id);
    addUsage(data.message.usage, facts);
  } else if (data.type === 'message_delta') {
    addUsage(data.usage, facts);
    const reason = isObject(data.delta) ? data.delta.stop_reason : null;
    if (typeof reason === 'string') facts.finishReason = finishReasonOf(reason);
  } else if (data.type === 'message_stop') facts.complete = true;
  else if (data.type === 'error') facts.errorCode = codeOf(isObject(data.error) ? data.error.type : null);
}

/** A delta's counts stand for the whole message so far, and often say nothing of the input. */
function addUsage(usage: unknown, facts: StreamFacts): void {
  const read = isObject(usage) ? usageOf(usage) : null;
  if (read === null) return;
  const before = facts.usage;
  const saysInput = read.input > 0 || before === null;
  facts.usage = saysInput ? read : { ...before, output: read.output, reasoning: read.reasoning };
}
