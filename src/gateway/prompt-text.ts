/**
 * The text that routing embeds, taken from a conversation by the `routing.text` policy. Array content gives its text
 * parts; images and audio are passed over, never an error. What agents wrap around the user's words is taken off.
 */
import type { Config } from '../config/schema.ts';
import type { ChatMessage } from './chat-request.ts';
import { stripWrappers } from './wrappers.ts';

export type TextPolicy = Config['routing']['text'];

export function promptText(messages: readonly ChatMessage[], policy: TextPolicy): string {
  const last = lastUserText(messages);
  if (policy === 'last_user') return last;
  if (policy === 'system_and_last_user') {
    const system = messages.find((message) => message.role === 'system' || message.role === 'developer');
    return joinTexts([system ? contentText(system.content) : '', last]);
  }
  return joinTexts(
    messages.filter((message) => message.role !== 'tool').map((message) => stripWrappers(contentText(message.content))),
  );
}

/** The user's last words. A message of nothing but wrappers is passed over, back to the model's last answer. */
export function lastUserText(messages: readonly ChatMessage[]): string {
  let seen = false;
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i];
    if (message.role === 'assistant' && seen) return '';
    if (message.role !== 'user') continue;
    const text = stripWrappers(contentText(message.content));
    if (text !== '') return text;
    seen = true;
  }
  return '';
}

/** The text of one message's content: the string itself, or its text parts a line each. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const texts: string[] = [];
  for (const part of content as unknown[]) {
    if (typeof part === 'string') texts.push(part);
    else if (typeof part === 'object' && part !== null && 'text' in part && typeof part.text === 'string') {
      texts.push(part.text);
    }
  }
  return texts.join('\n');
}

function joinTexts(texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join('\n');
}
