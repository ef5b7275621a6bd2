/**
 * Is an answer what the JSON schema that was asked for says? The schema comes from a client and the answer from a model,
 * and both are checked on the event loop, so the work is bounded before it is begun:
 *
 *   patterns          left out: a regular expression of a client's could run for minutes
 *   recursive         not checked beyond being JSON, nor one that unfolds to very much: alternatives of alternatives
 *   unknown keywords  not checked beyond being JSON
 */
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { isObject } from './chat-request.ts';

export type SchemaVerdict = 'passed' | 'not-json' | 'schema-mismatch';

/** null: it is JSON, and nobody here can say more. `schema` undefined: any JSON object will do. */
export type SchemaCheck = (text: string, schema: unknown) => SchemaVerdict | null;

const longestSchema = 65_536;
/** Schema parts × characters of the answer: some 100 ms at the very worst, for a schema that was made to be slow. */
const mostWork = 4_000_000;

interface Checker {
  /** Parts of the schema with its references unfolded. */
  readonly size: number;
  /** null: cannot be checked. */
  readonly matches: ((value: unknown) => boolean) | null;
}

export function createSchemaCheck(): SchemaCheck {
  const checkers = new LRUCache<string, Checker>({ max: 200 });

  function checkerFor(schema: unknown): Checker | null {
    const text = JSON.stringify(schema);
    if (text.length > longestSchema) return null;
    const known = checkers.get(text);
    if (known !== undefined) return known;
    const made = makeChecker(schema);
    checkers.set(text, made);
    return made;
  }

  return (text, schema) => {
    try {
      return check(text, schema);
    } catch {
      // Nested deeper than the stack: nobody means that.
      return null;
    }
  };

  function check(text: string, schema: unknown): SchemaVerdict | null {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return 'not-json';
    }
    if (schema === undefined) return isObject(value) ? 'passed' : 'not-json';
    const checker = checkerFor(schema);
    if (!checker?.matches || checker.size * text.length > mostWork) return null;
    return checker.matches(value) ? 'passed' : 'schema-mismatch';
  }
}

function makeChecker(schema: unknown): Checker {
  const size = unfoldedSize(schema);
  if (size > mostWork) return { size, matches: null };
  try {
    const compiled = z.fromJSONSchema(withoutPatterns(schema) as Parameters<typeof z.fromJSONSchema>[0]);
    return { size, matches: (value) => compiled.safeParse(value).success };
  } catch {
    // A keyword that the library does not know (`if`, say): then it is not checked at all, rather than by half.
    return { size, matches: null };
  }
}

/** How many parts the schema has when every reference is written out; infinite when it refers to itself. */
function unfoldedSize(schema: unknown): number {
  const root = schema;
  const sizes = new Map<string, number>();
  return sizeOf(schema);

  function sizeOf(part: unknown): number {
    if (Array.isArray(part)) return part.reduce((sum: number, one) => sum + sizeOf(one), 0);
    if (!isObject(part)) return 1;
    let size = 1;
    for (const [key, value] of Object.entries(part)) {
      if (key === '$defs' || key === 'definitions') continue;
      size += key === '$ref' && typeof value === 'string' ? sizeOfReference(value) : sizeOf(value);
    }
    return size;
  }

  function sizeOfReference(reference: string): number {
    const known = sizes.get(reference);
    if (known !== undefined) return known;
    sizes.set(reference, Number.POSITIVE_INFINITY);
    const size = sizeOf(pointedAt(root, reference));
    sizes.set(reference, size);
    return size;
  }
}

/** A JSON pointer within the document: `#/$defs/name`. */
function pointedAt(root: unknown, reference: string): unknown {
  const steps = reference
    .replace(/^#\/?/, '')
    .split('/')
    .filter((step) => step !== '');
  return steps.reduce<unknown>((part, step) => {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    return isObject(part) ? part[key] : undefined;
  }, root);
}

const namedParts = new Set(['properties', '$defs', 'definitions']);

/** `pattern` is a keyword of a schema, and may as well be the name of a property. */
function withoutPatterns(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutPatterns);
  if (!isObject(schema)) return schema;
  const kept = Object.entries(schema).filter(([key]) => key !== 'pattern' && key !== 'patternProperties');
  return Object.fromEntries(
    kept.map(([key, value]) => {
      if (key === 'enum' || key === 'const' || key === 'default') return [key, value];
      if (!namedParts.has(key) || !isObject(value)) return [key, withoutPatterns(value)];
      return [key, Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withoutPatterns(part)]))];
    }),
  );
}
