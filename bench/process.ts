/**
 * `npm run bench:process`: what the process as a whole takes. Start to ready, with a cold and a warm index; resident memory
 * over many requests; and what a second worker gives. Everything on this machine, against the mock backend.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { renderTable } from '../src/render/table.ts';
import { type LoadResult, load, median } from './load.ts';
import { text64 } from './scenarios.ts';
import { type ServerUnderTest, startServer } from './servers.ts';

const { values: flags } = parseArgs({
  options: {
    requests: { type: 'string', default: '200000' },
    starts: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '5' },
    'per-round': { type: 'string', default: '4000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (flags.help) {
  console.log(
    'npm run bench:process -- [--requests 200000] [--starts 5] [--rounds 5] [--per-round 4000] [--json]   (npm run build first)',
  );
  process.exit(0);
}

const root = resolve(import.meta.dirname, '..');
const folder = await mkdtemp(join(tmpdir(), 'shunt-bench-'));
const mock = await startServer(['--import', 'tsx', join(root, 'bench/mock-backend.ts')]);
const steps = 20;

try {
  const start = await starts();
  const memory = await memoryOverTime();
  const workers = await withWorkers();
  const results = { start, memory, slopeMbPer100k: slopeOf(memory), workers };
  if (flags.json) console.log(JSON.stringify(results, null, 2));
  else print(results);
} finally {
  await mock.stop();
  await rm(folder, { recursive: true, force: true });
}

interface Start {
  readonly index: 'cold' | 'warm';
  readonly milliseconds: number;
}

async function starts(): Promise<Start[]> {
  const times = { cold: [] as number[], warm: [] as number[] };
  for (let i = 0; i < Number(flags.starts); i++) {
    const file = await configIn(await mkdtemp(join(folder, 'start-')));
    for (const index of ['cold', 'warm'] as const) {
      const began = performance.now();
      const server = await serve(file);
      times[index].push(performance.now() - began);
      await server.stop();
    }
  }
  return (['cold', 'warm'] as const).map((index) => ({ index, milliseconds: median(times[index]) }));
}

interface Memory {
  readonly requests: number;
  readonly rssMb: number;
}

async function memoryOverTime(): Promise<Memory[]> {
  const server = await serve(await configIn(await mkdtemp(join(folder, 'memory-'))));
  const each = Math.ceil(Number(flags.requests) / steps);
  const seen: Memory[] = [{ requests: 0, rssMb: megabytes(server) }];
  for (let step = 1; step <= steps; step++) {
    await load(server, { body }, { round: step, count: each, concurrency: 16 });
    seen.push({ requests: step * each, rssMb: megabytes(server) });
    if (process.stderr.isTTY) process.stderr.write(`\r${step * each} requests, ${megabytes(server).toFixed(0)} MB `);
  }
  await server.stop();
  return seen;
}

interface Workers {
  readonly workers: number;
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly rssMb: number;
}

/** Rounds in turn, so that what else the machine does meets all of them alike. */
async function withWorkers(): Promise<Workers[]> {
  const servers: { readonly workers: number; readonly server: ServerUnderTest; readonly rounds: LoadResult[] }[] = [];
  for (const workers of [1, 2]) {
    const config = await configIn(await mkdtemp(join(folder, 'workers-')));
    servers.push({ workers, server: await serve(config, ['--workers', String(workers)]), rounds: [] });
  }
  for (let round = 0; round <= Number(flags.rounds); round++) {
    for (const { server, rounds } of servers) {
      const result = await load(server, { body }, { round, count: Number(flags['per-round']), concurrency: 32 });
      // The first one warms up.
      if (round > 0) rounds.push(result);
    }
  }
  const measured = servers.map(({ workers, server, rounds }) => ({
    workers,
    perSecond: median(rounds.map(({ perSecond }) => perSecond)),
    cpuMicros: median(rounds.map(({ cpu }) => cpu)),
    p50Ms: median(rounds.map(({ p50 }) => p50)) / 1_000,
    rssMb: megabytes(server),
  }));
  for (const { server } of servers) await server.stop();
  return measured;
}

/** Routed, streamed, named and repeated requests, as traffic is. */
function body(round: number, index: number): string {
  const content = index % 4 === 3 ? text64 : text64.replace('two', `${round * 1_000_000 + index}`);
  const stream = index % 3 === 0;
  return JSON.stringify({ model: index % 5 === 4 ? 'small' : 'auto', messages: [{ role: 'user', content }], stream });
}

function megabytes(server: ServerUnderTest): number {
  return server.memoryBytes() / 1e6;
}

/** Least squares over the second half: megabytes for each 100,000 requests. */
function slopeOf(memory: readonly Memory[]): number {
  const late = memory.slice(Math.floor(memory.length / 2));
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const x = mean(late.map(({ requests }) => requests));
  const y = mean(late.map(({ rssMb }) => rssMb));
  const along = late.map(({ requests, rssMb }) => (requests - x) * (rssMb - y));
  const spread = late.map(({ requests }) => (requests - x) ** 2);
  return (mean(along) / mean(spread)) * 100_000;
}

function serve(config: string, more: readonly string[] = []): Promise<ServerUnderTest> {
  return startServer([join(root, 'dist/cli/main.js'), 'serve', '--config', config, ...more]);
}

async function configIn(place: string): Promise<string> {
  const file = join(place, 'shunt.yaml');
  const model = { backend: 'mock', model: 'mock', usd_per_million: { input: 0.1, output: 0.4 } };
  const config = {
    server: { port: 0 },
    backends: { mock: { base_url: `${mock.url}/v1`, api_key: 'sk-bench' } },
    models: { small: model, large: model },
    routing: { routes: join(root, 'routes'), models_dir: join(root, 'models'), watch: false },
    telemetry: { log: 'warn' },
  };
  await writeFile(file, stringify(config));
  return file;
}

function print(results: { start: Start[]; memory: Memory[]; slopeMbPer100k: number; workers: Workers[] }): void {
  const right = (title: string) => ({ title, align: 'right' as const });
  console.log(
    renderTable(
      [{ title: 'start to ready, index' }, right('ms')],
      results.start.map(({ index, milliseconds }) => [index, milliseconds.toFixed(0)]),
    ),
  );
  const shown = results.memory.filter((_, i) => i % 4 === 0);
  console.log(
    renderTable(
      [right('requests'), right('RSS MB')],
      shown.map(({ requests, rssMb }) => [String(requests), rssMb.toFixed(0)]),
    ),
  );
  console.log(
    renderTable(
      [right('workers'), right('requests/s'), right('CPU µs/request'), right('p50 ms'), right('RSS MB, all')],
      results.workers.map(({ workers, perSecond, cpuMicros, p50Ms, rssMb }) => [
        String(workers),
        perSecond.toFixed(0),
        cpuMicros.toFixed(0),
        p50Ms.toFixed(1),
        rssMb.toFixed(0),
      ]),
    ),
  );
  console.log(
    '32 requests at once; the client and the mock backend run on the same cores, and take their part of them.',
  );
  console.log(`slope over the second half: ${results.slopeMbPer100k.toFixed(1)} MB per 100,000 requests`);
}
