/**
 * An instance that is valid against a JSON Schema of the simple kind that structured outputs and tools use: types,
 * enum, const, anyOf, $ref, minimum, minItems, common formats. `pattern` and conditionals are not honoured.
 */
type Schema = Readonly<Record<string, unknown>>;

/** Optional recursion ends here: an array below is empty, a nullable value null. */
const deepest = 6;

export interface InstanceOptions {
  /** The whole schema, for `$ref`. */
  readonly root: unknown;
  /** Text for a string without a format, by the property's name. */
  readonly text: (property: string) => string;
}

export function schemaInstance(schema: unknown, options: InstanceOptions, property = '', depth = 0): unknown {
  if (!isSchema(schema)) return options.text(property);
  if (typeof schema.$ref === 'string') {
    return depth > deepest * 2
      ? null
      : schemaInstance(resolve(options.root, schema.$ref), options, property, depth + 1);
  }
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return schema.enum[0] as unknown;
  const choice = choiceOf(schema, depth);
  if (choice !== undefined) return schemaInstance(choice, options, property, depth + 1);
  if (Array.isArray(schema.allOf)) return schemaInstance(merged(schema, options.root), options, property, depth + 1);
  const type = typeOf(schema, depth);
  if (type === 'object') return objectInstance(schema, options, depth);
  if (type === 'array') return arrayInstance(schema, options, property, depth);
  if (type === 'integer' || type === 'number') return numberInstance(schema);
  if (type === 'boolean') return true;
  if (type === 'null') return null;
  return stringInstance(schema, options.text(property));
}

function objectInstance(schema: Schema, options: InstanceOptions, depth: number): Record<string, unknown> {
  const properties = isSchema(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? (schema.required as unknown[]) : [];
  const names =
    depth > deepest ? Object.keys(properties).filter((name) => required.includes(name)) : Object.keys(properties);
  return Object.fromEntries(names.map((name) => [name, schemaInstance(properties[name], options, name, depth + 1)]));
}

function arrayInstance(schema: Schema, options: InstanceOptions, property: string, depth: number): unknown[] {
  const minimum = typeof schema.minItems === 'number' ? schema.minItems : 0;
  const length = Math.max(minimum, depth > deepest ? 0 : 1);
  return Array.from({ length }, () => schemaInstance(schema.items, options, property, depth + 1));
}

function numberInstance(schema: Schema): number {
  const minimum = numberOf(schema.minimum) ?? (numberOf(schema.exclusiveMinimum) ?? -1) + 1;
  const maximum = numberOf(schema.maximum) ?? Number.POSITIVE_INFINITY;
  const step = numberOf(schema.multipleOf) ?? 1;
  return Math.min(Math.ceil(Math.max(minimum, Math.min(1, maximum)) / step) * step, maximum);
}

const formats: Readonly<Record<string, string>> = {
  'date-time': '2026-01-31T12:00:00Z',
  date: '2026-01-31',
  time: '12:00:00Z',
  duration: 'PT1H',
  email: 'user@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  uuid: '123e4567-e89b-42d3-a456-426614174000',
};

function stringInstance(schema: Schema, text: string): string {
  if (typeof schema.format === 'string' && formats[schema.format]) return formats[schema.format];
  const minimum = numberOf(schema.minLength) ?? 0;
  const maximum = numberOf(schema.maxLength) ?? Number.POSITIVE_INFINITY;
  return text.padEnd(minimum, '.').slice(0, maximum);
}

function choiceOf(schema: Schema, depth: number): unknown {
  const choices = (schema.anyOf ?? schema.oneOf) as unknown;
  if (!Array.isArray(choices) || choices.length === 0) return undefined;
  const empty = (choices as unknown[]).find((choice) => isSchema(choice) && choice.type === 'null');
  return depth > deepest && empty !== undefined ? empty : (choices as unknown[])[0];
}

function typeOf(schema: Schema, depth: number): string {
  if (Array.isArray(schema.type)) {
    return depth > deepest && schema.type.includes('null') ? 'null' : String(schema.type[0]);
  }
  if (typeof schema.type === 'string') return schema.type;
  if (schema.properties !== undefined) return 'object';
  return schema.items === undefined ? 'string' : 'array';
}

function merged(schema: Schema, root: unknown): Schema {
  const parts = (schema.allOf as unknown[]).map((part) =>
    isSchema(part) && typeof part.$ref === 'string' ? resolve(root, part.$ref) : part,
  );
  const { allOf: _, ...rest } = schema;
  const all = [rest, ...parts].filter(isSchema);
  const properties = Object.assign({}, ...all.map((part) => part.properties ?? {})) as Schema;
  const required = all.flatMap((part) => (Array.isArray(part.required) ? (part.required as unknown[]) : []));
  return { ...Object.assign({}, ...all), properties, required } as Schema;
}

function resolve(root: unknown, reference: string): unknown {
  let at: unknown = root;
  for (const step of reference.split('/').slice(1)) {
    at = isSchema(at) ? at[step.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
  }
  return at;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
