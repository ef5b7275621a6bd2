/**
 * Reads what the ledger, the cache and later requests need out of an answer while it passes to the client: a stream
 * through the stream meter, a plain JSON answer by parsing it once after it has gone (and only up to a bound).
 */
import { usageOf } from '../ledger/usage.ts';
import { isObject } from './chat-request.ts';
import { finishReasonOf } from './message-stream.ts';
import { readResponse } from './response-stream.ts';
import { answerId, codeOf, type StreamFacts, type StreamForm } from './stream-form.ts';
import { createStreamMeter } from './stream-meter.ts';

export interface AnswerReading extends Readonly<Omit<StreamFacts, 'complete'>> {
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
  readonly sentBytes: number;
  /** The beginning of what went out, or all of it: for counting tokens when usage does not say. */
  sample(): Buffer;
}

/** A plain answer above this is not parsed for usage: it is metered as estimated. */
const largestParsed = 4 << 20;
/** Of a stream, so much is kept while it passes: references to its chunks, and no copies. */
const streamSample = 65_536;
const nothing = Buffer.alloc(0);

export function createAnswerReader(options: {
  /** The form of its stream; null: a plain answer. */
  readonly form: StreamForm | null;
  readonly stripUsage: boolean;
  /** A plain answer is JSON, and worth reading for its usage. */
  readonly parse: boolean;
  readonly keepBytes: number;
}): AnswerReader {
  const { form, stripUsage } = options;
  const meter = form ? createStreamMeter({ form, stripUsage }) : null;
  const limit = Math.max(options.keepBytes, meter ? streamSample : options.parse ? largestParsed : 0);
  const kept: Buffer[] = [];
  let bytes = 0;

  function keep(chunk: Buffer): void {
    bytes += chunk.length;
    if (bytes <= limit) {
      if (chunk.length > 0) kept.push(chunk);
    } else if (bytes - chunk.length <= limit) forgetBeyondSample();
  }

  function sample(): Buffer {
    return kept.length === 1 ? kept[0] : Buffer.concat(kept);
  }

  /** The answer has outgrown the limit just now. Of what was kept, its beginning will do. */
  function forgetBeyondSample(): void {
    let length = 0;
    let chunks = 0;
    while (chunks < kept.length && length < streamSample) {
      length += kept[chunks].length;
      chunks++;
    }
    kept.length = chunks;
  }

  return {
    stream: form !== null,
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
      const whole = (limit > 0 && bytes <= limit && (meter === null || options.keepBytes > 0) && sample()) || null;
      const body = whole !== null && whole.length <= options.keepBytes ? whole : null;
      if (meter === null) return { ...readPlain(whole), body };
      const { complete, events, ...facts } = meter.reading;
      const streamCut = !complete && facts.errorCode === null;
      return { ...facts, streamCut, body: complete ? body : null };
    },
    get sentBytes() {
      return bytes;
    },
    sample,
  };
}

/** The three shapes tell themselves apart: `choices`, `object: response`, `type: message`. */
function readPlain(whole: Buffer | null): Omit<AnswerReading, 'body'> {
  const facts: StreamFacts = { usage: null, finishReason: null, complete: true, errorCode: null, responseId: null };
  const answer = whole === null ? undefined : parsed(whole);
  if (isObject(answer)) {
    if (isObject(answer.usage)) facts.usage = usageOf(answer.usage);
    if (isObject(answer.error)) facts.errorCode = codeOf(answer.error.code, answer.error.type, 'backend_error');
    const choice: unknown = Array.isArray(answer.choices) ? answer.choices[0] : undefined;
    if (isObject(choice) && typeof choice.finish_reason === 'string') facts.finishReason = choice.finish_reason;
    facts.responseId = answerId(answer.id);
    if (answer.object === 'response') readResponse(answer, facts);
    if (answer.type === 'message' && typeof answer.stop_reason === 'string')
      facts.finishReason = finishReasonOf(answer.stop_reason);
  }
  return { ...facts, streamCut: false };
}

function parsed(whole: Buffer): unknown {
  try {
    return JSON.parse(whole.toString('utf8'));
  } catch {
    // Not JSON (HTML from a gateway in between, say): passed on as it came, metered by its length.
    return undefined;
  }
}
