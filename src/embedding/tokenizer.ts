/**
 * Text → token ids for any Hugging Face tokenizer.json, special tokens and truncation included.
 *
 * A text is capped before it is tokenised, keeping its head and its tail, so that a prompt of 1 MB costs no more than a
 * long one. The cap is generous (a token of prose has four to five characters): it changes nothing that truncation would
 * not have cut, and it always counts as truncated. One text at a time: pairs (cross-encoders) are not its business.
 */
import { Tokenizer as GeneralTokenizer } from '@huggingface/tokenizers';
import { messageOf, ShuntError } from '../base/errors.ts';
import { wordRulesOf } from './word-rules.ts';

/** Which tokens stay when there are too many: the first, the last, or the first half and the last half. */
export type Truncation = 'right' | 'left' | 'middle';

interface Tokens {
  /** Valid until the next call of `encode`. */
  readonly ids: Int32Array;
  readonly truncated: boolean;
}

export interface Tokenizer {
  /** Token that fills the rows of a batch up; the attention mask hides it. */
  readonly padId: number;
  encode(text: string, maxTokens: number): Tokens;
}

export interface TokenizerFiles {
  /** Parsed tokenizer.json, and its path for error messages. */
  readonly json: unknown;
  readonly file: string;
  /** Parsed tokenizer_config.json; `{}` when there is none. */
  readonly config: object;
}

export interface TokenizerSettings {
  readonly truncation: Truncation;
  /** Adds what the template asks for ([CLS], </s>, …). Static models want none. */
  readonly specialTokens: boolean;
  /** Leaves unknown tokens out, as model2vec does. */
  readonly dropUnknown: boolean;
}

const charactersPerToken = 16;

/** Throws `bad_model` when the file is not a tokenizer.json that the library reads. */
export function openTokenizer(files: TokenizerFiles, settings: TokenizerSettings): Tokenizer {
  const words = Object.keys(files.config).length === 0 ? wordRulesOf(files.json) : null;
  const source = words
    ? { ...noTemplate, unknown: words.unknown, encode: words.encode.bind(words) }
    : generalSource(files, settings);
  const { prefix, suffix } = source;
  const overhead = prefix.length + suffix.length;
  const mayStopEarly = settings.truncation === 'right' && !settings.dropUnknown;
  return {
    padId: source.padId,
    encode(text, maxTokens) {
      const room = Math.max(0, maxTokens - overhead);
      const capped = capText(text, maxTokens);
      // One token more than fits tells that there were too many; the tail is wanted only by left and middle.
      const all = source.encode(capped, mayStopEarly ? room + 1 : Number.POSITIVE_INFINITY);
      const known = settings.dropUnknown ? all.filter((id) => id !== source.unknown) : all;
      const kept = keep(known, room, settings.truncation);
      const ids = overhead === 0 ? kept : Int32Array.of(...prefix, ...kept, ...suffix);
      return { ids, truncated: known.length > room || capped.length < text.length };
    },
  };
}

/** Head and tail of a text that is far longer than `maxTokens` tokens can be; never half a surrogate pair. */
export function capText(text: string, maxTokens: number): string {
  const half = Math.max(512, (maxTokens * charactersPerToken) / 2);
  if (text.length <= half * 2) return text;
  const headEnd = isSurrogate(text.charCodeAt(half - 1), 0xd800) ? half - 1 : half;
  const tailStart = text.length - half + (isSurrogate(text.charCodeAt(text.length - half), 0xdc00) ? 1 : 0);
  return `${text.slice(0, headEnd)} ${text.slice(tailStart)}`;
}

/** `from`: 0xd800 for the first unit of a pair, 0xdc00 for the second. */
function isSurrogate(unit: number, from: number): boolean {
  return unit >= from && unit < from + 0x400;
}

function keep(ids: Int32Array, room: number, truncation: Truncation): Int32Array {
  if (ids.length <= room) return ids;
  if (truncation === 'right') return ids.subarray(0, room);
  if (truncation === 'left') return ids.subarray(ids.length - room);
  const tail = Math.floor(room / 2);
  const kept = ids.slice(0, room);
  kept.set(ids.subarray(ids.length - tail), room - tail);
  return kept;
}

interface Source {
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
  readonly padId: number;
  readonly unknown: number;
  /** Ids without special tokens; may stop once it has `enough`. */
  encode(text: string, enough: number): Int32Array;
}

const noTemplate = { prefix: [], suffix: [], padId: 0 } as const;

function generalSource(files: TokenizerFiles, settings: TokenizerSettings): Source {
  try {
    const library = new GeneralTokenizer(files.json as object, files.config);
    const template = settings.specialTokens ? templateOf(library) : noTemplate;
    const unknown = unknownToken(files.json);
    return {
      ...template,
      padId: library.token_to_id(padToken(files) ?? '') ?? 0,
      unknown: unknown === null ? -1 : (library.token_to_id(unknown) ?? -1),
      encode: (text) => Int32Array.from(library.encode(text, { add_special_tokens: false }).ids),
    };
  } catch (error) {
    throw new ShuntError(
      'bad_model',
      `${files.file} is not a tokenizer that can be read: ${messageOf(error)}. Export the model again with a "fast" tokenizer.`,
      { cause: error },
    );
  }
}

/** The special tokens before and after a text, read off a sample: every post-processor is asked the same way. */
function templateOf(library: GeneralTokenizer): {
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
} {
  for (const sample of ['a', 'the', '1', '.']) {
    const bare: readonly number[] = library.encode(sample, { add_special_tokens: false }).ids;
    if (bare.length === 0) continue;
    const dressed: readonly number[] = library.encode(sample).ids;
    const start = dressed.findIndex((_, i) => bare.every((id, j) => dressed[i + j] === id));
    if (start >= 0) return { prefix: dressed.slice(0, start), suffix: dressed.slice(start + bare.length) };
  }
  return noTemplate;
}

function padToken(files: TokenizerFiles): string | null {
  const padding = field(files.json, 'padding');
  return stringOf(field(padding, 'pad_token')) ?? tokenText(field(files.config, 'pad_token'));
}

function unknownToken(json: unknown): string | null {
  const model = field(json, 'model');
  const named = stringOf(field(model, 'unk_token'));
  if (named !== null) return named;
  const vocabulary = field(model, 'vocab');
  const index = field(model, 'unk_id');
  return Array.isArray(vocabulary) && typeof index === 'number' ? stringOf(vocabulary[index]?.[0]) : null;
}

/** A token is written as a string, or as an object with its content. */
function tokenText(value: unknown): string | null {
  return stringOf(value) ?? stringOf(field(value, 'content'));
}

function field(value: unknown, key: string): unknown {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>)[key] : undefined;
}

function stringOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
