/**
 * The automatic look at an answer, after the reply has ended: what went wrong with it that nobody need be asked about.
 *
 *   error, cut, refused, empty      as the exchange has it already: costs nothing
 *   not-json, schema-mismatch       only where JSON was asked for; then up to 256 KB of the answer are kept for it
 *
 * It never says that an answer is good: `passed` says that it is of the schema, no verdict that nothing was wrong.
 */
import type { CheckVerdict } from '../ledger/outcome.ts';
import { type AnswerContent, answerContent } from './answer-content.ts';
import { type ChatRequest, isObject } from './chat-request.ts';
import type { ExchangeResult } from './exchange-result.ts';
import { createSchemaCheck } from './schema-check.ts';

export interface AnswerCheck {
  /** How much of the answer to keep for it; 0 for most requests. */
  keepBytes(chat: ChatRequest): number;
  verdict(chat: ChatRequest, result: ExchangeResult): CheckVerdict | null;
}

const keptForSchema = 262_144;

export function createAnswerCheck(): AnswerCheck {
  const checkSchema = createSchemaCheck();

  function verdictOnText(answer: AnswerContent, format: AskedFormat): CheckVerdict | null {
    if (answer.refused) return 'refused';
    if (answer.calledTools) return null;
    if (answer.texts.every((text) => text.trim() === '')) return 'empty';
    const verdicts = answer.texts.map((text) => checkSchema(text, format.schema));
    return verdicts.find((verdict) => verdict !== 'passed') ?? (verdicts.includes(null) ? null : 'passed');
  }

  return {
    keepBytes: (chat) => (askedFormat(chat) === null ? 0 : keptForSchema),
    verdict(chat, result) {
      const known = knownVerdict(result);
      if (known !== null || result.body === null || result.status === 499) return known;
      const format = askedFormat(chat);
      const answer = format === null ? null : answerContent(result.body, result.stream);
      return format === null || answer === null ? null : verdictOnText(answer, format);
    },
  };
}

/** A client that went away leaves an answer that nobody has seen whole; one that wanted a stored answer or none got none. */
function knownVerdict(result: ExchangeResult): CheckVerdict | null {
  if (result.status === 499 || result.errorCode === 'not_cached') return null;
  if (result.status >= 400 || result.errorCode !== null) return 'error';
  if (result.truncated || result.finishReason === 'length') return 'cut';
  if (result.finishReason === 'content_filter') return 'refused';
  return result.usage?.source === 'reported' && result.usage.output === 0 ? 'empty' : null;
}

interface AskedFormat {
  /** undefined: any JSON object. */
  readonly schema: unknown;
}

/** `response_format` (chat), `text.format` (Responses), `output_format` or `output_config.format` (messages). */
function askedFormat({ bytes, members }: ChatRequest): AskedFormat | null {
  for (const { key, valueStart, valueEnd } of members) {
    if (key !== 'response_format' && key !== 'text' && key !== 'output_format' && key !== 'output_config') continue;
    const value: unknown = JSON.parse(bytes.toString('utf8', valueStart, valueEnd));
    const format = isObject(value) && isObject(value.format) ? value.format : value;
    if (!isObject(format)) continue;
    if (format.type === 'json_object') return { schema: undefined };
    if (format.type !== 'json_schema') continue;
    return { schema: (isObject(format.json_schema) ? format.json_schema.schema : format.schema) ?? {} };
  }
  return null;
}
