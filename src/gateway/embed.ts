/**
 * `POST /v1/embeddings`: by an embedding model of our own (an alias or `name@version` of the registry), or, for a model
 * of the config, by its backend with the bytes passed through. OpenAI's limits hold: at most 2,048 inputs, no empty one.
 */
import { abortSignalOf, type CancelSignal } from '../base/cancel.ts';
import { ShuntError } from '../base/errors.ts';
import type { Embedder } from '../embedding/contract.ts';
import { shorten } from '../embedding/dimensions.ts';
import { parseObject } from './chat-request.ts';

export interface EmbeddingsRequest {
  readonly model: string;
  readonly inputs: readonly string[];
  readonly dimensions: number | null;
  readonly encoding: 'float' | 'base64';
}

export interface EmbeddingsAnswer {
  readonly object: 'list';
  readonly data: readonly {
    readonly object: 'embedding';
    readonly index: number;
    readonly embedding: readonly number[] | string;
  }[];
  readonly model: string;
  readonly usage: { readonly prompt_tokens: number; readonly total_tokens: number };
}

const mostInputs = 2_048;
const mostTokens = 300_000;

/** The `model` alone, to see who is to answer; throws `invalid_request` without one. */
export function embeddingsModel(bytes: Buffer): string {
  const { model } = parseObject(bytes);
  if (typeof model === 'string' && model !== '') return model;
  throw new ShuntError('invalid_request', "'model' must be the name of an embedding model, such as 'default'.", {
    param: 'model',
  });
}

export function parseEmbeddingsRequest(bytes: Buffer): EmbeddingsRequest {
  const body = parseObject(bytes);
  const encoding = body.encoding_format ?? 'float';
  if (encoding !== 'float' && encoding !== 'base64') {
    throw new ShuntError('invalid_request', "'encoding_format' must be 'float' or 'base64'.", {
      param: 'encoding_format',
    });
  }
  const dimensions = body.dimensions ?? null;
  if (dimensions !== null && !(typeof dimensions === 'number' && Number.isInteger(dimensions) && dimensions > 0)) {
    throw new ShuntError('invalid_request', "'dimensions' must be a positive whole number.", { param: 'dimensions' });
  }
  return { model: embeddingsModel(bytes), inputs: parseInputs(body.input), dimensions, encoding };
}

export async function embedInputs(
  embedder: Embedder,
  request: EmbeddingsRequest,
  signal: CancelSignal,
): Promise<{ readonly answer: EmbeddingsAnswer; readonly truncatedInputs: readonly number[] }> {
  const native = embedder.identity.dimensions;
  if (request.dimensions !== null && request.dimensions > native) {
    throw new ShuntError(
      'invalid_request',
      `'dimensions' is ${request.dimensions}, but '${request.model}' has ${native}.`,
      { param: 'dimensions' },
    );
  }
  const embeddings = await embedder.embed(request.inputs, { role: 'document', signal: abortSignalOf(signal) });
  const tokens = embeddings.reduce((sum, embedding) => sum + embedding.tokens, 0);
  if (tokens > mostTokens) {
    throw new ShuntError(
      'invalid_request',
      `The inputs hold ${tokens} tokens; at most ${mostTokens} are taken at once.`,
      { param: 'input' },
    );
  }
  const truncatedInputs: number[] = [];
  const data = embeddings.map((embedding, index) => {
    if (embedding.truncated) truncatedInputs.push(index);
    const vector = request.dimensions === null ? embedding.vector : shorten(embedding.vector, request.dimensions);
    return { object: 'embedding' as const, index, embedding: encode(vector, request.encoding) };
  });
  return {
    answer: { object: 'list', data, model: request.model, usage: { prompt_tokens: tokens, total_tokens: tokens } },
    truncatedInputs,
  };
}

function encode(vector: Float32Array, encoding: 'float' | 'base64'): number[] | string {
  if (encoding === 'float') return Array.from(vector);
  // Little-endian float32, as the SDKs decode it; every platform Node runs on is little-endian.
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
}

function parseInputs(input: unknown): string[] {
  const inputs: unknown[] = Array.isArray(input) ? input : [input];
  if (inputs.length === 0)
    throw new ShuntError('invalid_request', "'input' is empty: send at least one text.", { param: 'input' });
  if (inputs.length > mostInputs) {
    throw new ShuntError(
      'invalid_request',
      `'input' holds ${inputs.length} texts; at most ${mostInputs} are taken at once.`,
      { param: 'input' },
    );
  }
  return inputs.map((text, index) => {
    const param = Array.isArray(input) ? `input[${index}]` : 'input';
    if (typeof text !== 'string') {
      throw new ShuntError(
        'invalid_request',
        `'${param}' must be text: token arrays belong to another model's tokenizer.`,
        { param },
      );
    }
    if (text === '')
      throw new ShuntError('invalid_request', `'${param}' is an empty text, which has no meaning to embed.`, { param });
    return text;
  });
}
