/**
 * The guard: may this model take this request? A target that lacks an ability or whose context is too small is skipped
 * with that reason, before anything is sent.
 */
import type { ModelConfig } from '../config/schema.ts';
import type { ChatRequest } from './chat-request.ts';

/** Few tokenizers need more than one token for three bytes of JSON; the guard errs on the side of the larger model. */
const bytesPerToken = 3.5;

/** The reason why `model` cannot take `chat`, or null when it can. */
export function guard(model: ModelConfig, chat: ChatRequest): string | null {
  for (const need of chat.needs) {
    if (!model.abilities.includes(need)) return `target-lacks-${need.replace('_', '-')}`;
  }
  if (model.context !== undefined) {
    const tokens = chat.bytes.length / bytesPerToken + (chat.maxOutputTokens ?? 0);
    if (tokens > model.context) return 'context-too-small';
  }
  return null;
}
