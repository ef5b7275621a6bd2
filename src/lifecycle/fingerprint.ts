/**
 * The fingerprint of an embedding model: sha256 over everything that changes a vector. Two vectors may be compared only
 * when their fingerprints are equal; equal dimensions prove nothing. Name, version and alias are left out: a copy of a
 * model is the same model.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ShuntError } from '../base/errors.ts';
import type { ModelSpec } from '../embedding/model-directory.ts';

/** Remembers file digests by size and modification time, so that a reload does not read a model again. */
export class DigestBook {
  readonly #known = new Map<string, { readonly stamp: string; readonly digest: string }>();

  /** `sha256:…` of the file's bytes. Throws `bad_model` when it cannot be read. */
  async digest(file: string): Promise<string> {
    try {
      const { size, mtimeMs } = await stat(file);
      const stamp = `${size} ${mtimeMs}`;
      const known = this.#known.get(file);
      if (known?.stamp === stamp) return known.digest;
      const digest = await digestFile(file);
      this.#known.set(file, { stamp, digest });
      return digest;
    } catch (error) {
      throw new ShuntError('bad_model', `${file} cannot be read. Restore the file, or add the model again.`, {
        cause: error,
      });
    }
  }
}

export async function fingerprint(spec: ModelSpec, dimensions: number, digests: DigestBook): Promise<string> {
  const weights = await Promise.all((await weightFiles(spec.weights)).map((file) => digests.digest(file)));
  const identity = {
    weights,
    tokenizer: await Promise.all((await tokenizerFiles(spec.tokenizer)).map((file) => digests.digest(file))),
    static: spec.static,
    pooling: spec.pooling,
    normalise: true,
    native_dimensions: dimensions,
    served_dimensions: dimensions,
    prefixes: spec.prefixes,
    max_tokens: spec.maxTokens,
    truncation: spec.truncation,
    special_tokens: spec.specialTokens,
    drop_unknown: spec.dropUnknown,
    dtype: spec.dtype,
  };
  return `sha256:${createHash('sha256').update(canonicalJson(identity)).digest('hex')}`;
}

/** The ONNX file and the files of external data beside it (`model.onnx_data`, `model.onnx.data`), which belong to it. */
export async function weightFiles(weights: string): Promise<string[]> {
  const folder = dirname(weights);
  const stem = basename(weights);
  const beside = (await readdir(folder)).filter(
    (name) => name.startsWith(`${stem}_data`) || name.startsWith(`${stem}.data`),
  );
  return [weights, ...beside.sort().map((name) => join(folder, name))];
}

/** tokenizer.json and, when there is one, the config that changes how it is read. */
export async function tokenizerFiles(tokenizer: string): Promise<string[]> {
  const beside = await readdir(dirname(tokenizer));
  return [
    tokenizer,
    ...beside.filter((name) => name === 'tokenizer_config.json').map((name) => join(dirname(tokenizer), name)),
  ];
}

/** Keys sorted, no spaces: the same value always gives the same text. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`).join(',')}}`;
}

async function digestFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}
