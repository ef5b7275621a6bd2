/**
 * `npm run soak -- --minutes 5`: mixed traffic at a fixed, modest rate against a real proxy process, for as long as asked.
 * What leaks or slows down with time shows: the slope of the memory, handles and descriptors, the heap after a collection,
 * latency in the last third against the first, and whether every decision that was answered stands in the ledger.
 *
 *   this process: open loop of requests + backend ──► proxy (child) ──► backend (this process)
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { renderTable } from '../src/render/table.ts';
import { startChaosBackend } from '../test/chaos/backend.ts';
import { within } from '../test/chaos/fault.ts';
import { ask, type Seen } from '../test/chaos/load.ts';
import { type ProxyProcess, startProxyProcess } from '../test/chaos/proxy-process.ts';
import { compareLedger, decisions } from '../test/chaos/stage.ts';
import { slopePerHour } from './slope.ts';
import { misbehave, soakConfiguration, soakRequest, soakTag } from './soak-traffic.ts';

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '40' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (flags.help) {
  console.log('npm run soak -- [--minutes 30] [--rate 40] [--json] [--write]   (npm run build first)');
  process.exit(0);
}
const seconds = Number(flags.minutes) * 60;
const rate = Number(flags.rate);
const warmUpSeconds = Math.max(10, seconds * 0.2);
const reloadEverySeconds = 20;
const sampleEveryMs = 2_000;
const root = resolve(import.meta.dirname, '..');

interface Sample {
  readonly second: number;
  readonly rssBytes: number;
  readonly descriptors: number;
  readonly handles: number;
  readonly inFlight: number;
}

/** What one client saw, without what it was told: a soak of hours must not fill this process. */
interface Taken {
  readonly second: number;
  readonly kind: string;
  readonly status: number;
  readonly ms: number;
  readonly seen: Seen;
}

const backend = await startChaosBackend();
misbehave(backend);
const folder = await mkdtemp(join(tmpdir(), 'soak-'));
await cp(join(root, 'test/fixtures/routes'), join(folder, 'routes'), { recursive: true });
await writeFile(join(folder, 'shunt.yaml'), stringify(soakConfiguration(backend)));
// Lets this process ask for a collection and for what is left after it.
const collector = `process.on('message', () => { globalThis.gc?.(); process.send?.(process.memoryUsage().heapUsed); }); process.channel?.unref();`;
const nodeArguments = ['--expose-gc', '--import', `data:text/javascript,${encodeURIComponent(collector)}`];
const proxy = await startProxyProcess({ folder, nodeArguments });

const taken: Taken[] = [];
const samples: Sample[] = [];
const started = performance.now();
const second = () => (performance.now() - started) / 1_000;
const timers = [
  setInterval(() => void sample(), sampleEveryMs),
  setInterval(() => proxy.child.kill('SIGHUP'), reloadEverySeconds * 1_000),
];
let heapWarm = 0;
const open = new Set<Promise<void>>();
for (let i = 0; second() < seconds; i++) {
  const late = i / rate - second();
  if (late > 0) await new Promise((wait) => setTimeout(wait, late * 1_000));
  const [kind, one] = soakRequest(i);
  const running: Promise<void> = ask(proxy.url, one, { deadlineMs: 30_000 }).then((seen) => {
    open.delete(running);
    const kept = { ...seen, text: '', ask: { body: '' } };
    taken.push({ second: second(), kind, status: seen.status, ms: seen.ms, seen: kept });
  });
  open.add(running);
  if (heapWarm === 0 && second() > warmUpSeconds) heapWarm = await heapAfterCollection(proxy);
}
await Promise.all(open);
for (const timer of timers) clearInterval(timer);
await within(20_000, async () => (await proxy.look()).queued === 0);
const heapEnd = await heapAfterCollection(proxy);
const last = await proxy.look();
const ledger = compareLedger(
  taken.map(({ seen }) => seen),
  await decisions(folder, soakTag),
);
proxy.child.kill('SIGTERM');
const { code } = await proxy.ended;
await backend.stop();
await rm(folder, { recursive: true, force: true });
const report = reportOf();
console.log(flags.json ? JSON.stringify(report, null, 2) : textOf());
if (flags.write) await writeSection();
process.exitCode = ledger.length === 0 && code === 0 && report.hung === 0 ? 0 : 1;

async function sample(): Promise<void> {
  const { rssBytes, descriptors, inFlight } = await proxy.look();
  const metrics = await (await fetch(`${proxy.url}/metrics`)).text();
  const handles = Number(/^nodejs_active_handles_total (\d+)/m.exec(metrics)?.[1] ?? 0);
  samples.push({ second: second(), rssBytes, descriptors, handles, inFlight });
}

function heapAfterCollection({ child }: ProxyProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('message', (heapUsed) => resolve(Number(heapUsed)));
    child.send('collect');
  });
}

function reportOf() {
  const settled = samples.filter((one) => one.second > warmUpSeconds);
  const third = (from: number) => {
    const length = (seconds - warmUpSeconds) / 3;
    const begin = warmUpSeconds + from * length;
    const times = taken
      .filter((one) => one.kind.startsWith('routed') && one.second >= begin && one.second < begin + length)
      .map(({ ms }) => ms)
      .sort((a, b) => a - b);
    const at = (share: number) => Number((times[Math.floor(times.length * share)] ?? 0).toFixed(2));
    return { p50_ms: at(0.5), p99_ms: at(0.99) };
  };
  const kinds = new Map<string, number>();
  for (const { kind, status } of taken) kinds.set(`${kind} ${status}`, (kinds.get(`${kind} ${status}`) ?? 0) + 1);
  return {
    date: new Date().toISOString().slice(0, 10),
    minutes: Number(flags.minutes),
    requests_per_second: rate,
    requests: taken.length,
    hung: taken.filter(({ seen }) => seen.hung).length,
    outcomes: Object.fromEntries([...kinds].sort()),
    rss_mb: {
      after_warm_up: megabytes(settled[0]?.rssBytes),
      end: megabytes(last.rssBytes),
      slope_per_hour: Number(
        slopePerHour(settled.map(({ second: at, rssBytes }) => [at, rssBytes / 2 ** 20])).toFixed(1),
      ),
    },
    heap_mb_after_gc: {
      after_warm_up: megabytes(heapWarm),
      end: megabytes(heapEnd),
      growth_per_1000_requests: Number(
        (((heapEnd - heapWarm) / 2 ** 20 / (taken.length * (1 - warmUpSeconds / seconds))) * 1_000).toFixed(3),
      ),
    },
    descriptors: {
      after_warm_up: settled[0]?.descriptors ?? 0,
      most: Math.max(0, ...settled.map((one) => one.descriptors)),
      end: last.descriptors,
    },
    handles: { after_warm_up: settled[0]?.handles ?? 0, most: Math.max(0, ...settled.map((one) => one.handles)) },
    in_flight_at_the_end: last.inFlight,
    latency_of_routed: { first_third: third(0), last_third: third(2) },
    ledger: ledger.length === 0 ? 'every answered decision once' : ledger.join('; '),
    dropped_records: last.dropped,
    exit_code: code,
  };
}

function megabytes(bytes = 0): number {
  return Number((bytes / 2 ** 20).toFixed(1));
}

function lines(): readonly (readonly [string, string])[] {
  const { rss_mb: rss, heap_mb_after_gc: heap, descriptors, handles, latency_of_routed: latency } = report;
  return [
    ['requests', `${report.requests} in ${report.minutes} min, ${rate} a second; ${report.hung} hung`],
    [
      'resident memory',
      `${rss.after_warm_up} MB after warm-up, ${rss.end} MB at the end; slope ${rss.slope_per_hour} MB/h`,
    ],
    [
      'heap after a collection',
      `${heap.after_warm_up} MB after warm-up, ${heap.end} MB at the end; ${heap.growth_per_1000_requests} MB per 1,000 requests`,
    ],
    [
      'descriptors',
      `${descriptors.after_warm_up} after warm-up, ${descriptors.most} at most, ${descriptors.end} at the end`,
    ],
    ['handles', `${handles.after_warm_up} after warm-up, ${handles.most} at most`],
    [
      'latency of routed requests, first third',
      `p50 ${latency.first_third.p50_ms} ms, p99 ${latency.first_third.p99_ms} ms`,
    ],
    [
      'latency of routed requests, last third',
      `p50 ${latency.last_third.p50_ms} ms, p99 ${latency.last_third.p99_ms} ms`,
    ],
    ['ledger', `${report.ledger}; ${report.dropped_records} dropped`],
    ['exit code after SIGTERM', String(report.exit_code)],
  ];
}

function textOf(): string {
  const outcomes = Object.entries(report.outcomes).map(([outcome, count]) => `${count} × ${outcome}`);
  return `${renderTable(
    [{ title: `soak of ${report.date}` }, { title: '' }],
    lines().map((cells) => [...cells]),
  )}\n${outcomes.join(', ')}`;
}

async function writeSection(): Promise<void> {
  const page = join(root, 'docs/chaos.md');
  const text = await readFile(page, 'utf8');
  const at = text.indexOf('\n## Soak');
  const rows = lines().map((cells) => `| ${cells.join(' | ')} |`);
  const section = `
## Soak

Written by \`npm run soak -- --minutes ${flags.minutes} --write\` on ${report.date}, on two cores that others used as well: routed, pinned and
streamed requests, cache hits, tool loops, embeddings, failing backends, bad requests and clients that go away, with a
reload every ${reloadEverySeconds} s. Client, backend and proxy share the machine; slopes are by least squares over samples after warm-up.
The heap is meant to grow until pins (\`routing.pin_max\`) and cached embeddings (16 MB) reach their bounds.

| what | measured |
| --- | --- |
${rows.join('\n')}
`;
  await writeFile(page, `${at < 0 ? text.trimEnd() : text.slice(0, at).trimEnd()}\n${section}`);
}
