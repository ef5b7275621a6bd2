/**
 * Runs a schema over what a user wrote, after two repairs that the file's syntax calls for and only the schema can
 * judge: a section whose lines are all commented out (`server:`) is an absent section, and a variable's text becomes a
 * number or a truth value where one is due (`port: "${PORT}"`).
 */
import type { z } from 'zod';
import type { Fault } from '../base/fault.ts';
import { pathId } from './expand-env.ts';
import { schemaFaults, valueAt } from './faults.ts';
import type { YamlFile } from './yaml-file.ts';

interface Input {
  readonly source: YamlFile;
  /** Changed by the repairs. */
  readonly data: unknown;
  readonly expanded?: ReadonlySet<string>;
}

type Checked<T> =
  | { readonly value: T; readonly faults: readonly [] }
  | { readonly value: null; readonly faults: readonly Fault[] };

export function checkSchema<S extends z.ZodType>(schema: S, input: Input): Checked<z.output<S>> {
  const first = schema.safeParse(input.data);
  if (first.success) return { value: first.data, faults: [] };
  const repaired = first.error.issues.filter((issue) => repair(issue, input)).length > 0;
  const last = repaired ? schema.safeParse(input.data) : first;
  if (last.success) return { value: last.data, faults: [] };
  return { value: null, faults: schemaFaults(last.error.issues, { source: input.source, schema, data: input.data }) };
}

function repair(issue: z.core.$ZodIssue, { data, expanded }: Input): boolean {
  const path = issue.path as (string | number)[];
  const parent = valueAt(data, path.slice(0, -1));
  const key = path.at(-1);
  if (typeof parent !== 'object' || parent === null || key === undefined) return false;
  const holder = parent as Record<string | number, unknown>;
  const value = holder[key];
  if (value === null) {
    if (issue.code !== 'invalid_type' || !['object', 'record', 'array'].includes(issue.expected)) return false;
    return Reflect.deleteProperty(holder, key);
  }
  if (typeof value !== 'string' || !expanded?.has(pathId(path))) return false;
  const meant = scalarOf(value.trim());
  if (meant === null) return false;
  holder[key] = meant;
  return true;
}

function scalarOf(text: string): number | boolean | null {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : null;
}
