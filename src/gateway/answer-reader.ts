/**
 * Reads what the ledger and the cache need out of an answer while it passes to the client: a stream through the stream
 * meter, a plain JSON answer by parsing it once after it has gone (and only up to a bound).
 */
import type { TokenUsage } from '../ledger/record.ts';
import { usageOf } from '../ledger/usage.ts';
import { isObject } from './chat-request.ts';
import { createStreamMeter } from './stream-meter.ts';

export interface AnswerReading {
  readonly usage: TokenUsage | null;
  readonly finishReason: string | null;
  readonly errorCode: string | null;
  /** Output tokens that went out, when usage does not say. */
  readonly sentTokens: number;
  /** A stream that stopped without saying that it is complete. */
  readonly streamCut: boolean;
  /** The whole body as it went out, when it was to be kept and fitted. */
  readonly body: Buffer | null;
}

export interface AnswerReader {
  readonly stream: boolean;
  push(chunk: Buffer): Buffer;
  flush(): Buffer;
  readonly reading: AnswerReading;
}

/** A plain answer above this is not parsed for usage: it is metered as estimated. */
const largestParsed = 4 << 20;
const nothing = Buffer.alloc(0);

export function createAnswerReader(options: {
  readonly stream: boolean;
  readonly stripUsage: boolean;
  /** A plain answer is JSON, and worth reading for its usage. */
  readonly parse: boolean;
  readonly keepBytes: number;
}): AnswerReader {
  const meter = options.stream ? createStreamMeter({ stripUsage: options.stripUsage }) : null;
  const limit = Math.max(options.keepBytes, meter || !options.parse ? 0 : largestParsed);
  let kept: Buffer[] | null = limit > 0 ? [] : null;
  let bytes = 0;

  function keep(chunk: Buffer): void {
    bytes += chunk.length;
    if (kept === null) return;
    if (bytes > limit) kept = null;
    else if (chunk.length > 0) kept.push(chunk);
  }

  return {
    stream: options.stream,
    push(chunk) {
      const bytesOut = meter ? meter.push(chunk) : chunk;
      keep(bytesOut);
      return bytesOut;
    },
    flush() {
      const bytesOut = meter ? meter.flush() : nothing;
      keep(bytesOut);
      return bytesOut;
    },
    get reading() {
      const whole = kept === null ? null : kept.length === 1 ? kept[0] : Buffer.concat(kept);
      const body = whole !== null && whole.length <= options.keepBytes ? whole : null;
      if (meter === null) return { ...readPlain(whole, bytes), body };
      const { usage, finishReason, errorCode, complete, events } = meter.reading;
      const streamCut = !complete && errorCode === null;
      return { usage, finishReason, errorCode, sentTokens: events, streamCut, body: complete ? body : null };
    },
  };
}

function readPlain(whole: Buffer | null, bytes: number): Omit<AnswerReading, 'body'> {
  const unread = {
    usage: null,
    finishReason: null,
    errorCode: null,
    sentTokens: Math.ceil(bytes / 4),
    streamCut: false,
  };
  if (whole === null) return unread;
  let answer: unknown;
  try {
    answer = JSON.parse(whole.toString('utf8'));
  } catch {
    // Not JSON (HTML from a gateway in between, say): passed on as it came, metered by its length.
    return unread;
  }
  if (!isObject(answer)) return unread;
  const choice: unknown = Array.isArray(answer.choices) ? answer.choices[0] : undefined;
  return {
    ...unread,
    usage: isObject(answer.usage) ? usageOf(answer.usage) : null,
    finishReason: isObject(choice) && typeof choice.finish_reason === 'string' ? choice.finish_reason : null,
    errorCode: isObject(answer.error) ? String(answer.error.code ?? answer.error.type ?? 'backend_error') : null,
  };
}
