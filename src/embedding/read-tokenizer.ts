/** Opens the tokenizer that a `ModelSpec` names, with the settings it asks for. */
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ShuntError } from '../base/errors.ts';
import { readJson } from './export-settings.ts';
import type { ModelSpec } from './model-directory.ts';
import { openTokenizer, type Tokenizer } from './tokenizer.ts';

const anyJson = z.custom<object>((value) => typeof value === 'object' && value !== null, 'must be a JSON object');

/** Throws `bad_model` when a file is missing or not a tokenizer. */
export async function readTokenizer(spec: ModelSpec): Promise<Tokenizer> {
  const json = await readJson(spec.tokenizer, anyJson);
  if (!json)
    throw new ShuntError(
      'bad_model',
      `${spec.tokenizer} is missing. Download tokenizer.json of the model into that folder.`,
    );
  const config = (await readJson(join(dirname(spec.tokenizer), 'tokenizer_config.json'), anyJson)) ?? {};
  return openTokenizer({ json, config, file: spec.tokenizer }, spec);
}
