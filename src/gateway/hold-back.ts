/**
 * Holds back the first events of a stream, as long as the model has said nothing in them, so that an error that comes
 * early can still be answered by another attempt, of which the client then never hears.
 *
 *   role chunk, response.created, message_start, ping, comments ─► held
 *   a word, a tool call, the end                                ─► let go, and from then on everything passes
 *
 * What is held is bounded by events, bytes and time; past any bound it is let go.
 */
import { eventEnd, eventText, lastEventEnd } from './event-bytes.ts';
import type { StreamForm } from './stream-form.ts';

const mostEvents = 64;
const mostBytes = 256 << 10;
export const holdBackMs = 2_000;

export interface HoldBack {
  /** Takes bytes that would go out now; true: they may, with all that was held. */
  add(bytes: Buffer): boolean;
  /** All that was held, in order. */
  take(): Buffer;
}

export function createHoldBack(form: StreamForm): HoldBack {
  const held: Buffer[] = [];
  let heldBytes = 0;
  let events = 0;
  let rest: Buffer = Buffer.alloc(0);

  return {
    add(bytes) {
      held.push(bytes);
      heldBytes += bytes.length;
      if (heldBytes > mostBytes) return true;
      rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      const end = lastEventEnd(rest);
      for (let at = 0; at < end; ) {
        const next = eventEnd(rest, at);
        events++;
        if (events > mostEvents || !isLifecycle(rest.subarray(at, next))) return true;
        at = next;
      }
      rest = rest.subarray(end);
      return false;
    },
    take: () => Buffer.concat(held.splice(0)),
  };

  function isLifecycle(event: Buffer): boolean {
    const text = eventText(event);
    if (text === null) return true;
    try {
      return form.isLifecycle(JSON.parse(text));
    } catch {
      // `[DONE]`, or something that only the client can judge.
      return false;
    }
  }
}
