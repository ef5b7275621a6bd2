/** Labelled pairs of prompts, from JSON Lines: `{"a": "…", "b": "…", "same": true, "route": "faq"}`; `route` may be absent. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, ShuntError } from '../base/errors.ts';
import type { LabelledPair } from '../cache/semantic-contract.ts';

const row = z.object({
  a: z.string().min(1),
  b: z.string().min(1),
  same: z.boolean(),
  route: z.string().min(1).nullish(),
});

/** Throws `bad_config` with the line at fault: evidence that was not read must not look like evidence that is missing. */
export async function readLabelledPairs(file: string): Promise<LabelledPair[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw fault(file, `cannot be read (${messageOf(error)}). Correct the path, or remove cache.semantic.pairs`);
  }
  const lines = text.split('\n');
  return lines.flatMap((line, at) => (line.trim() === '' ? [] : [pairOf(line, `${file}:${at + 1}`)]));
}

function pairOf(line: string, place: string): LabelledPair {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw fault(place, `is not JSON (${messageOf(error)})`);
  }
  const read = row.safeParse(value);
  if (read.success) return { ...read.data, route: read.data.route ?? null };
  const [{ path, message }] = read.error.issues;
  throw fault(place, `${path.join('.') || 'the line'}: ${message}. Write {"a": "…", "b": "…", "same": true}`);
}

function fault(place: string, problem: string): ShuntError {
  return new ShuntError('bad_config', `${place} ${problem}.`, { param: 'cache.semantic.pairs' });
}
