/**
 * `prices.file`: the prices that an operator agreed with providers, or that the shipped table lacks.
 *
 *   - { name: gpt-5*, backend: openai, usd_per_million: { input: 1.00, output: 8.00 }, source: "contract 17", date: 2026-10-01 }
 */
import { z } from 'zod';
import type { Fault } from '../base/fault.ts';
import { checkSchema } from './check-schema.ts';
import type { FileEntry } from './complete-models.ts';
import { day, priceSchema } from './price-schema.ts';
import { abilities } from './schema.ts';
import { parseYaml, readText } from './yaml-file.ts';

const entry = z.strictObject({
  backend: z.string().min(1).optional(),
  name: z.string().min(1),
  usd_per_million: priceSchema.optional(),
  context: z.number().int().positive().optional(),
  abilities: z.array(z.enum(abilities)).optional(),
  source: z.string().min(1).optional(),
  date: day.optional(),
});

const file = z.strictObject({ models: z.array(entry) });

/** The entries as written, which the config's own schema reads again; faults name this file. */
export async function readPricesFile(
  path: string,
): Promise<{ readonly entries: readonly FileEntry[]; readonly faults: readonly Fault[] }> {
  const text = await readText(path, path);
  if (typeof text === 'object') return { entries: [], faults: [text] };
  if (text === 'absent') {
    const fix = 'Check prices.file, or remove it.';
    return { entries: [], faults: [{ file: path, line: 0, key: '', value: '', problem: 'does not exist', fix }] };
  }
  const source = parseYaml(text, path);
  const data: unknown = source.data ?? {};
  const written = structuredClone(data) as { models?: (Omit<FileEntry, 'date'> & { date?: unknown })[] };
  const { faults } = source.usable ? checkSchema(file, { source, data }) : { faults: [] };
  if (source.faults.length + faults.length > 0) return { entries: [], faults: [...source.faults, ...faults] };
  const entries = (written.models ?? []).map(({ date, ...rest }) => ({
    ...rest,
    ...(date === undefined ? {} : { date: date instanceof Date ? date.toISOString().slice(0, 10) : String(date) }),
  }));
  return { entries, faults: [] };
}
