/**
 * The inner loops of the semantic index, as WebAssembly: JavaScript has no 128-bit lanes, and its loop over 100,000 codes
 * takes five times as long (`npm run bench:cache-lookup`). Two functions over records in one memory, addressed by a list
 * of slots, written down here instruction by instruction and unrolled for one record size:
 *
 *   distances   bits that differ between the query's code and a slot's code          xor, popcount, sum
 *   products    inner product of the query's and a slot's vector of 16-bit numbers     multiply, sum
 *
 *   memory   | query | slots to visit, i32 each | results, i32 each | records … grown as needed
 *
 * Nothing is computed here that a reader could not check against the two lines of plain code in its test.
 */
type Code = readonly number[];

/** As much of the standard as is used here; the types of Node 20 have none of it. */
declare const WebAssembly: {
  readonly Memory: new (options: { initial: number }) => { readonly buffer: ArrayBuffer; grow(pages: number): number };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

export interface Scan {
  /** The query as the kernel reads it; write it before `run`. */
  readonly query: Int8Array;
  /** Bytes of a slot, for writing; valid until the next call of this. */
  record(slot: number): Int8Array;
  /** Results for `slots`, in their order; valid until the next run. */
  run(slots: Int32Array): Int32Array;
  /** Bytes of memory in use by records. */
  readonly recordBytes: number;
}

type Exports = { readonly f: (list: number, listEnd: number, records: number, results: number) => void };

export type ScanKind = 'distances' | 'products';

/** `recordBytes` must be a multiple of 64, and at most 16 × 31 for distances: their sums are kept in bytes. */
export function createScan(kind: ScanKind, recordBytes: number, mostSlots: number): Scan {
  const listAt = aligned(recordBytes);
  const resultsAt = listAt + aligned(mostSlots * 4);
  const recordsAt = resultsAt + aligned(mostSlots * 4);
  const memory = new WebAssembly.Memory({ initial: pagesFor(recordsAt + recordBytes) });
  const code = kind === 'distances' ? distances(recordBytes) : products(recordBytes);
  const { f } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes(code)), { e: { m: memory } })
    .exports as Exports;
  return {
    recordBytes,
    get query() {
      return new Int8Array(memory.buffer, 0, recordBytes);
    },
    record(slot) {
      const at = recordsAt + slot * recordBytes;
      const missing = at + recordBytes - memory.buffer.byteLength;
      // By an eighth at least: growing moves nothing, but each growth makes a new buffer object.
      if (missing > 0) memory.grow(pagesFor(Math.max(missing, memory.buffer.byteLength / 8)));
      return new Int8Array(memory.buffer, at, recordBytes);
    },
    run(slots) {
      new Int32Array(memory.buffer, listAt, slots.length).set(slots);
      f(listAt, listAt + slots.length * 4, recordsAt, resultsAt);
      return new Int32Array(memory.buffer, resultsAt, slots.length);
    },
  };
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

function pagesFor(bytes: number): number {
  return Math.ceil(bytes / 65_536);
}

// Parameters of the function, and its locals behind them.
const list = 0;
const listEnd = 1;
const records = 2;
const results = 3;
const record = 4;
const sum = 5;

const get = (local: number): Code => [0x20, ...unsigned(local)];
const set = (local: number): Code => [0x21, ...unsigned(local)];
const constant = (value: number): Code => [0x41, ...signed(value)];
const addInts: Code = [0x6a];
const multiplyInts: Code = [0x6c];
const simd = (operation: number): Code => [0xfd, ...unsigned(operation)];
const loadLanes = (offset: number): Code => [...simd(0x00), 0x00, ...unsigned(offset)];
const xor = simd(0x51);
const countBits = simd(0x62);
const addBytes = simd(0x6e);
const pairBytes = simd(0x7d);
const pairShorts = simd(0x7f);
const multiplyPairs = simd(0xba);
const addLanes = simd(0xae);
const lane = (index: number): Code => [...simd(0x1b), index];

function distances(bytes: number): Code {
  const steps = range(bytes / 16).map((i): Code => {
    const bits = [...constant(0), ...loadLanes(i * 16), ...get(record), ...loadLanes(i * 16), ...xor, ...countBits];
    return i === 0 ? bits : [...bits, ...addBytes];
  });
  return eachSlot(bytes, [...steps.flat(), ...pairBytes, ...pairShorts]);
}

function products(bytes: number): Code {
  const steps = range(bytes / 16).map((i): Code => {
    const pairs = [...constant(0), ...loadLanes(i * 16), ...get(record), ...loadLanes(i * 16), ...multiplyPairs];
    return i === 0 ? pairs : [...pairs, ...addLanes];
  });
  return eachSlot(bytes, steps.flat());
}

/** For each slot: `lanes` leaves four 32-bit sums, which are added up and stored. */
function eachSlot(bytes: number, lanes: Code): Code {
  const body = [
    ...[
      ...get(list),
      0x28,
      0x02,
      0x00,
      ...constant(bytes),
      ...multiplyInts,
      ...get(records),
      ...addInts,
      ...set(record),
    ],
    ...[...lanes, ...set(sum), ...get(results)],
    ...range(4).flatMap((i) => [...get(sum), ...lane(i), ...(i === 0 ? [] : addInts)]),
    ...[0x36, 0x02, 0x00],
    ...[...get(list), ...constant(4), ...addInts, ...set(list)],
    ...[...get(results), ...constant(4), ...addInts, ...set(results)],
  ];
  // block · loop · leave when list = listEnd · body · again · end · end
  return [0x02, 0x40, 0x03, 0x40, ...get(list), ...get(listEnd), 0x46, 0x0d, 0x01, ...body, 0x0c, 0x00, 0x0b, 0x0b];
}

/** One function `f` of four i32, with an i32 and a v128 local, over the imported memory `e.m`. */
function moduleBytes(code: Code): Uint8Array<ArrayBuffer> {
  const body = [0x02, 0x01, 0x7f, 0x01, 0x7b, ...code, 0x0b];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [0x01, 0x60, 0x04, 0x7f, 0x7f, 0x7f, 0x7f, 0x00]),
    ...section(2, [0x01, 0x01, 0x65, 0x01, 0x6d, 0x02, 0x00, 0x01]),
    ...section(3, [0x01, 0x00]),
    ...section(7, [0x01, 0x01, 0x66, 0x00, 0x00]),
    ...section(10, [0x01, ...unsigned(body.length), ...body]),
  ]);
}

function section(id: number, content: Code): Code {
  return [id, ...unsigned(content.length), ...content];
}

function unsigned(value: number): Code {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

function signed(value: number): Code {
  return value >= -64 && value < 64 ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)];
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
