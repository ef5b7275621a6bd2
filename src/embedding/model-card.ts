/**
 * `model.yaml`, the card of an embedding model: what it is and all that changes a vector. Written by the training recipe
 * or by `shunt models add`; keys that are not listed here (figures, data sources, settings) are for people.
 */
import { z } from 'zod';

const modelName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'must be letters, digits and . _ - (at most 100)');

/** YAML reads `version: 1` as a number. */
const modelVersion = z
  .union([z.string(), z.number()])
  .transform(String)
  .pipe(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$/, 'must be letters, digits and . _ - (at most 50)'));

/** A golden text and its expected vector. */
const probe = z.object({
  text: z.string(),
  role: z.enum(['query', 'document']).default('query'),
  vector: z.array(z.number()).min(1),
});

/** A file of probes: `{"probes": […]}` or the plain list. */
export const probeFileSchema = z.union([
  z.array(probe),
  z.object({ probes: z.array(probe) }).transform((file) => file.probes),
]);

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hex digits');

export const modelCardSchema = z.object({
  name: modelName,
  version: modelVersion,
  task: z.literal('sentence-embedding', 'must be sentence-embedding').default('sentence-embedding'),
  kind: z.enum(['static', 'transformer']),
  licence: z.string().default(''),
  source: z.string().default(''),
  /** The ONNX file, relative to the card. */
  weights: z.string().min(1).default('model.onnx'),
  dtype: z.enum(['fp32', 'fp16', 'int8']).optional(),
  dimensions: z.number().int().positive().max(65_536),
  max_tokens: z.number().int().min(1).max(1_000_000),
  /** none: the graph pools. */
  pooling: z.enum(['none', 'mean', 'cls', 'last']),
  normalise: z.literal(true, 'must be true: vectors are compared by cosine').default(true),
  truncation: z.enum(['right', 'left', 'middle']).default('right'),
  /** Whether the tokenizer's template ([CLS], </s>) is applied; by default to transformers only. */
  special_tokens: z.boolean().optional(),
  drop_unknown: z.boolean().default(false),
  prefixes: z.object({ query: z.string().default(''), document: z.string().default('') }).prefault({}),
  /** Initializers of a static model: rows of token vectors and, for int8 rows, their scales. */
  static: z
    .object({
      table: z.string().min(1),
      scales: z.string().min(1).nullable().default(null),
      /** Weights by place, as the graph computes them: min(1, max(head / t, tail / (n + 1 - t))) for token t of n. */
      places: z.object({ head: z.number().positive(), tail: z.number().nonnegative() }).optional(),
    })
    .optional(),
  digests: z.record(z.string(), digest).default({}),
  /** Golden vectors, in the card or in a file beside it. */
  probes: z.union([z.string().min(1), z.array(probe)]).default([]),
});

export type ModelCard = z.output<typeof modelCardSchema>;
export type Probe = z.output<typeof probe>;

export const cardFile = 'model.yaml';
