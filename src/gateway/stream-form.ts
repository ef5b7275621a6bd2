/**
 * What a stream of a dialect looks like: which events say what, where it ends, and which of its first events a client
 * could do without. `choice-stream.ts` (chat, completions), `response-stream.ts` and `message-stream.ts` are the forms;
 * `stream-meter.ts` runs them over bytes that pass.
 */
import type { ShuntError } from '../base/errors.ts';
import type { TokenUsage } from '../ledger/record.ts';

/** Filled in as the stream passes. */
export interface StreamFacts {
  usage: TokenUsage | null;
  /** In OpenAI's words: stop, length, tool_calls, content_filter. */
  finishReason: string | null;
  /** The stream said that it is complete. */
  complete: boolean;
  /** An error event inside the 200 stream; its code or type. */
  errorCode: string | null;
  /** `chatcmpl-…`, `resp_…`, `msg_…`: by which later requests and feedback name this answer. Empty: it has none. */
  responseId: string | null;
}

export interface StreamForm {
  /** Reads whole events into `facts`. With `strip`, returns them without what only the proxy asked for. */
  scan(whole: Buffer, facts: StreamFacts, strip: boolean): Buffer;
  /** An event too long to be kept: do its first bytes say that it is the last? */
  endsWith(head: string): boolean;
  /** Nothing that the model said yet: an answer of only such events can still be exchanged for another. */
  isLifecycle(data: unknown): boolean;
  /** How the dialect's clients expect to hear of an error in the midst of a stream. */
  errorEvent(error: ShuntError): string;
}

/** An answer's own id; empty when it has none, or one that is too long to be kept. */
export function answerId(id: unknown): string {
  return typeof id === 'string' && id.length <= 256 ? id : '';
}

/** A code that is fit for a ledger and a metric, whatever a backend sends. */
export function codeOf(...candidates: readonly unknown[]): string {
  for (const candidate of candidates) {
    const text = typeof candidate === 'number' ? String(candidate) : candidate;
    if (typeof text === 'string' && /^[\w.-]{1,64}$/.test(text)) return text;
  }
  return 'stream_error';
}
