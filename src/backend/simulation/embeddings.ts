/** `POST /embeddings`: pseudo-random unit vectors, the same for the same text and model; no meaning is in them. */
import type { JsonObject } from './answer.ts';
import { hashText, pseudoRandom } from './pseudo-random.ts';
import { errorReply, jsonReply, type SimulatedReply } from './reply.ts';
import { countTokens } from './tokens.ts';

const defaultDimensions = 1_536;
const mostDimensions = 8_192;

export function embeddingsReply(body: JsonObject): SimulatedReply {
  const inputs = inputTexts(body.input);
  if (inputs === null) {
    const message =
      "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.";
    return errorReply({ status: 400, message });
  }
  const dimensions = typeof body.dimensions === 'number' ? body.dimensions : defaultDimensions;
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > mostDimensions) {
    const message = `Invalid value for 'dimensions' = ${dimensions}. Must be between 1 and ${mostDimensions}.`;
    return errorReply({ status: 400, message, param: 'dimensions' });
  }
  const model = String(body.model);
  const data = inputs.map((text, index) => {
    const vector = pseudoVector(hashText(text, hashText(model)), dimensions);
    const embedding = body.encoding_format === 'base64' ? base64(vector) : Array.from(vector);
    return { object: 'embedding', index, embedding };
  });
  const prompt_tokens = inputs.reduce((sum, text) => sum + Math.max(1, countTokens(text)), 0);
  return jsonReply({ object: 'list', data, model, usage: { prompt_tokens, total_tokens: prompt_tokens } });
}

/** Text, texts, tokens, or lists of tokens; null for anything else. */
function inputTexts(input: unknown): string[] | null {
  if (typeof input === 'string') return input === '' ? null : [input];
  if (!Array.isArray(input) || input.length === 0 || input.length > 2_048) return null;
  const items = input as unknown[];
  if (items.every((item) => typeof item === 'number')) return [items.join(' ')];
  if (items.every((item) => typeof item === 'string' || Array.isArray(item))) return items.map(String);
  return null;
}

function pseudoVector(seed: number, dimensions: number): Float32Array {
  const random = pseudoRandom(seed);
  const vector = new Float32Array(dimensions);
  let squares = 0;
  for (let i = 0; i < dimensions; i++) {
    const value = random() * 2 - 1;
    vector[i] = value;
    squares += value * value;
  }
  const scale = 1 / Math.sqrt(squares);
  for (let i = 0; i < dimensions; i++) vector[i] *= scale;
  return vector;
}

/** Little-endian float32, as OpenAI sends it. */
function base64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (let i = 0; i < vector.length; i++) bytes.writeFloatLE(vector[i], i * 4);
  return bytes.toString('base64');
}
