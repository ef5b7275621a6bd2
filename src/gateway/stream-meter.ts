/**
 * Reads usage, the finish reason and the end out of a stream of server-sent events while its bytes pass through.
 *
 * Nothing is buffered but the event that is still incomplete, and only events that hold a word of interest are parsed:
 *
 *   chunk ─► [rest of last event + chunk] ─► whole events ─► the dialect's form scans ─► forwarded
 *                                        └► incomplete event, kept (and, unless we strip, already forwarded)
 *
 * When something is to be cut out, only whole events are forwarded, lest the beginning of one has left already. A half
 * event is of no use to a client.
 */
import { countEvents, lastEventEnd } from './event-bytes.ts';
import type { StreamFacts, StreamForm } from './stream-form.ts';

export interface StreamReading extends Readonly<StreamFacts> {
  /** Events seen: near enough one output token each, when usage is missing. */
  readonly events: number;
}

export interface StreamMeter {
  /** Takes a chunk, returns the bytes to forward now (possibly none). */
  push(chunk: Buffer): Buffer;
  /** What was held back when the stream ended; then the reading is final. */
  flush(): Buffer;
  readonly reading: StreamReading;
}

/** An event longer than this passes unread: a bound on what a hostile backend can make us keep. */
const longestEvent = 1 << 20;
const nothing: Buffer = Buffer.alloc(0);

export function createStreamMeter(options: { readonly form: StreamForm; readonly stripUsage: boolean }): StreamMeter {
  const { form, stripUsage } = options;
  const facts: StreamFacts = { usage: null, finishReason: null, complete: false, errorCode: null, responseId: null };
  let rest: Buffer = nothing;
  let events = 0;

  return {
    push(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const end = lastEventEnd(bytes);
      if (end === 0 && bytes.length > longestEvent) {
        if (form.endsWith(bytes.toString('latin1', 0, 200))) facts.complete = true;
        rest = nothing;
        return stripUsage ? bytes : chunk;
      }
      rest = bytes.subarray(end);
      const kept = scan(bytes.subarray(0, end));
      return stripUsage ? kept : chunk;
    },
    flush() {
      const last = rest;
      rest = nothing;
      if (last.length > 0) scan(last);
      return stripUsage ? last : nothing;
    },
    get reading() {
      return { ...facts, events };
    },
  };

  function scan(whole: Buffer): Buffer {
    if (whole.length === 0) return whole;
    events += countEvents(whole);
    return form.scan(whole, facts, stripUsage);
  }
}
