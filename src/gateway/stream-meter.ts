/**
 * Reads usage, the finish reason and the end out of a stream of server-sent events while its bytes pass through.
 *
 * Nothing is buffered but the event that is still incomplete, and only events that hold a word of interest are parsed:
 *
 *   chunk ─► [rest of last event + chunk] ─► whole events ─► scan ─► forwarded
 *                                        └► incomplete event, kept (and, unless we strip, already forwarded)
 *
 * When the proxy itself asked for usage, the client did not: the extra chunk (no choices, only usage) is cut out, and so
 * only whole events are forwarded, lest its beginning has left already. A half event is of no use to a client.
 */
import type { TokenUsage } from '../ledger/record.ts';
import { usageOf } from '../ledger/usage.ts';
import { isObject } from './chat-request.ts';

export interface StreamReading {
  readonly usage: TokenUsage | null;
  readonly finishReason: string | null;
  /** The stream said that it is complete: `[DONE]`, or a finish reason. */
  readonly complete: boolean;
  /** An error event inside the 200 stream; its code or type. */
  readonly errorCode: string | null;
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

export function createStreamMeter(options: { readonly stripUsage: boolean }): StreamMeter {
  let rest: Buffer = nothing;
  let usage: TokenUsage | null = null;
  let finishReason: string | null = null;
  let complete = false;
  let errorCode: string | null = null;
  let events = 0;

  return {
    push(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const end = lastEventEnd(bytes);
      if (end === 0 && bytes.length > longestEvent) {
        rest = nothing;
        return options.stripUsage ? bytes : chunk;
      }
      rest = bytes.subarray(end);
      const whole = bytes.subarray(0, end);
      const kept = scan(whole);
      return options.stripUsage ? kept : chunk;
    },
    flush() {
      const last = rest;
      rest = nothing;
      if (last.length > 0) scan(last);
      return options.stripUsage ? last : nothing;
    },
    get reading() {
      return { usage, finishReason, complete, errorCode, events };
    },
  };

  /** Reads whole events; returns them without the usage-only ones when stripping. */
  function scan(whole: Buffer): Buffer {
    if (whole.length === 0) return whole;
    events += countEvents(whole);
    if (whole.includes('[DONE]')) complete = true;
    readFinishReason(whole);
    if (errorCode === null && whole.includes('"error"')) readError(whole);
    return whole.includes('"usage"') ? readUsage(whole) : whole;
  }

  function readFinishReason(whole: Buffer): void {
    let at = whole.indexOf('"finish_reason"');
    while (at >= 0) {
      const match = /^"finish_reason"\s*:\s*"([^"]{1,40})"/.exec(whole.toString('latin1', at, at + 80));
      if (match) {
        finishReason = match[1];
        complete = true;
      }
      at = whole.indexOf('"finish_reason"', at + 15);
    }
  }

  function readError(whole: Buffer): void {
    forEachEventWith(whole, '"error"', (start, end) => {
      const data = eventData(whole.subarray(start, end));
      if (!isObject(data) || !isObject(data.error) || data.choices !== undefined) return;
      errorCode = String(data.error.code ?? data.error.type ?? 'stream_error');
    });
  }

  function readUsage(whole: Buffer): Buffer {
    const cuts: { start: number; end: number }[] = [];
    forEachEventWith(whole, '"usage"', (start, end) => {
      const data = eventData(whole.subarray(start, end));
      if (!isObject(data) || !isObject(data.usage)) return;
      usage = usageOf(data.usage) ?? usage;
      if (Array.isArray(data.choices) && data.choices.length === 0) cuts.push({ start, end });
    });
    if (!options.stripUsage || cuts.length === 0) return whole;
    const parts: Buffer[] = [];
    let from = 0;
    for (const cut of cuts) {
      parts.push(whole.subarray(from, cut.start));
      from = cut.end;
    }
    parts.push(whole.subarray(from));
    return Buffer.concat(parts);
  }
}

/** One past the last blank line (LF or CRLF); 0 when no event is whole. */
function lastEventEnd(bytes: Buffer): number {
  const lf = bytes.lastIndexOf('\n\n');
  const crlf = bytes.lastIndexOf('\r\n\r\n');
  return Math.max(lf < 0 ? 0 : lf + 2, crlf < 0 ? 0 : crlf + 4);
}

/** One past the blank line that ends the event at `from`, or the end of the bytes. */
function eventEnd(bytes: Buffer, from: number): number {
  const lf = bytes.indexOf('\n\n', from);
  const crlf = bytes.indexOf('\r\n\r\n', from);
  if (lf < 0 && crlf < 0) return bytes.length;
  if (crlf < 0 || (lf >= 0 && lf < crlf)) return lf + 2;
  return crlf + 4;
}

function countEvents(whole: Buffer): number {
  let count = 0;
  for (let at = whole.indexOf('data:'); at >= 0; at = whole.indexOf('data:', at + 5)) {
    if (at === 0 || whole[at - 1] === 0x0a) count++;
  }
  return count;
}

/** Calls `visit` with the bounds of every event that holds `needle`, each once. */
function forEachEventWith(whole: Buffer, needle: string, visit: (start: number, end: number) => void): void {
  let start = 0;
  let at = whole.indexOf(needle);
  while (at >= 0) {
    let end = eventEnd(whole, start);
    while (end <= at) {
      start = end;
      end = eventEnd(whole, start);
    }
    visit(start, end);
    start = end;
    at = whole.indexOf(needle, end);
  }
}

/** The JSON value of an event's data lines; undefined when there is none. */
function eventData(event: Buffer): unknown {
  const lines = event.toString('utf8').split(/\r\n|\n|\r/);
  const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(line[5] === ' ' ? 6 : 5));
  try {
    return JSON.parse(data.join('\n'));
  } catch {
    // `[DONE]`, a comment or something that is not ours to judge: it passes through unread.
    return undefined;
  }
}
