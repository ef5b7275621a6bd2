/**
 * Conversation pins: a conversation that has begun on one model stays on it, or moves up to the fallback, never down.
 *
 *   no assistant message yet      → never reads a pin; writes one under (tenant, system, first user message)
 *   tool loop open                → the pin is absolute
 *   pinned to the fallback        → stays there, nothing is embedded
 *   pinned to a cheaper target    → a new user turn is matched; anything but the same target escalates, for good
 *
 * The full key also holds the first assistant message, which is known only from the second request on; the opening key
 * bridges that one step. Two conversations that open with the same words share it, and would have been decided alike.
 * With `x-shunt-session` the key is the session alone. Pins have a time to live and a bounded count; a lost pin means
 * that the conversation is matched afresh, except inside a tool loop, where it goes to the fallback.
 */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { ChatMessage } from './chat-request.ts';
import { contentText } from './prompt-text.ts';
import { isToolResultText, stableSystemText } from './wrappers.ts';

export interface Pin {
  /** Config name of the model. */
  readonly model: string;
  readonly route: string | null;
}

export interface Conversation {
  /** Where a pin of an earlier request may stand, best first; empty when there is no assistant message. */
  readonly readKeys: readonly string[];
  readonly writeKey: string;
  readonly inToolLoop: boolean;
}

export interface PinStore {
  find(conversation: Conversation): Pin | null;
  keep(conversation: Conversation, pin: Pin): void;
  readonly size: number;
}

export function createPinStore(options: { readonly max: number; readonly ttlMs: number }): PinStore {
  const pins = new LRUCache<string, Pin>({ max: options.max, ttl: options.ttlMs, updateAgeOnGet: true });
  return {
    find(conversation) {
      for (const key of conversation.readKeys) {
        const pin = pins.get(key);
        if (pin) return pin;
      }
      return null;
    },
    keep(conversation, pin) {
      pins.set(conversation.writeKey, pin);
    },
    get size() {
      return pins.size;
    },
  };
}

export function conversationOf(messages: readonly ChatMessage[], tenant: string, session: string | null): Conversation {
  const inToolLoop = isToolLoop(messages);
  const assistant = messages.find((message) => message.role === 'assistant');
  if (session !== null) {
    const key = digest([tenant, 'session', session]);
    return { readKeys: assistant ? [key] : [], writeKey: key, inToolLoop };
  }
  const system = stableSystemText(textOf(messages, isInstruction));
  const opening = [tenant, system, textOf(messages, (message) => message.role === 'user')];
  const openingKey = digest(opening);
  if (!assistant) return { readKeys: [], writeKey: openingKey, inToolLoop };
  const fullKey = digest([...opening, contentText(assistant.content), String(assistant.toolCalls)]);
  return { readKeys: [fullKey, openingKey], writeKey: fullKey, inToolLoop };
}

/** Tool calls that wait for their results, or results that wait for the model's next word. */
function isToolLoop(messages: readonly ChatMessage[]): boolean {
  const last = messages.at(-1);
  if (last === undefined) return false;
  if (last.role === 'tool' || last.role === 'function') return true;
  if (last.role === 'assistant') return last.toolCalls > 0;
  if (last.role === 'user' && isToolResultText(contentText(last.content))) return true;
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i];
    if (message.role !== 'assistant') continue;
    if (message.toolCalls === 0) return false;
    const answered = messages.slice(i + 1).filter((after) => after.role === 'tool' || after.role === 'function').length;
    return answered < message.toolCalls;
  }
  return false;
}

function isInstruction(message: ChatMessage): boolean {
  return message.role === 'system' || message.role === 'developer';
}

function textOf(messages: readonly ChatMessage[], wanted: (message: ChatMessage) => boolean): string {
  const message = messages.find(wanted);
  return message ? contentText(message.content) : '';
}

/** Length-prefixed, so that no two lists of texts give the same bytes. */
function digest(texts: readonly string[]): string {
  return hash('sha256', texts.map((text) => `${text.length}:${text}`).join(''), 'base64url');
}
