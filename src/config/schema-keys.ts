/**
 * What a schema says about a place in a file: the keys that may stand there and the default. Only for messages.
 */
import type { z } from 'zod';
import type { YamlPath } from './yaml-file.ts';

type Schema = z.core.$ZodType;

/** Keys of the mapping at `path`; empty where any name may stand. */
export function keysAt(schema: Schema, path: YamlPath): string[] {
  return [...new Set(schemasAt(schema, path).flatMap(unwrap).flatMap(shapeKeys))];
}

/** As a user would write it, or null when there is none or it is not a plain value. */
export function defaultAt(schema: Schema, path: YamlPath): string | null {
  for (const found of schemasAt(schema, path)) {
    const { def } = (found as z.core.$ZodTypes)._zod;
    if (def.type !== 'default') continue;
    const value: unknown = def.defaultValue;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  }
  return null;
}

/** Dotted places, in mappings of fixed keys, whose last key is `name`: for a key written in the wrong section. */
export function placesOf(schema: Schema, name: string, under: readonly string[] = []): string[] {
  return unwrap(schema).flatMap((found) => {
    const { def } = (found as z.core.$ZodTypes)._zod;
    if (def.type !== 'object') return [];
    return Object.entries(def.shape).flatMap(([key, inner]) => {
      const path = [...under, key];
      return [...(key === name ? [path.join('.')] : []), ...placesOf(inner, name, path)];
    });
  });
}

function schemasAt(schema: Schema, path: YamlPath): Schema[] {
  return path.reduce<Schema[]>((at, step) => at.flatMap(unwrap).flatMap((found) => inside(found, step)), [schema]);
}

function inside(schema: Schema, step: string | number): Schema[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === 'array') return [def.element];
  if (def.type === 'record') return [def.valueType];
  if (def.type !== 'object' || !Object.hasOwn(def.shape, step)) return [];
  return [def.shape[step]];
}

function shapeKeys(schema: Schema): string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  return def.type === 'object' ? Object.keys(def.shape) : [];
}

/** Through defaults, optionals, transforms and unions to the schemas that look at the value itself. */
function unwrap(schema: Schema): Schema[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'default':
    case 'prefault':
    case 'optional':
    case 'nullable':
      return unwrap(def.innerType);
    case 'pipe':
      return unwrap(def.in);
    case 'union':
      return def.options.flatMap(unwrap);
    default:
      return [schema];
  }
}
