/**
 * What `npm run bench` measures: one row per thing that a request can cost. A row names the server it asks, the row that
 * is its floor, and what issue and README promise of it; a promise is a figure of the same run, never of another day.
 */
import type { LoadResult, LoadShape } from './load.ts';

export type ServerName = 'floor' | 'shunt' | 'cached' | 'pinned' | 'monitor' | 'routes150' | 'routes1000' | 'portkey';

export interface Scenario extends LoadShape {
  readonly name: string;
  readonly server: ServerName;
  /** Name of the row to compare with; absent: it is one. */
  readonly floor?: string;
  readonly target?: { readonly words: string; readonly met: (row: LoadResult, floor: LoadResult) => boolean };
  /** Sent in a round; the default when absent. */
  readonly share?: number;
}

/** About 64 tokens. */
export const text64 =
  'Please translate the following short note into French for our colleagues in Lyon: the delivery of the two pallets has been moved ' +
  'from Tuesday to Thursday morning, the driver will call half an hour before he arrives, and somebody should be at the gate to sign.';
const text16 = 'Please translate into French: the delivery of the two pallets has been moved to Thursday.';
const text512 = Array.from({ length: 8 }, () => text64).join(' ');

interface BodyParts {
  readonly text?: string;
  readonly model?: string;
  readonly system?: string;
  readonly extra?: object;
}

function bodyOf({ text = text64, model = 'auto', system, extra }: BodyParts = {}): string {
  const messages = [
    ...(system === undefined ? [] : [{ role: 'system', content: system }]),
    { role: 'user', content: text },
  ];
  return JSON.stringify({ model, messages, temperature: 0.2, ...extra });
}

/** A number in the text makes every prompt new to the embedding cache, as real traffic is. */
function fresh(parts: BodyParts = {}): Scenario['body'] {
  const body = bodyOf(parts);
  const at = body.indexOf('two pallets');
  const [head, tail] = [body.slice(0, at), body.slice(at + 'two pallets'.length)];
  return (round, index) => `${head}${round * 1_000_000 + index} pallets${tail}`;
}

function same(parts: BodyParts = {}): Scenario['body'] {
  const body = bodyOf(parts);
  return () => body;
}

/** A system prompt that makes the body this many bytes long. */
const padding = (bytes: number) => 'You help with letters. '.repeat(Math.ceil(bytes / 23)).slice(0, bytes - 400);

const overCpu = (micros: number) => ({
  words: `≤ floor + ${micros} µs CPU`,
  met: (row: LoadResult, floor: LoadResult) => row.cpu <= floor.cpu + micros,
});

const floor = 'floor: node:http + undici';
const streamFloor = 'floor, stream of 23 events';
const longFloor = 'floor, stream of 500 events';
const stream = { stream: true };
const longStream = { stream: true, max_tokens: 500 };

/** A conversation that has gone to the fallback and stays there. */
const pinned = JSON.stringify({
  model: 'auto',
  messages: [
    { role: 'user', content: 'Prove that every planar graph can be coloured with five colours.' },
    { role: 'assistant', content: 'Take a vertex of degree at most five …' },
    { role: 'user', content: 'Why is there one?' },
  ],
});

export const scenarios: readonly Scenario[] = [
  { name: floor, server: 'floor', body: same() },
  { name: 'no routing (model by name)', server: 'shunt', floor, body: same({ model: 'small' }), target: overCpu(30) },
  {
    name: 'pinned conversation',
    server: 'pinned',
    floor,
    body: () => pinned,
    headers: { 'x-shunt-session': 'bench' },
    target: overCpu(40),
  },
  { name: 'exact-cache hit', server: 'cached', floor, body: same(), target: overCpu(20) },
  {
    name: 'routing, 64 tokens, 14 routes',
    server: 'shunt',
    floor,
    body: fresh(),
    target: {
      words: '≤ floor + 200 µs CPU, p50 ≤ + 0.3 ms',
      met: (row, base) => row.cpu <= base.cpu + 200 && row.p50 <= base.p50 + 300,
    },
  },
  { name: 'routing, same prompt again', server: 'shunt', floor, body: same() },
  { name: 'routing, 16 tokens', server: 'shunt', floor, body: fresh({ text: text16 }) },
  { name: 'routing, 512 tokens', server: 'shunt', floor, body: fresh({ text: text512 }) },
  { name: 'routing, 150 routes', server: 'routes150', floor, body: fresh(), target: overCpu(300) },
  { name: 'routing, 1,000 routes', server: 'routes1000', floor, body: fresh() },
  { name: 'monitor mode', server: 'monitor', floor, body: fresh() },
  { name: 'floor, 8 KB body', server: 'floor', body: same({ system: padding(8_000) }) },
  {
    name: 'no routing, 8 KB',
    server: 'shunt',
    floor: 'floor, 8 KB body',
    body: same({ model: 'small', system: padding(8_000) }),
  },
  { name: 'routing, 8 KB', server: 'shunt', floor: 'floor, 8 KB body', body: fresh({ system: padding(8_000) }) },
  { name: 'floor, 100 KB body', server: 'floor', body: same({ system: padding(100_000) }), share: 0.3 },
  {
    name: 'no routing, 100 KB',
    server: 'shunt',
    floor: 'floor, 100 KB body',
    body: same({ model: 'small', system: padding(100_000) }),
    share: 0.3,
  },
  {
    name: 'routing, 100 KB',
    server: 'shunt',
    floor: 'floor, 100 KB body',
    body: fresh({ system: padding(100_000) }),
    share: 0.3,
  },
  { name: streamFloor, server: 'floor', body: same({ extra: stream }) },
  {
    name: 'no routing, stream of 23',
    server: 'shunt',
    floor: streamFloor,
    body: same({ model: 'small', extra: stream }),
    target: { words: '≤ 1.25 × floor', met: (row, base) => row.cpu <= 1.25 * base.cpu },
  },
  {
    name: 'routing, stream of 23',
    server: 'shunt',
    floor: streamFloor,
    body: fresh({ extra: stream }),
    target: { words: 'first token ≤ + 1 ms', met: (row, base) => row.firstByteP50 <= base.firstByteP50 + 1_000 },
  },
  { name: longFloor, server: 'floor', body: same({ extra: longStream }), share: 0.2 },
  {
    name: 'no routing, stream of 500',
    server: 'shunt',
    floor: longFloor,
    body: same({ model: 'small', extra: longStream }),
    share: 0.2,
  },
  { name: 'routing, stream of 500', server: 'shunt', floor: longFloor, body: fresh({ extra: longStream }), share: 0.2 },
  { name: 'Portkey, plain relay', server: 'portkey', floor, body: same({ model: 'mock' }), share: 0.3 },
  {
    name: 'Portkey, stream of 23',
    server: 'portkey',
    floor: streamFloor,
    body: same({ model: 'mock', extra: stream }),
    share: 0.3,
  },
];
