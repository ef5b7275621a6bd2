/**
 * Whom a request was made for, as its body says: `safety_identifier` or `user` (OpenAI), `metadata.user_id` (Anthropic).
 * Read after the reply has ended; only the members that are named are parsed again.
 */
import { type ChatRequest, isObject } from './chat-request.ts';

/** null when the client did not say. */
export function personOf({ bytes, members }: Pick<ChatRequest, 'bytes' | 'members'>): string | null {
  let found: string | null = null;
  for (const { key, valueStart, valueEnd } of members) {
    if (key !== 'user' && key !== 'safety_identifier' && key !== 'metadata') continue;
    const value: unknown = JSON.parse(bytes.toString('utf8', valueStart, valueEnd));
    const name = key === 'metadata' ? (isObject(value) ? value.user_id : null) : value;
    if (typeof name !== 'string' || name === '') continue;
    found = name;
    if (key === 'safety_identifier') break;
  }
  return found;
}
