/**
 * Server-sent events in bytes as they pass: where events end (LF or CRLF), which of them hold a word, what JSON they
 * carry. Nothing here keeps or changes a byte.
 */

/** One past the last blank line; 0 when no event is whole. */
export function lastEventEnd(bytes: Buffer): number {
  const lf = bytes.lastIndexOf('\n\n');
  const crlf = bytes.lastIndexOf('\r\n\r\n');
  return Math.max(lf < 0 ? 0 : lf + 2, crlf < 0 ? 0 : crlf + 4);
}

/** One past the blank line that ends the event at `from`, or the end of the bytes. */
export function eventEnd(bytes: Buffer, from: number): number {
  const lf = bytes.indexOf('\n\n', from);
  const crlf = bytes.indexOf('\r\n\r\n', from);
  if (lf < 0 && crlf < 0) return bytes.length;
  if (crlf < 0 || (lf >= 0 && lf < crlf)) return lf + 2;
  return crlf + 4;
}

export function countEvents(whole: Buffer): number {
  let count = 0;
  for (let at = whole.indexOf('data:'); at >= 0; at = whole.indexOf('data:', at + 5)) {
    if (at === 0 || whole[at - 1] === 0x0a) count++;
  }
  return count;
}

/** Calls `visit` with the bounds of every event that holds `needle`, each once. */
export function forEachEventWith(whole: Buffer, needle: string, visit: (start: number, end: number) => void): void {
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

/** The text of an event's data lines; null when it has none (a comment). */
export function eventText(event: Buffer): string | null {
  const lines = event.toString('utf8').split(/\r\n|\n|\r/);
  const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(line[5] === ' ' ? 6 : 5));
  return data.length === 0 ? null : data.join('\n');
}

/** The JSON value of an event's data; undefined when there is none. */
export function eventData(event: Buffer): unknown {
  const text = eventText(event);
  if (text === null) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // `[DONE]` or something that is not ours to judge: it passes through unread.
    return undefined;
  }
}
