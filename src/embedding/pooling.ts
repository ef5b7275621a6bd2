/** One vector a token → one vector a text. Padding stands after a text's own tokens and never counts. */

export type Pooling = 'mean' | 'cls' | 'last';

/** Row-major values, `[texts, width, dimensions]`, as a graph returns them. */
export interface TokenVectors {
  readonly values: Float32Array;
  readonly width: number;
  readonly dimensions: number;
}

/** The vector of text `row`, of which the first `length` token vectors are its own (at least one). Not normalised. */
export function pool(tokens: TokenVectors, row: number, length: number, pooling: Pooling): Float32Array {
  const { values, width, dimensions } = tokens;
  const start = row * width * dimensions;
  if (pooling === 'cls') return values.slice(start, start + dimensions);
  if (pooling === 'last') return values.slice(start + (length - 1) * dimensions, start + length * dimensions);
  const mean = new Float32Array(dimensions);
  for (let token = 0; token < length; token++) {
    const offset = start + token * dimensions;
    for (let j = 0; j < dimensions; j++) mean[j] += values[offset + j];
  }
  for (let j = 0; j < dimensions; j++) mean[j] /= length;
  return mean;
}
