/**
 * A reply with its faults worked in: the chunks that are sent, one by one, and how it ends. Pure; the player gives it
 * time and a sink.
 */
import type { Faults } from './faults.ts';
import { dataEvent, type SimulatedReply } from './reply.ts';

/** `short`: the connection closes in good order before the declared length has come. */
export type Ending = 'end' | 'reset' | 'short' | 'hang';

/** Events of a stream that come before a fault in its midst, and events that a truncated stream lacks at its end. */
const eventsBeforeFault = 3;
const eventsCutOff = 3;

export function* script(reply: SimulatedReply, faults: Faults): Generator<Buffer, Ending> {
  const midEnding = endingInTheMidst(faults);
  const frames = reply.stream ? streamFrames(reply, faults) : plainFrames(reply, faults, midEnding !== null);
  let sent = 0;
  for (const frame of frames) {
    if (reply.stream && sent === eventsBeforeFault && midEnding !== null) return midEnding;
    if (reply.stream && sent === eventsBeforeFault && faults.streamError) {
      yield Buffer.from(
        dataEvent({
          error: { message: 'Simulated error in the stream.', type: 'server_error', param: null, code: null },
        }),
      );
      return 'end';
    }
    yield* pieces(frame, faults.chunkBytes);
    sent++;
  }
  return midEnding ?? 'end';
}

function endingInTheMidst(faults: Faults): Ending | null {
  if (faults.reset === 'mid') return 'reset';
  if (faults.hang === 'mid') return 'hang';
  return faults.shortBody ? 'short' : null;
}

function* plainFrames(reply: SimulatedReply, faults: Faults, half: boolean): Generator<Buffer> {
  for (const frame of reply.frames) {
    yield half || faults.truncate ? frame.subarray(0, Math.ceil(frame.length / 2)) : frame;
  }
}

function* streamFrames(reply: SimulatedReply, faults: Faults): Generator<Buffer> {
  const comment = Buffer.from(': keep-alive\n\n');
  for (const frame of faults.truncate ? withoutLast(reply.frames, eventsCutOff) : reply.frames) {
    if (faults.comments) yield styled(comment, faults);
    yield styled(frame, faults);
  }
}

function styled(frame: Buffer, faults: Faults): Buffer {
  return faults.crlf ? Buffer.from(frame.toString('utf8').replaceAll('\n', '\r\n')) : frame;
}

function* withoutLast<T>(items: Iterable<T>, count: number): Generator<T> {
  const held: T[] = [];
  for (const item of items) {
    held.push(item);
    if (held.length <= count) continue;
    const first = held.shift();
    if (first !== undefined) yield first;
  }
}

function* pieces(frame: Buffer, size: number | null): Generator<Buffer> {
  if (size === null) {
    yield frame;
    return;
  }
  for (let at = 0; at < frame.length; at += size) yield frame.subarray(at, at + size);
}
