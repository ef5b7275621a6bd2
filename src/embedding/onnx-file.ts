/**
 * Reads the weights out of an ONNX file: just enough protobuf for that, so that a static model (a table of token vectors)
 * needs no runtime. Not a graph reader: what the nodes do is the runtime's business.
 *
 *     ModelProto.graph (7) → GraphProto.initializer (5) → TensorProto: dims (1), data_type (2), float_data (4),
 *                            GraphProto.input (11)                     name (8), raw_data (9), external_data (13)
 *
 * Tensor data are views into the file's bytes; nothing is copied unless its place is misaligned.
 */
import { ShuntError } from '../base/errors.ts';
import { widenHalves } from './half.ts';

export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** int8 stays int8; fp32 and fp16 become float32. Null for other types and for data kept in another file. */
  readonly values: Int8Array | Float32Array | null;
}

export interface OnnxWeights {
  readonly tensors: readonly OnnxTensor[];
  readonly inputs: readonly string[];
}

/** Throws `bad_model` when the bytes are not an ONNX model. `file` is for the message. */
export function readOnnxWeights(bytes: Uint8Array, file: string): OnnxWeights {
  try {
    const graph = fieldsOf(bytes).find((field) => field.number === 7)?.bytes;
    if (!graph) throw new Error('it has no graph');
    const fields = fieldsOf(graph);
    return {
      tensors: fields.filter((field) => field.number === 5).map((field) => tensorOf(field.bytes)),
      inputs: fields.filter((field) => field.number === 11).map((field) => textOf(fieldsOf(field.bytes), 1)),
    };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new ShuntError(
      'bad_model',
      `${file} is not an ONNX model: ${words}. Fetch it again and compare its checksum.`,
      { cause: error },
    );
  }
}

const float32 = 1;
const int8 = 3;
const float16 = 10;

function tensorOf(bytes: Uint8Array): OnnxTensor {
  const fields = fieldsOf(bytes);
  const type = fields.find((field) => field.number === 2)?.value ?? 0;
  const raw = fields.find((field) => field.number === 9)?.bytes;
  return {
    name: textOf(fields, 8),
    shape: integersOf(fields, 1),
    values: raw ? rawValues(raw, type) : listedFloats(fields, type),
  };
}

function rawValues(raw: Uint8Array, type: number): Int8Array | Float32Array | null {
  if (type === int8) return new Int8Array(raw.buffer, raw.byteOffset, raw.length);
  if (type === float32) return new Float32Array(...aligned(raw, 4));
  if (type === float16) return widenHalves(new Uint16Array(...aligned(raw, 2)));
  return null;
}

function aligned(raw: Uint8Array, width: number): [ArrayBufferLike, number, number] {
  const place = raw.byteOffset % width === 0 ? raw : new Uint8Array(raw);
  return [place.buffer, place.byteOffset, Math.floor(raw.length / width)];
}

function listedFloats(fields: readonly Field[], type: number): Float32Array | null {
  const packed = fields.find((field) => field.number === 4 && field.wire === 2)?.bytes;
  return packed && type === float32 ? new Float32Array(...aligned(packed, 4)) : null;
}

interface Field {
  readonly number: number;
  readonly wire: number;
  /** Of a varint field; 0 otherwise. */
  readonly value: number;
  /** Of a length-delimited field; empty otherwise. */
  readonly bytes: Uint8Array;
}

const nothing = new Uint8Array(0);

function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  const cursor = { bytes, at: 0 };
  while (cursor.at < bytes.length) {
    const tag = varint(cursor);
    const wire = tag % 8;
    const number = Math.floor(tag / 8);
    if (wire === 0) fields.push({ number, wire, value: varint(cursor), bytes: nothing });
    else if (wire === 2) fields.push({ number, wire, value: 0, bytes: take(cursor, varint(cursor)) });
    else if (wire === 1) fields.push({ number, wire, value: 0, bytes: take(cursor, 8) });
    else if (wire === 5) fields.push({ number, wire, value: 0, bytes: take(cursor, 4) });
    else throw new Error(`unknown wire type ${wire} at byte ${cursor.at}`);
  }
  return fields;
}

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

/** Up to 2^53; negative numbers (ten bytes) come out large, and no field read here is negative. */
function varint(cursor: Cursor): number {
  let value = 0;
  for (let power = 1; ; power *= 128) {
    if (cursor.at >= cursor.bytes.length) throw new Error('it ends in the middle of a number');
    const byte = cursor.bytes[cursor.at++];
    value += (byte & 0x7f) * power;
    if (byte < 128) return value;
  }
}

function take(cursor: Cursor, length: number): Uint8Array {
  if (cursor.at + length > cursor.bytes.length) throw new Error('it is cut off');
  cursor.at += length;
  return cursor.bytes.subarray(cursor.at - length, cursor.at);
}

function textOf(fields: readonly Field[], number: number): string {
  const bytes = fields.find((field) => field.number === number)?.bytes ?? nothing;
  return new TextDecoder().decode(bytes);
}

/** A repeated integer field, packed or one by one. */
function integersOf(fields: readonly Field[], number: number): number[] {
  return fields
    .filter((field) => field.number === number)
    .flatMap((field) => {
      if (field.wire === 0) return [field.value];
      const cursor = { bytes: field.bytes, at: 0 };
      const values: number[] = [];
      while (cursor.at < field.bytes.length) values.push(varint(cursor));
      return values;
    });
}
