/**
 * The words of an answer, for counting its tokens when the backend did not: out of the beginning of its bytes, plain or
 * as a stream of events, in any dialect. Whatever is text in it counts: content, reasoning, arguments of tool calls.
 */
import { isObject } from './chat-request.ts';

/** Keys under which the dialects put what the model wrote. */
const written = new Set([
  'content',
  'text',
  'delta',
  'arguments',
  'partial_json',
  'thinking',
  'reasoning_content',
  'refusal',
]);
const deepest = 8;

/** `bytes`: the whole answer, or its beginning: then what is cut off at its end counts for nothing. */
export function answerText(bytes: Buffer, stream: boolean): string {
  const texts: string[] = [];
  if (!stream) gather(parsed(bytes.toString('utf8')), texts, 0);
  else {
    for (const line of bytes.toString('utf8').split('\n')) {
      if (line.startsWith('data:')) gather(parsed(line.slice(5)), texts, 0);
    }
  }
  return texts.join('');
}

function gather(value: unknown, texts: string[], depth: number): void {
  if (depth > deepest) return;
  if (Array.isArray(value)) for (const item of value) gather(item, texts, depth + 1);
  if (!isObject(value)) return;
  // Responses repeats in its last events what its deltas said.
  if (typeof value.type === 'string' && repeats.test(value.type)) return;
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === 'string') {
      if (written.has(key)) texts.push(inner);
    } else gather(inner, texts, depth + 1);
  }
}

const repeats = /^response\.(created|in_progress|completed|incomplete|.*\.done|.*\.added)$/;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The end of a sample, `[DONE]`, or no JSON at all: nothing that could be counted.
    return null;
  }
}
