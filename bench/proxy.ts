/**
 * `npm run bench`: what the proxy costs, against the floor in the same run. CPU time per request comes from the kernel's
 * accounting of the server's process; latency from a closed loop of one request at a time. Rounds are interleaved, so
 * that a change of the machine's speed hits every row alike; medians are printed, and ratios are what to quote.
 *
 *   load (this process) ──► server under test (child) ──► mock backend (child)
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { stringify } from 'yaml';
import { renderTable } from '../src/render/table.ts';
import { type ServerUnderTest, startServer } from './servers.ts';

const { values: flags } = parseArgs({
  options: {
    requests: { type: 'string', default: '3000' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (flags.help) {
  console.log('npm run bench -- [--requests 3000] [--rounds 5] [--json]   (npm run build first)');
  process.exit(0);
}
const requests = Number(flags.requests);
const rounds = Number(flags.rounds);
const root = resolve(import.meta.dirname, '..');

const text64 =
  'Please translate the following short note into French for our colleagues in Lyon: the delivery of the two pallets has been moved ' +
  'from Tuesday to Thursday morning, the driver will call half an hour before he arrives, and somebody should be at the gate to sign.';
const body = (extra: object) =>
  JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: text64 }], temperature: 0.2, ...extra });

interface Row {
  readonly name: string;
  readonly server: 'floor' | 'shunt' | 'cached';
  readonly body: (round: number, index: number) => string;
}

// A number in the text makes every prompt new to the embedding cache, as real traffic is.
const fresh = (round: number, index: number, extra: object = {}) =>
  body(extra).replace('two pallets', `${round * 1_000_000 + index} pallets`);
const rows: readonly Row[] = [
  { name: 'floor: node:http + undici', server: 'floor', body: () => body({}) },
  { name: 'shunt, model by name (no routing)', server: 'shunt', body: () => body({ model: 'small' }) },
  { name: 'shunt, routing', server: 'shunt', body: (round, index) => fresh(round, index) },
  { name: 'shunt, routing, same prompt again', server: 'shunt', body: () => body({}) },
  { name: 'shunt, exact-cache hit', server: 'cached', body: () => body({}) },
  { name: 'floor, stream of 23 events', server: 'floor', body: () => body({ stream: true }) },
  { name: 'shunt, no routing, stream', server: 'shunt', body: () => body({ model: 'small', stream: true }) },
  { name: 'shunt, routing, stream', server: 'shunt', body: (round, index) => fresh(round, index, { stream: true }) },
];

const folder = await mkdtemp(join(tmpdir(), 'shunt-bench-'));
const tsx = ['--import', 'tsx'];
const mock = await startServer([...tsx, join(root, 'bench/mock-backend.ts')]);
const servers: Record<Row['server'], ServerUnderTest> = {
  floor: await startServer([...tsx, join(root, 'bench/floor-relay.ts'), mock.url]),
  shunt: await shunt('plain', 'none'),
  cached: await shunt('cached', 'exact'),
};

try {
  const measured = rows.map(() => ({ cpu: [] as number[], p50: [] as number[], p99: [] as number[] }));
  for (let round = 0; round <= rounds; round++) {
    for (const [i, row] of rows.entries()) {
      const count = round === 0 ? Math.min(requests, 1_000) : requests;
      const result = await load(servers[row.server], row, { round, count, concurrency: 16 });
      const alone = await load(servers[row.server], row, {
        round: round + 1_000,
        count: Math.min(count, 500),
        concurrency: 1,
      });
      if (round === 0) continue;
      measured[i].cpu.push(result.cpuMicros);
      measured[i].p50.push(alone.p50Micros);
      measured[i].p99.push(alone.p99Micros);
    }
  }
  print(measured.map((m) => ({ cpu: median(m.cpu), p50: median(m.p50), p99: median(m.p99) })));
} finally {
  await Promise.all([...Object.values(servers), mock].map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
}

async function shunt(name: string, mode: string): Promise<ServerUnderTest> {
  const file = join(folder, `${name}.yaml`);
  const routes = mode === 'exact' ? join(folder, 'routes') : join(root, 'routes');
  if (mode === 'exact') await cachedRoute(routes);
  const backend = { base_url: `${mock.url}/v1`, api_key: 'sk-bench' };
  await writeFile(
    file,
    stringify({
      server: { port: 0 },
      backends: { mock: backend },
      models: { small: priced('mock'), large: priced('mock') },
      routing: { routes, models_dir: join(root, 'models'), watch: false, pin: 'off' },
      cache: { exact: { max_temperature: 2 } },
      ledger: { url: `sqlite:${name}.db` },
      telemetry: { log: 'warn' },
    }),
  );
  return startServer([join(root, 'dist/cli/main.js'), 'serve', '--config', file]);
}

function priced(model: string) {
  return { backend: 'mock', model, usd_per_million: { input: 0.1, output: 0.4 }, abilities: ['tools'] };
}

async function cachedRoute(routes: string): Promise<void> {
  const { mkdir } = await import('node:fs/promises');
  await mkdir(routes, { recursive: true });
  const card = {
    name: 'translation',
    examples: [text64, 'Translate to French: good morning'],
    threshold: 0,
    cache: { mode: 'exact' },
  };
  await writeFile(join(routes, 'translation.yaml'), stringify(card));
}

async function load(server: ServerUnderTest, row: Row, run: { round: number; count: number; concurrency: number }) {
  const pool = new Pool(server.url, { connections: run.concurrency });
  const times: number[] = [];
  let next = 0;
  const cpuBefore = server.cpuMicros();
  const worker = async () => {
    while (next < run.count) {
      const index = next++;
      const payload = row.body(run.round, index);
      const started = performance.now();
      const answer = await pool.request({
        method: 'POST',
        path: '/v1/chat/completions',
        headers: { 'content-type': 'application/json' },
        body: payload,
      });
      await answer.body.arrayBuffer();
      if (answer.statusCode !== 200) throw new Error(`${row.name}: status ${answer.statusCode}`);
      times.push((performance.now() - started) * 1_000);
    }
  };
  await Promise.all(Array.from({ length: run.concurrency }, worker));
  // What the proxy does after the reply (ledger, metrics) counts too.
  await new Promise((resolve) => setTimeout(resolve, 150));
  const cpuMicros = (server.cpuMicros() - cpuBefore) / run.count;
  await pool.close();
  times.sort((a, b) => a - b);
  return {
    cpuMicros,
    p50Micros: times[Math.floor(times.length / 2)],
    p99Micros: times[Math.floor(times.length * 0.99)],
  };
}

function print(results: { cpu: number; p50: number; p99: number }[]): void {
  if (flags.json) {
    console.log(
      JSON.stringify({ requests, rounds, rows: rows.map((row, i) => ({ name: row.name, ...results[i] })) }, null, 2),
    );
    return;
  }
  const floorOf = (row: Row) => results[row.name.includes('stream') ? 5 : 0];
  const table = rows.map((row, i) => {
    const { cpu, p50, p99 } = results[i];
    const floor = floorOf(row);
    return [
      row.name,
      cpu.toFixed(0),
      `${(cpu - floor.cpu).toFixed(0)}`,
      `${(cpu / floor.cpu).toFixed(2)}×`,
      p50.toFixed(0),
      `${(p50 - floor.p50).toFixed(0)}`,
      p99.toFixed(0),
    ];
  });
  const right = { align: 'right' as const };
  console.log(
    renderTable(
      [
        { title: '' },
        { title: 'CPU µs/request', ...right },
        { title: 'over floor', ...right },
        { title: 'ratio', ...right },
        { title: 'p50 µs', ...right },
        { title: 'over floor', ...right },
        { title: 'p99 µs', ...right },
      ],
      table,
    ),
  );
  console.log(
    `medians of ${rounds} interleaved rounds of ${requests} requests; CPU at 16 connections, latency at 1; all on this machine`,
  );
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
