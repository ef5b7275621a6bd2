/**
 * Token usage out of an answer's `usage` object (OpenAI chat, completions, embeddings and Responses, and Anthropic
 * messages spell it differently), and an estimate for answers that carry none.
 */
import type { TokenUsage } from './record.ts';

export const noUsage: TokenUsage = { input: 0, cachedInput: 0, output: 0, reasoning: 0, source: 'none' };

/** null when the object holds no token count. Cached and reasoning tokens are parts of input and output. */
export function usageOf(usage: Record<string, unknown>): TokenUsage | null {
  const input = count(usage.prompt_tokens) ?? count(usage.input_tokens);
  const output = count(usage.completion_tokens) ?? count(usage.output_tokens);
  if (input === null && output === null) return null;
  const inputDetails = usage.prompt_tokens_details ?? usage.input_tokens_details;
  const outputDetails = usage.completion_tokens_details ?? usage.output_tokens_details;
  // Anthropic counts what was read from and written to its cache beside `input_tokens`, not in it.
  const cacheRead = count(usage.cache_read_input_tokens) ?? 0;
  const cacheWritten = count(usage.cache_creation_input_tokens) ?? 0;
  const written = cacheWritten + detail(inputDetails, 'cache_write_tokens');
  return {
    input: (input ?? 0) + cacheRead + cacheWritten,
    cachedInput: cacheRead + detail(inputDetails, 'cached_tokens'),
    ...(written > 0 ? { cacheWrite: written } : {}),
    output: output ?? 0,
    reasoning: detail(outputDetails, 'reasoning_tokens'),
    source: 'reported',
  };
}

/** Four bytes a token: the usual rule of thumb for English; always marked as an estimate. */
export function estimateUsage(inputBytes: number, outputTokens: number): TokenUsage {
  return { input: Math.ceil(inputBytes / 4), cachedInput: 0, output: outputTokens, reasoning: 0, source: 'estimated' };
}

function detail(details: unknown, key: string): number {
  if (typeof details !== 'object' || details === null) return 0;
  return count((details as Record<string, unknown>)[key]) ?? 0;
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.round(value) : null;
}
