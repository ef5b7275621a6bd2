/** Writes small ONNX models, protobuf by hand, so that tests build every graph shape themselves. For tests only. */

export type TensorType = 'float' | 'int8' | 'int64' | 'float16' | 'int32' | 'bool';

const typeNumbers: Readonly<Record<TensorType, number>> = {
  float: 1,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
};

export interface WrittenTensor {
  readonly name: string;
  readonly type: TensorType;
  readonly shape: readonly number[];
  readonly raw: Uint8Array;
}

export interface WrittenNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

export interface WrittenValue {
  readonly name: string;
  readonly type: TensorType;
  readonly shape: readonly (number | string)[];
}

export interface WrittenGraph {
  readonly inputs: readonly WrittenValue[];
  readonly outputs: readonly WrittenValue[];
  readonly nodes: readonly WrittenNode[];
  readonly tensors: readonly WrittenTensor[];
}

export function onnxModel(graph: WrittenGraph): Uint8Array {
  const body = [
    ...graph.nodes.map((node) => field(1, nodeBytes(node))),
    text(2, 'test'),
    ...graph.tensors.map((tensor) => field(5, tensorBytes(tensor))),
    ...graph.inputs.map((value) => field(11, valueBytes(value))),
    ...graph.outputs.map((value) => field(12, valueBytes(value))),
  ];
  const opset = field(8, Buffer.concat([text(1, ''), number(2, 13)]));
  return Buffer.concat([number(1, 8), text(2, 'shunt-tests'), field(7, Buffer.concat(body)), opset]);
}

export function floats(name: string, shape: readonly number[], values: Float32Array): WrittenTensor {
  return { name, type: 'float', shape, raw: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

export function bytes(name: string, shape: readonly number[], values: Int8Array): WrittenTensor {
  return { name, type: 'int8', shape, raw: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

export function longs(name: string, values: readonly number[], scalar = false): WrittenTensor {
  const wide = BigInt64Array.from(values, BigInt);
  return { name, type: 'int64', shape: scalar ? [] : [values.length], raw: new Uint8Array(wide.buffer) };
}

/** Narrows to half precision. The values must be exact in it, so that a test can say what comes out. */
export function halves(name: string, shape: readonly number[], values: Float32Array): WrittenTensor {
  const narrow = Uint16Array.from(values, half);
  return { name, type: 'float16', shape, raw: new Uint8Array(narrow.buffer) };
}

function half(value: number): number {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  const fraction = (Math.abs(value) / 2 ** exponent - 1) * 1_024;
  if (!Number.isInteger(fraction) || exponent < -14 || exponent > 15)
    throw new Error(`${value} is not exact in half precision`);
  return (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | fraction;
}

function nodeBytes({ op, inputs, outputs, attributes }: WrittenNode): Buffer {
  return Buffer.concat([
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, op),
    ...Object.entries(attributes ?? {}).map(([name, value]) => field(5, attributeBytes(name, value))),
  ]);
}

function attributeBytes(name: string, value: number | readonly number[]): Buffer {
  if (typeof value === 'number') return Buffer.concat([text(1, name), number(3, value), number(20, 2)]);
  return Buffer.concat([text(1, name), ...value.map((each) => number(8, each)), number(20, 7)]);
}

function tensorBytes({ name, type, shape, raw }: WrittenTensor): Buffer {
  return Buffer.concat([
    ...shape.map((size) => number(1, size)),
    number(2, typeNumbers[type]),
    text(8, name),
    field(9, raw),
  ]);
}

function valueBytes({ name, type, shape }: WrittenValue): Buffer {
  const dimensions = shape.map((size) => field(1, typeof size === 'number' ? number(1, size) : text(2, size)));
  const tensorType = Buffer.concat([number(1, typeNumbers[type]), field(2, Buffer.concat(dimensions))]);
  return Buffer.concat([text(1, name), field(2, field(1, tensorType))]);
}

function field(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([varint(tag * 8 + 2), varint(content.length), content]);
}

function text(tag: number, value: string): Buffer {
  return field(tag, Buffer.from(value, 'utf8'));
}

function number(tag: number, value: number): Buffer {
  return Buffer.concat([varint(tag * 8), varint(value)]);
}

/** Negative numbers (axes) take ten bytes, as protobuf has it. */
function varint(value: number): Buffer {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 128n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return Buffer.from(out);
}
