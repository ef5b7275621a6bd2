/**
 * The guard: may this model take this request? A target that speaks another API, lacks an ability, whose context is too
 * small, or that has just refused a parameter of the request, is skipped with that reason, before anything is sent.
 */
import { ShuntError } from '../base/errors.ts';
import type { Config, ModelConfig } from '../config/schema.ts';
import type { ChatRequest } from './chat-request.ts';
import { dialects } from './dialect.ts';
import type { Rejections } from './rejections.ts';

/** Few tokenizers need more than one token for three bytes of JSON; the guard errs on the side of the larger model. */
const bytesPerToken = 3.5;

/** The reason why the model named `target` cannot take `chat`, or null when it can. */
export function guard(config: Config, target: string, chat: ChatRequest, rejections?: Rejections): string | null {
  const model: ModelConfig | undefined = config.models[target];
  if (model === undefined) return 'target-unknown';
  if (!speaks(config, target, chat)) return 'target-speaks-other-api';
  for (const need of chat.needs) {
    if (!model.abilities.includes(need)) return `target-lacks-${need.replace('_', '-')}`;
  }
  if (model.context !== undefined) {
    const tokens = chat.bytes.length / bytesPerToken + (chat.maxOutputTokens ?? 0);
    if (tokens > model.context) return 'context-too-small';
  }
  const rejected = rejections?.of(target, chat) ?? null;
  return rejected === null ? null : rejectionReason(rejected);
}

export function rejectionReason(parameter: string): string {
  return `target-rejects-${parameter}`;
}

/** Throws `invalid_request` when the backend of `target`, on which the request depends, speaks another API. */
export function mustSpeak(config: Config, target: string, chat: ChatRequest): void {
  if (speaks(config, target, chat)) return;
  const { backend } = config.models[target];
  const { kind } = config.backends[backend];
  const { api, path } = dialects[chat.dialect];
  throw new ShuntError(
    'invalid_request',
    `/v1${path} is ${api === 'anthropic' ? "Anthropic's" : "OpenAI's"} API, but '${target}' is on backend '${backend}' of kind ${kind}, which speaks another. Name a model on a backend of kind ${api}, or make one the fallback.`,
    { param: 'model' },
  );
}

/** Whether the backend of the model `target` speaks the API of the request. */
export function speaks(config: Config, target: string, chat: ChatRequest): boolean {
  const { kind } = config.backends[config.models[target].backend];
  return kind === 'simulated' || (kind === 'azure' ? 'openai' : kind) === dialects[chat.dialect].api;
}
