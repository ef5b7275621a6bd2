/**
 * `npm run bench`: what the proxy costs, against the floor in the same run. CPU time per request comes from the kernel's
 * accounting of the server's process; latency from a closed loop of one request at a time. Rounds are interleaved, so
 * that a change of the machine's speed hits every row alike; medians are printed, and ratios are what to quote.
 *
 *   load, mock backend (one core) ──► server under test (another core, where the system lets us choose)
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { systemClock } from '../src/base/clock.ts';
import { createProgress } from '../src/render/progress.ts';
import { renderTable } from '../src/render/table.ts';
import { loadRoutes } from '../src/routing/load.ts';
import { type LoadResult, load, median } from './load.ts';
import { portkeyHeaders, portkeyVersion, startPortkey } from './portkey.ts';
import { type Scenario, type ServerName, scenarios, text64 } from './scenarios.ts';
import { canPin, type ServerUnderTest, startServer } from './servers.ts';

const { values: flags } = parseArgs({
  options: {
    requests: { type: 'string', default: '3000' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    portkey: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (flags.help) {
  console.log(`npm run bench -- [--requests 3000] [--rounds 5] [--only WORDS] [--portkey] [--save] [--json]
  --only     rows whose name holds one of these words, separated by commas, and their floors
  --portkey  compare with @portkey-ai/gateway ${portkeyVersion} too (installed into the temporary folder)
  --save     keep the result; the next runs show what changed since
Example: npm run bench -- --only routing,hit --rounds 3`);
  process.exit(0);
}
const requests = Number(flags.requests);
const rounds = Number(flags.rounds);
const root = resolve(import.meta.dirname, '..');
const savedFile = join(root, '.shunt', 'bench-proxy.json');
const [loadCore, serverCore] = [0, 1];
/** Compiling hot code takes CPU too, on threads of its own: several thousand requests a row before anything counts. */
const warmUps = 2;

interface Measured extends LoadResult {
  readonly name: string;
}

const rows = chosen();
const folder = await mkdtemp(join(tmpdir(), 'shunt-bench-'));
const mock = await startServer(['--import', 'tsx', join(root, 'bench/mock-backend.ts')], { core: loadCore });
const servers = new Map<ServerName, ServerUnderTest>();
try {
  for (const name of new Set(rows.map(({ server }) => server))) {
    const server = await start(name);
    if (server !== null) servers.set(name, server);
    else console.error(`${name} could not be installed: its rows are left out`);
  }
  const present = rows.filter(({ server }) => servers.has(server));
  await report(present, await measure(present));
} finally {
  await Promise.all([...servers.values(), mock].map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
}

function chosen(): Scenario[] {
  const words = flags.only.split(',').filter((word) => word !== '');
  const asked = scenarios.filter(({ name, server }) => {
    if (words.length > 0) return words.some((word) => name.includes(word));
    return server !== 'portkey' || flags.portkey;
  });
  const floors = new Set(asked.map(({ floor }) => floor));
  return scenarios.filter((scenario) => asked.includes(scenario) || floors.has(scenario.name));
}

async function measure(present: readonly Scenario[]): Promise<Measured[]> {
  const results = present.map((): LoadResult[] => []);
  const progress = createProgress({
    label: 'runs',
    total: (rounds + warmUps) * present.length,
    stream: process.stderr,
    clock: systemClock,
  });
  let done = 0;
  for (let round = 1 - warmUps; round <= rounds; round++) {
    for (const [i, row] of present.entries()) {
      progress.update(done++);
      const server = servers.get(row.server);
      if (server === undefined) continue;
      const headers = row.server === 'portkey' ? portkeyHeaders(`${mock.url}/v1`) : row.headers;
      const shape = { ...row, headers };
      const count = Math.ceil((row.share ?? 1) * requests);
      const busy = await load(server, shape, { round: round + warmUps, count, concurrency: 16 });
      const alone = await load(server, shape, { round: round + 1_000, count: Math.min(count, 500), concurrency: 1 });
      if (round > 0) results[i].push({ ...alone, cpu: busy.cpu, perSecond: busy.perSecond });
    }
  }
  progress.finish();
  const middle = (runs: readonly LoadResult[], key: keyof LoadResult) => median(runs.map((run) => run[key]));
  return present.map(({ name }, i) => ({
    name,
    cpu: middle(results[i], 'cpu'),
    p50: middle(results[i], 'p50'),
    p99: middle(results[i], 'p99'),
    firstByteP50: middle(results[i], 'firstByteP50'),
    perSecond: middle(results[i], 'perSecond'),
  }));
}

function start(name: ServerName): Promise<ServerUnderTest | null> {
  const core = serverCore;
  switch (name) {
    case 'floor':
      return startServer(['--import', 'tsx', join(root, 'bench/floor-relay.ts'), mock.url], { core });
    case 'portkey':
      return startPortkey({ core });
    case 'routes150':
      return generated(name, { count: 150, examples: 40 });
    case 'routes1000':
      return generated(name, { count: 1_000, examples: 10 });
    case 'cached':
      return cached();
    case 'pinned':
      return shunt(name, { pin: 'conversation' });
    case 'monitor':
      return shunt(name, { mode: 'monitor' });
    case 'shunt':
      return shunt(name, {});
  }
}

async function shunt(name: string, routing: object): Promise<ServerUnderTest> {
  const file = join(folder, `${name}.yaml`);
  const config = {
    server: { port: 0 },
    backends: { mock: { base_url: `${mock.url}/v1`, api_key: 'sk-bench' } },
    models: { small: priced('mock'), large: priced('mock') },
    routing: { routes: join(root, 'routes'), models_dir: join(root, 'models'), watch: false, pin: 'off', ...routing },
    cache: { exact: { max_temperature: 2 } },
    ledger: { url: `sqlite:${name}.db` },
    telemetry: { log: 'warn' },
  };
  await writeFile(file, stringify(config));
  return startServer([join(root, 'dist/cli/main.js'), 'serve', '--config', file], { core: serverCore });
}

function priced(model: string) {
  return { backend: 'mock', model, usd_per_million: { input: 0.1, output: 0.4 }, abilities: ['tools'] };
}

async function cached(): Promise<ServerUnderTest> {
  const examples = [text64, 'Translate to French: good morning'];
  const routes = await cardsIn('cached', [{ name: 'translation', examples, threshold: 0, cache: { mode: 'exact' } }]);
  return shunt('cached', { routes });
}

/** The shipped examples, spread over so many routes. */
async function generated(name: string, size: { count: number; examples: number }): Promise<ServerUnderTest> {
  const { routes } = await loadRoutes(join(root, 'routes'), { modelNames: null });
  const cards = Array.from({ length: size.count }, (_, i) => {
    const { name: base, examples } = routes[i % routes.length];
    const slice = Math.floor(i / routes.length);
    const own = Array.from(
      { length: size.examples },
      (_, at) => examples[(slice * size.examples + at) % examples.length],
    );
    return { name: `${base}-${slice}`, examples: own.map((text) => `${text} ${slice}`) };
  });
  return shunt(name, { routes: await cardsIn(name, cards) });
}

async function cardsIn(
  name: string,
  cards: readonly (Record<string, unknown> & { readonly name: string })[],
): Promise<string> {
  const routes = join(folder, `${name}-routes`);
  await mkdir(routes, { recursive: true });
  for (const card of cards) await writeFile(join(routes, `${card.name}.yaml`), stringify(card));
  return routes;
}

async function report(present: readonly Scenario[], results: readonly Measured[]): Promise<void> {
  const byName = new Map(results.map((result) => [result.name, result]));
  const document = { requests, rounds, pinned: canPin, node: process.version, rows: results };
  const before = await savedRun();
  if (flags.json) console.log(JSON.stringify(document, null, 2));
  else printTable(present, byName, before);
  if (flags.save) await keep(document);
}

function printTable(
  present: readonly Scenario[],
  results: ReadonlyMap<string, Measured>,
  before: ReadonlyMap<string, Measured> | null,
): void {
  const right = (title: string) => ({ title, align: 'right' as const });
  const titles = ['CPU µs/request', 'over floor', 'ratio', 'p50 µs', 'over floor', 'p99 µs', 'first byte over floor'];
  const columns = [
    { title: '' },
    ...titles.map(right),
    { title: 'aim' },
    ...(before ? [right('CPU since saved')] : []),
  ];
  const table = present.map((scenario) => {
    const row = results.get(scenario.name);
    const base = results.get(scenario.floor ?? scenario.name);
    if (!row || !base) return [scenario.name];
    const isFloor = row === base;
    const old = before?.get(scenario.name);
    const oldBase = before?.get(scenario.floor ?? scenario.name);
    const { target } = scenario;
    return [
      scenario.name,
      row.cpu.toFixed(0),
      isFloor ? '' : signed(row.cpu - base.cpu),
      isFloor ? '' : `${(row.cpu / base.cpu).toFixed(2)}×`,
      row.p50.toFixed(0),
      isFloor ? '' : signed(row.p50 - base.p50),
      row.p99.toFixed(0),
      isFloor ? '' : signed(row.firstByteP50 - base.firstByteP50),
      target === undefined ? '' : `${target.met(row, base) ? 'met' : 'missed'}: ${target.words}`,
      ...(before ? [old && oldBase && !isFloor ? signed(row.cpu - base.cpu - (old.cpu - oldBase.cpu)) : ''] : []),
    ];
  });
  console.log(renderTable(columns, table));
  const routed = results.get('routing, 64 tokens, 14 routes');
  const portkey = results.get('Portkey, plain relay');
  if (routed && portkey) {
    const times = (portkey.cpu / routed.cpu).toFixed(1);
    console.log(`Portkey ${portkeyVersion} takes ${times} times the CPU of Shunt with routing on (aim: 6 times)`);
  }
  const where = canPin ? `server on core ${serverCore}, load and backend on the others` : 'cores not chosen';
  console.log(
    `medians of ${rounds} interleaved rounds of ${requests} requests; CPU at 16 connections, latency at 1; ${where}; all on this machine`,
  );
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(0)}`;
}

async function savedRun(): Promise<ReadonlyMap<string, Measured> | null> {
  if (!existsSync(savedFile)) return null;
  const { rows: kept } = JSON.parse(await readFile(savedFile, 'utf8')) as { rows: readonly Measured[] };
  return new Map(kept.map((row) => [row.name, row]));
}

async function keep(document: object): Promise<void> {
  await mkdir(dirname(savedFile), { recursive: true });
  await writeFile(savedFile, `${JSON.stringify(document, null, 2)}\n`);
}
