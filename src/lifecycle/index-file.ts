/**
 * The bytes of a stored route index. One file, read in one go:
 *
 *   "SHUNTIX1" | sha256 of all that follows (32) | header length u32, 0 u32 | header JSON | pad to 8 | arrays, each padded to 8
 *
 * The header holds the manifest, names, texts and, per array, its type and length, in the order in which they stand.
 * Any damage shows in the digest: `decodeIndex` returns a reason instead of an index, and the caller builds anew.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type LearnedIndex, matcherVersion } from '../routing/route-index.ts';
import { manifestSchema } from './manifest.ts';

const magic = Buffer.from('SHUNTIX1');
const digestEnd = magic.length + 32;
const headerStart = digestEnd + 8;

const types = { f32: Float32Array, f64: Float64Array, i32: Int32Array, i8: Int8Array } as const;
type Packed = Float32Array | Float64Array | Int32Array | Int8Array;

const headerSchema = z.object({
  manifest: manifestSchema,
  names: z.array(z.string()),
  exampleTexts: z.array(z.string()),
  counterTexts: z.array(z.string()),
  numbers: z.object({
    routes: z.number(),
    classes: z.number(),
    dimensions: z.number(),
    scale: z.number(),
    temperature: z.number(),
    words: z.number(),
    unseenIdf: z.number(),
    languages: z.number(),
    scripts: z.number(),
  }),
  arrays: z.array(z.object({ type: z.enum(['f32', 'f64', 'i32', 'i8']), length: z.number().int().nonnegative() })),
});

type Header = z.output<typeof headerSchema>;

export function encodeIndex(index: LearnedIndex): Buffer {
  const { core, space } = index;
  const arrays = arraysOf(index);
  const header: Header = {
    manifest: index.manifest,
    names: [...index.names],
    exampleTexts: [...core.examples.texts],
    counterTexts: [...core.counters.texts],
    numbers: {
      routes: core.routes,
      classes: core.classes,
      dimensions: core.dimensions,
      scale: core.scale,
      temperature: core.temperature,
      words: space.words,
      unseenIdf: space.unseenIdf,
      ...index.cover,
    },
    arrays: arrays.map((array) => ({ type: typeOf(array), length: array.length })),
  };
  const json = Buffer.from(JSON.stringify(header));
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(json.length);
  const parts = [lengths, padded(json, headerStart), ...arrays.map((array) => padded(bytesOf(array), 0))];
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return Buffer.concat([magic, hash.digest(), ...parts]);
}

/** The stored index, or why there is none in these bytes. Never throws. */
export function decodeIndex(bytes: Buffer): LearnedIndex | { readonly reason: string } {
  if (bytes.length < headerStart || !bytes.subarray(0, magic.length).equals(magic)) {
    return { reason: `it is not an index of this version (matcher ${matcherVersion})` };
  }
  const digest = createHash('sha256').update(bytes.subarray(digestEnd)).digest();
  if (!digest.equals(bytes.subarray(magic.length, digestEnd))) return { reason: 'it is damaged or half written' };
  const jsonEnd = headerStart + bytes.readUInt32LE(digestEnd);
  const header = headerSchema.safeParse(JSON.parse(bytes.toString('utf8', headerStart, jsonEnd)));
  if (!header.success) return { reason: 'its header has another layout' };
  // A copy at offset 0 of its own memory: typed arrays need aligned starts.
  const body = new Uint8Array(bytes.subarray(aligned(jsonEnd))).buffer;
  return indexFrom(header.data, body) ?? { reason: 'its arrays do not fit its header' };
}

/** The order here is the order in the file. */
function arraysOf({ core, space, evidence }: LearnedIndex): Packed[] {
  const { head, prototypes, examples, counters } = core;
  return [
    ...[head.dense, head.postings.start, head.postings.class, head.lexical, core.lexicalCentroids],
    ...[prototypes.start, prototypes.vectors],
    ...[examples.start, examples.vectors, examples.scales],
    ...[counters.start, counters.vectors, counters.scales],
    ...[space.table.keys, space.table.values, space.idf, evidence],
  ];
}

function indexFrom(header: Header, body: ArrayBuffer): LearnedIndex | null {
  let at = 0;
  let next = 0;
  const take = <T extends Packed>(
    type: keyof typeof types,
    make: new (b: ArrayBuffer, at: number, n: number) => T,
  ): T => {
    const entry = header.arrays[next++];
    if (entry?.type !== type) throw new RangeError('another array was expected');
    const array = new make(body, at, entry.length);
    at = aligned(at + array.byteLength);
    return array;
  };
  const f32 = () => take('f32', Float32Array);
  const i32 = () => take('i32', Int32Array);
  const i8 = () => take('i8', Int8Array);
  const { numbers, manifest, names, exampleTexts, counterTexts } = header;
  const { routes, classes, dimensions, scale, temperature, words, unseenIdf, languages, scripts } = numbers;
  try {
    // Members are evaluated in the order written, which is the order of `arraysOf`.
    const headDense = f32();
    const postings = { start: i32(), class: i32() };
    const head = { dense: headDense, postings, lexical: f32() };
    const lexicalCentroids = f32();
    const prototypes = { start: i32(), vectors: f32() };
    const examples = { start: i32(), vectors: i8(), scales: f32(), texts: exampleTexts };
    const counters = { start: i32(), vectors: i8(), scales: f32(), texts: counterTexts };
    const space = { table: { keys: i32(), values: i32() }, idf: f32(), words, unseenIdf };
    const evidence = take('f64', Float64Array);
    const sizes = { routes, classes, dimensions, scale, temperature };
    const core = { ...sizes, head, lexicalCentroids, prototypes, examples, counters };
    return { manifest, names, core, space, evidence, cover: { languages, scripts } };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function typeOf(array: Packed): keyof typeof types {
  if (array instanceof Float32Array) return 'f32';
  if (array instanceof Float64Array) return 'f64';
  return array instanceof Int32Array ? 'i32' : 'i8';
}

function bytesOf(array: Packed): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

function aligned(offset: number): number {
  return Math.ceil(offset / 8) * 8;
}

/** `bytes` with zeros after them so that what follows starts at a multiple of 8, when they start at `from`. */
function padded(bytes: Buffer, from: number): Buffer {
  const missing = aligned(from + bytes.length) - from - bytes.length;
  return missing === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(missing)]);
}
