/** Tokens of a request whose backend did not report any, counted from what went in and out. Always marked as estimated. */
import type { TokenUsage } from '../ledger/record.ts';
import type { CountTokens } from '../ledger/token-counter.ts';
import { answerText } from './answer-text.ts';
import type { ChatRequest } from './chat-request.ts';
import type { ExchangeResult } from './exchange-result.ts';
import { contentText } from './prompt-text.ts';

/** What each message costs on top of its words: role and separators, by OpenAI's own account. */
const tokensPerMessage = 3;

/** The answer's words, and those of the beginning only when it was long: the rest counts in proportion to its bytes. */
export function countUsage(chat: ChatRequest, result: ExchangeResult, count: CountTokens): TokenUsage {
  return {
    input: inputTokens(chat, count),
    cachedInput: 0,
    output: outputTokens(result, count),
    reasoning: 0,
    source: 'estimated',
  };
}

function inputTokens(chat: ChatRequest, count: CountTokens): number {
  let tokens = 0;
  for (const { content } of chat.messages) tokens += count(contentText(content)) + tokensPerMessage;
  for (const { key, valueStart, valueEnd } of chat.members) {
    if (key === 'tools' || key === 'functions') tokens += count(chat.bytes.toString('utf8', valueStart, valueEnd));
  }
  return tokens;
}

export function outputTokens({ sample, sentBytes, stream }: ExchangeResult, count: CountTokens): number {
  if (sample === null || sample.length === 0) return 0;
  const tokens = count(answerText(sample, stream));
  return Math.ceil((tokens / sample.length) * Math.max(sentBytes, sample.length));
}
