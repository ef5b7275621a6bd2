/**
 * Streams of `choices`: chat completions and completions. They end with `[DONE]`. Usage may ride on any chunk; when the
 * proxy itself asked for it, the client did not, and what came of it is cut out:
 *
 *   data: {"choices":[…],"usage":null}          ─► data: {"choices":[…]}
 *   data: {"choices":[],"usage":{…}}            ─► (nothing)
 */
import type { ShuntError } from '../base/errors.ts';
import { topLevelMembers } from '../base/json-members.ts';
import { usageOf } from '../ledger/usage.ts';
import { isObject } from './chat-request.ts';
import { eventData, eventEnd, forEachEventWith } from './event-bytes.ts';
import { answerId, codeOf, type StreamFacts, type StreamForm } from './stream-form.ts';

export const choiceStream: StreamForm = {
  scan(whole, facts, strip) {
    if (whole.includes('[DONE]')) facts.complete = true;
    if (facts.responseId === null) readId(whole, facts);
    readFinishReason(whole, facts);
    if (facts.errorCode === null && whole.includes('"error"')) readError(whole, facts);
    return whole.includes('"usage"') ? readUsage(whole, facts, strip) : whole;
  },
  endsWith: () => false,
  isLifecycle(data) {
    if (!isObject(data) || !Array.isArray(data.choices) || isObject(data.usage)) return false;
    return data.choices.every(saysNothing);
  },
  errorEvent: choiceErrorEvent,
};

export function choiceErrorEvent(error: ShuntError): string {
  const { message, code, row } = error;
  return `data: ${JSON.stringify({ error: { message, type: row.type, param: null, code } })}\n\n`;
}

function saysNothing(choice: unknown): boolean {
  if (!isObject(choice) || (choice.finish_reason ?? null) !== null || (choice.text ?? '') !== '') return false;
  if (!isObject(choice.delta)) return true;
  return Object.entries(choice.delta).every(([key, value]) => key === 'role' || value === null || value === '');
}

/** Every chunk of an answer says it: the first one is enough, whether it does or not. */
function readId(whole: Buffer, facts: StreamFacts): void {
  for (let start = 0; start < whole.length && facts.responseId === null; ) {
    const end = eventEnd(whole, start);
    const data = eventData(whole.subarray(start, end));
    if (isObject(data)) facts.responseId = answerId(data.id);
    start = end;
  }
}

function readFinishReason(whole: Buffer, facts: StreamFacts): void {
  let at = whole.indexOf('"finish_reason"');
  while (at >= 0) {
    const match = /^"finish_reason"\s*:\s*"([^"]{1,40})"/.exec(whole.toString('latin1', at, at + 80));
    if (match) {
      facts.finishReason = match[1];
      facts.complete = true;
    }
    at = whole.indexOf('"finish_reason"', at + 15);
  }
}

function readError(whole: Buffer, facts: StreamFacts): void {
  forEachEventWith(whole, '"error"', (start, end) => {
    const data = eventData(whole.subarray(start, end));
    if (isObject(data) && isObject(data.error)) facts.errorCode = codeOf(data.error.code, data.error.type);
  });
}

interface Cut {
  readonly start: number;
  readonly end: number;
}

function readUsage(whole: Buffer, facts: StreamFacts, strip: boolean): Buffer {
  const cuts: Cut[] = [];
  forEachEventWith(whole, '"usage"', (start, end) => {
    const event = whole.subarray(start, end);
    const nothing = nullUsage(event);
    if (nothing !== null) {
      cuts.push({ start: start + nothing.start, end: start + nothing.end });
      return;
    }
    const data = eventData(event);
    if (!isObject(data) || !isObject(data.usage)) return;
    facts.usage = usageOf(data.usage) ?? facts.usage;
    if (Array.isArray(data.choices) && data.choices.length === 0) cuts.push({ start, end });
  });
  if (!strip || cuts.length === 0) return whole;
  const parts: Buffer[] = [];
  let from = 0;
  for (const cut of cuts) {
    parts.push(whole.subarray(from, cut.start));
    from = cut.end;
  }
  parts.push(whole.subarray(from));
  return Buffer.concat(parts);
}

/** The bounds of the member `"usage":null` of an event's object, with its comma; null without one. */
function nullUsage(event: Buffer): Cut | null {
  // Nearly every event of a stream with include_usage has it: it is found in the bytes, without parsing.
  const open = event.indexOf(0x7b);
  if (open < 0) return null;
  const object = event.subarray(open);
  const members = topLevelMembers(object);
  const at = members.findIndex((member) => member.key === 'usage');
  if (at < 0 || object.toString('latin1', members[at].valueStart, members[at].valueEnd) !== 'null') return null;
  const start = at > 0 ? members[at - 1].valueEnd : members[at].keyStart;
  const end = at === 0 && members.length > 1 ? members[1].keyStart : members[at].valueEnd;
  return { start: open + start, end: open + end };
}
