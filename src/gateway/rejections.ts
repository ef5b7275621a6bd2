/**
 * What models have refused: a model that answers 400 because it does not know `reasoning_effort` will do so again, so
 * for a while requests with that parameter go past it. Learnt from the refusal's words; bounded per model, and forgotten
 * after some minutes, since models change behind their names.
 *
 *   "Unsupported parameter: 'reasoning_effort' …"      ─► remembered for the parameter
 *   "Unsupported value: 'temperature' does not …"      ─► remembered for that value (or `type`) of the parameter
 *   anything else                                      ─► not remembered: the request may simply have been wrong
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.ts';
import type { Member } from '../base/json-members.ts';
import { type ChatRequest, isObject } from './chat-request.ts';

export interface Rejections {
  /** The parameter of the request that `model` has refused lately; null when there is none. */
  of(model: string, chat: ChatRequest): string | null;
  /** Reads a refusal of `model`, keeps what can be learnt, and returns the parameter, if it names one. */
  learn(model: string, chat: ChatRequest, body: Buffer): string | null;
}

const rememberedMs = 600_000;
const mostPerModel = 32;

/** Only these are learnt: whatever else a backend's words contain may be the client's own. */
const parameters = [
  'reasoning_effort',
  'max_completion_tokens',
  'max_output_tokens',
  'max_tokens',
  'response_format',
  'output_format',
  'output_config',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'functions',
  'function_call',
  'stream_options',
  'temperature',
  'top_p',
  'top_k',
  'frequency_penalty',
  'presence_penalty',
  'logit_bias',
  'logprobs',
  'top_logprobs',
  'seed',
  'stop',
  'n',
  'modalities',
  'audio',
  'prediction',
  'verbosity',
  'service_tier',
  'store',
  'metadata',
  'user',
  'prompt_cache_key',
  'prompt_cache_retention',
  'safety_identifier',
  'web_search_options',
  'reasoning',
  'thinking',
  'text',
  'include',
  'truncation',
  'background',
  'suffix',
  'best_of',
  'echo',
] as const;

export function createRejections(options: { readonly clock: Clock }): Rejections {
  const { clock } = options;
  const byModel = new Map<string, LRUCache<string, string>>();

  function rememberedFor(model: string): LRUCache<string, string> {
    let known = byModel.get(model);
    if (known === undefined) {
      known = new LRUCache({
        max: mostPerModel,
        ttl: rememberedMs,
        ttlResolution: 0,
        perf: { now: () => clock.monotonic() },
      });
      byModel.set(model, known);
    }
    return known;
  }

  return {
    of(model, chat) {
      const known = byModel.get(model);
      if (known === undefined || known.size === 0) return null;
      for (const member of chat.members) {
        for (const feature of [member.key, valueFeature(chat, member)]) {
          const parameter = known.get(feature);
          if (parameter !== undefined) return parameter;
        }
      }
      return null;
    },
    learn(model, chat, body) {
      const refusal = readRefusal(body);
      const member = refusal && chat.members.find(({ key }) => key === refusal.parameter);
      if (!refusal || !member) return null;
      const feature = refusal.ofValue ? valueFeature(chat, member) : member.key;
      rememberedFor(model).set(feature, refusal.parameter);
      return refusal.parameter;
    },
  };
}

interface Refusal {
  readonly parameter: string;
  /** It is the value that is refused; another might do. */
  readonly ofValue: boolean;
}

function readRefusal(body: Buffer): Refusal | null {
  const text = body.toString('utf8');
  const { message, param, code } = errorOf(text);
  const ofValue = /unsupported[ _]value/i.test(`${code} ${message}`);
  const refused =
    /unsupported|not supported|n't support|does not support|unrecogni[sz]ed|unknown (parameter|field|argument|name)|unexpected (parameter|field|keyword|argument)|not (permitted|allowed)|extra_forbidden/i;
  if (!refused.test(`${code} ${message}`)) return null;
  const named = parameters.find((one) => one === param.split(/[.[]/, 1)[0]);
  const parameter = named ?? parameters.find((one) => mentions(message, one)) ?? spokenOf(message);
  return parameter === null ? null : { parameter, ofValue: ofValue || parameter === 'response_format' };
}

/** The error's words; the whole body where it has another shape than OpenAI's. */
function errorOf(text: string): { message: string; param: string; code: string } {
  const whole = { message: text, param: '', code: '' };
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // Plain words: they may still name a parameter.
    return whole;
  }
  if (!isObject(body) || !isObject(body.error)) return whole;
  const { message, param, code } = body.error;
  return {
    message: typeof message === 'string' ? message : text,
    param: typeof param === 'string' ? param : '',
    code: typeof code === 'string' ? code : '',
  };
}

/** The name as a word of its own. Short names are words of English too, so they must stand in quotes. */
function mentions(message: string, parameter: string): boolean {
  if (parameter.includes('_')) return new RegExp(`(?<![\\w])${parameter}(?![\\w])`).test(message);
  return new RegExp(`['"\`]${parameter}['"\`]`).test(message);
}

function spokenOf(message: string): string | null {
  if (/json[ _]?(schema|mode|object)|structured output/i.test(message)) return 'response_format';
  return /\btools?\b|function call/i.test(message) ? 'tools' : null;
}

/** A member with its value, or with the `type` of it: another value may be taken. */
function valueFeature(chat: ChatRequest, member: Member): string {
  const value = chat.bytes.toString('utf8', member.valueStart, Math.min(member.valueEnd, member.valueStart + 64));
  const type = /^\{\s*"type"\s*:\s*"(\w{1,32})"/.exec(value);
  return `${member.key}=${type ? type[1] : value}`;
}
