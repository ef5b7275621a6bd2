/**
 * `npm run bench:ledger`: what the ledger takes and gives. Decisions go through the recorder as in production, as many as
 * it takes; some are judged; then they are reported. Latency: the same requests to two proxies, with and without a ledger,
 * in turn, so that a change of the machine's speed hits both; the ratio is what to quote.
 */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { systemClock } from '../src/base/clock.ts';
import type { NanoUsd } from '../src/base/money.ts';
import { requestId } from '../src/base/request-id.ts';
import type { LedgerStore } from '../src/ledger/contract.ts';
import type { ToldOutcome } from '../src/ledger/outcome.ts';
import { readReport } from '../src/ledger/read-report.ts';
import type { DecisionRecord } from '../src/ledger/record.ts';
import { createRecorder } from '../src/ledger/recorder.ts';
import { openLedgerStore } from '../src/ledger/store.ts';
import { load, median } from './load.ts';
import { text64 } from './scenarios.ts';
import { type ServerUnderTest, startServer } from './servers.ts';

const { values: flags } = parseArgs({
  options: {
    decisions: { type: 'string', default: '1000000' },
    judged: { type: 'string', default: '0.05' },
    url: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    requests: { type: 'string', default: '3000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (flags.help) {
  console.log(
    'npm run bench:ledger -- [--decisions 1000000] [--judged 0.05] [--url postgres://…] [--rounds 5, 0: no latency] [--requests 3000] [--json]\n' +
      '--url: a database of its own, which is filled; SQLite in a temporary folder when absent',
  );
  process.exit(0);
}

const decisions = Number(flags.decisions);
const judged = Math.round(decisions * Number(flags.judged));
const month = 30 * 86_400_000;
const began = Date.now() - month;
const root = resolve(import.meta.dirname, '..');
const folder = await mkdtemp(join(tmpdir(), 'shunt-bench-'));
const url = flags.url === '' ? `sqlite:${join(folder, 'ledger.db')}` : flags.url;
const ids: string[] = [];

try {
  const store = await openLedgerStore(url, { folder });
  const results = {
    decisions,
    judged,
    write: await measured(decisions, () => writeAll(store)),
    feedback: await measured(judged, () => judgeSome(store)),
    bytesPerDecision: flags.url === '' ? (await sizeOf(join(folder, 'ledger.db'))) / decisions : null,
    reports: await reports(store),
    latency: Number(flags.rounds) === 0 ? null : await latency(),
  };
  await store.close();
  if (flags.json) console.log(JSON.stringify(results, null, 2));
  else print(results);
} finally {
  await rm(folder, { recursive: true, force: true });
}

interface Measured {
  readonly perSecond: number;
  /** Of this process, all threads; a PostgreSQL server's own is not in it. */
  readonly cpuMicros: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function measured(count: number, work: () => Promise<void>): Promise<Measured> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: count / seconds,
    cpuMicros: (user + system) / count,
    seconds,
    cpuSeconds: (user + system) / 1e6,
  };
}

/** As fast as the recorder takes them without ever having to spill. */
async function writeAll(store: LedgerStore): Promise<void> {
  const recorder = createRecorder({
    store,
    spill: null,
    flushMs: 50,
    maxQueued: 100_000,
    clock: systemClock,
    onError: (error) => console.error(error.message),
  });
  for (let i = 0; i < decisions; i++) {
    recorder.record(decision(i));
    if (i % 250 === 249) await new Promise(setImmediate);
    if (recorder.queued > 10_000) await recorder.flush();
  }
  await recorder.flush();
  if (recorder.dropped > 0) throw new Error(`${recorder.dropped} decisions were dropped`);
}

async function judgeSome(store: LedgerStore): Promise<void> {
  const every = Math.max(1, Math.floor(decisions / Math.max(1, judged)));
  for (let from = 0; from < judged; from += 100) {
    const some = Array.from({ length: Math.min(100, judged - from) }, (_, i) => outcome(ids[(from + i) * every]));
    await store.tell(some);
  }
}

function outcome(id: string): ToldOutcome {
  const accepted = Number.parseInt(id.slice(-2), 16) < 205;
  const told = {
    time: Date.now(),
    source: 'feedback',
    accepted,
    score: null,
    reason: null,
    actor: 'app-1',
    metadata: null,
  };
  return { reference: { by: 'request', id, mayWait: false }, tenant: null, outcome: told };
}

/** Ten routes, five keys, two models: sizes of columns as in production, prompts hashed. */
function decision(i: number): DecisionRecord {
  const time = began + Math.floor((i / decisions) * month);
  const id = requestId(time);
  ids.push(id);
  const matched = i % 3 !== 0;
  const output = 40 + (i % 400);
  return {
    id,
    time,
    tenant: `key:app-${i % 5}`,
    key: `app-${i % 5}`,
    tags: i % 2 === 0 ? ['team-search', 'batch'] : [],
    endpoint: 'chat',
    requestedModel: 'auto',
    route: matched ? `route-${i % 10}` : null,
    wouldRoute: null,
    reason: matched ? 'matched' : 'below-threshold',
    score: ((i * 7919) % 1_000) / 1_000,
    threshold: 0.62,
    margin: 0.21,
    candidates: '[{"route":"route-1","score":0.8123,"threshold":0.62},{"route":"route-2","score":0.4,"threshold":0.6}]',
    snapshot: '8c1f0a5d2b7e',
    model: matched ? 'small' : 'large',
    backend: 'openai',
    fallbackModel: 'large',
    attempts: 1,
    cache: 'bypass',
    pin: 'new',
    stream: i % 2 === 0,
    status: i % 200 === 0 ? 502 : 200,
    errorCode: i % 200 === 0 ? 'backend_error' : null,
    finishReason: 'stop',
    responseId: `chatcmpl-${id.replaceAll('-', '').slice(0, 29)}`,
    verdict: i % 200 === 0 ? 'error' : null,
    truncated: false,
    usage: { input: 100 + (i % 900), cachedInput: 0, output, reasoning: 0, source: 'reported' },
    cost: (matched ? BigInt(output * 400) : BigInt(output * 15_000)) as NanoUsd,
    fallbackCost: BigInt(output * 15_000) as NanoUsd,
    latency: { addedMs: 0.3 + (i % 97) / 500, embedMs: 0.1, matchMs: 0.05, firstByteMs: 80 + (i % 400), totalMs: 900 },
    person: null,
    prompt: `hmac:${id.replaceAll('-', '')}vlWAYkK_YBw`,
  };
}

interface ReportTime extends Measured {
  readonly by: string;
}

/** The quickest of three: what else the machine does only ever adds. */
async function reports(store: LedgerStore): Promise<ReportTime[]> {
  const period = { sinceMs: began, untilMs: Date.now() };
  const times: ReportTime[] = [];
  for (const by of ['route', 'key', 'day', 'tag'] as const) {
    const runs: Measured[] = [];
    for (let run = 0; run < 3; run++) {
      runs.push(
        await measured(1, async () => void (await readReport(store, { ...period, by }, { embeddingPerHour: null }))),
      );
    }
    times.push({ by, ...runs.reduce((a, b) => (b.seconds < a.seconds ? b : a)) });
  }
  return times;
}

interface Latency {
  readonly p50Ratio: number;
  readonly p99Ratio: number;
  readonly cpuRatio: number;
  readonly p50Micros: number;
}

async function latency(): Promise<Latency> {
  const mock = await startServer(['--import', 'tsx', join(root, 'bench/mock-backend.ts')]);
  const without = await proxy(mock, 'none');
  const withLedger = await proxy(mock, 'sqlite:latency.db');
  const ratios = { p50: [] as number[], p99: [] as number[], cpu: [] as number[] };
  let p50Micros = 0;
  const body = (round: number, index: number) =>
    JSON.stringify({
      model: 'auto',
      messages: [{ role: 'user', content: text64.replace('two', `${round}-${index}`) }],
    });
  for (let round = 0; round <= Number(flags.rounds); round++) {
    const run = { round, count: Number(flags.requests), concurrency: 4 };
    const [plain, kept] = [await load(without, { body }, run), await load(withLedger, { body }, run)];
    // The first warms both up.
    if (round === 0) continue;
    ratios.p50.push(kept.p50 / plain.p50);
    ratios.p99.push(kept.p99 / plain.p99);
    ratios.cpu.push(kept.cpu / plain.cpu);
    p50Micros = kept.p50;
  }
  await Promise.all([mock, without, withLedger].map((server) => server.stop()));
  return { p50Ratio: median(ratios.p50), p99Ratio: median(ratios.p99), cpuRatio: median(ratios.cpu), p50Micros };
}

async function proxy(mock: ServerUnderTest, ledger: string): Promise<ServerUnderTest> {
  const file = join(folder, `${ledger === 'none' ? 'without' : 'with'}.yaml`);
  const model = { backend: 'mock', model: 'mock', usd_per_million: { input: 0.1, output: 0.4 } };
  const config = {
    server: { port: 0 },
    backends: { mock: { base_url: `${mock.url}/v1`, api_key: 'sk-bench' } },
    models: { small: model, large: model },
    routing: { routes: join(root, 'routes'), models_dir: join(root, 'models'), watch: false },
    ledger: { url: ledger },
    telemetry: { log: 'warn' },
  };
  await writeFile(file, stringify(config));
  return startServer([join(root, 'dist/cli/main.js'), 'serve', '--config', file]);
}

/** The file and its log. */
async function sizeOf(file: string): Promise<number> {
  const sizes = await Promise.all(
    [file, `${file}-wal`].map((one) =>
      stat(one).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes[0] + sizes[1];
}

function print(results: {
  readonly write: Measured;
  readonly feedback: Measured;
  readonly bytesPerDecision: number | null;
  readonly reports: readonly ReportTime[];
  readonly latency: Latency | null;
}): void {
  const { write, feedback, bytesPerDecision, latency: slowed } = results;
  const say = (words: string) => console.log(words);
  say(
    `ledger: ${flags.url === '' ? 'SQLite' : new URL(url).protocol}, ${decisions} decisions, ${judged} with feedback`,
  );
  say(
    `written: ${write.perSecond.toFixed(0)}/s, ${write.cpuMicros.toFixed(1)} µs CPU each, all threads (aim: 5,000/s)`,
  );
  say(`feedback: ${feedback.perSecond.toFixed(0)}/s in batches of 100, ${feedback.cpuMicros.toFixed(1)} µs CPU each`);
  if (bytesPerDecision !== null) say(`size: ${bytesPerDecision.toFixed(0)} bytes a decision, indexes included`);
  for (const { by, seconds, cpuSeconds } of results.reports)
    say(`report by ${by}: ${seconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} s CPU (aim: 3 s)`);
  if (slowed === null) return;
  const { p50Ratio, p99Ratio, cpuRatio, p50Micros } = slowed;
  say(
    `requests with a ledger ÷ without: p50 ${p50Ratio.toFixed(2)}, p99 ${p99Ratio.toFixed(2)}, CPU ${cpuRatio.toFixed(2)} (p50 ${p50Micros.toFixed(0)} µs)`,
  );
}
