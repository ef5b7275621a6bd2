/**
 * Where the faults play: a backend, folders with configurations, and one proxy process that all faults share which do not
 * need one of their own. Every fault has a backend, a model and a route of its own on it, so that a breaker that one has
 * opened does not shield the next.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { openSqliteStore } from '../../src/ledger/sqlite-store.ts';
import { type ChaosBackend, startChaosBackend } from './backend.ts';
import type { Outcome } from './fault.ts';
import { type Ask, type Load, load, type Seen, succeeded, tally } from './load.ts';
import { type Look, type ProxyProcess, type StartOptions, startProxyProcess } from './proxy-process.ts';

export interface ChaosStage {
  readonly backend: ChaosBackend;
  /** Times as many requests in the long form. */
  readonly scale: number;
  readonly long: boolean;
  /** The proxy that faults share. */
  shared(): Promise<ProxyProcess & { readonly folder: string }>;
  /** A folder of its own, with shunt.yaml and cards. */
  folder(changes?: Sections): Promise<string>;
  start(options: StartOptions): Promise<ProxyProcess>;
  close(): Promise<void>;
}

export type Sections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const root = resolve(import.meta.dirname, '../..');
/** Longer than every limit below together, retries included, on a loaded machine. */
export const deadlineMs = 20_000;
export const flushMs = 50;

/** `backends`: each gets a model and a route of its name, on the shared proxy. */
export async function openStage(options: {
  readonly long: boolean;
  readonly backends: readonly string[];
}): Promise<ChaosStage> {
  const backend = await startChaosBackend();
  const place = await mkdtemp(join(tmpdir(), 'shunt-chaos-'));
  const started: ProxyProcess[] = [];
  let folders = 0;
  let common: Promise<ProxyProcess & { readonly folder: string }> | null = null;

  async function folder(changes: Sections = {}): Promise<string> {
    const own = join(place, String(folders++));
    await cp(join(root, 'test/fixtures/routes'), join(own, 'routes'), { recursive: true });
    await writeConfig(own, backend, changes);
    return own;
  }

  async function start(startOptions: StartOptions): Promise<ProxyProcess> {
    const proxy = await startProxyProcess(startOptions);
    started.push(proxy);
    return proxy;
  }

  return {
    backend,
    long: options.long,
    scale: options.long ? 5 : 1,
    folder,
    start,
    shared() {
      common ??= (async () => {
        const own = await folder(faultSections(options.backends, backend));
        for (const name of options.backends)
          await writeFile(join(own, 'routes', `${name}.yaml`), stringify(cardFor(name)));
        const proxy = await start({ folder: own });
        await warmUp(proxy);
        return { ...proxy, folder: own };
      })();
      return common;
    },
    async close() {
      for (const { child } of started) child.kill('SIGKILL');
      await Promise.all(started.map(({ ended }) => ended));
      await backend.stop();
      await rm(place, { recursive: true, force: true });
    },
  };
}

/** So that the baseline is that of a process that has worked, and not of one that has just begun. */
async function warmUp(proxy: ProxyProcess): Promise<void> {
  const asks = Array.from({ length: 60 }, (_, i) => ({
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: `Translate ${i}` }], stream: i % 2 > 0 }),
  }));
  await load({ url: proxy.url, asks, width: 12, deadlineMs });
}

function faultSections(names: readonly string[], backend: ChaosBackend): Sections {
  const impatient = (base_url: string) => ({ base_url, api_key: 'sk-chaos', ...limits });
  return {
    backends: Object.fromEntries(names.map((name) => [name, impatient(addressOf(name, backend))])),
    models: Object.fromEntries(names.map((name) => [name, modelOn(name)])),
  };
}

function addressOf(name: string, backend: ChaosBackend): string {
  if (name === 'dns-failure') return 'http://no-such-host.invalid/v1';
  // The discard port: nobody listens there.
  return name === 'connection-refused' ? 'http://127.0.0.1:9/v1' : backend.url(name);
}

const limits = { connect_ms: 1_000, first_byte_ms: 1_500, idle_ms: 1_500, total_ms: 8_000, max_retries: 1 };
const modelOn = (backend: string) => ({
  backend,
  model: 'm',
  usd_per_million: { input: 1, output: 2 },
  context: 100_000,
  abilities: ['tools'],
});

/** No prompt comes near it: the route is there to be forced. */
function cardFor(name: string): object {
  return { name, target: name, threshold: 1, examples: [`the fault called ${name}`, `${name} happens to a backend`] };
}

async function writeConfig(folder: string, backend: ChaosBackend, changes: Sections): Promise<void> {
  const base: Sections = {
    server: { port: 0, drain_ms: 3_000, request_ms: 2_000 },
    backends: {
      cheap: { base_url: backend.url('cheap'), api_key: 'sk-chaos', ...limits },
      strong: { base_url: backend.url('strong'), api_key: 'sk-chaos', ...limits },
    },
    models: { small: modelOn('cheap'), large: modelOn('strong') },
    routing: { models_dir: join(root, 'models'), watch: false, budget_ms: 1_000, pin: 'off' },
    ledger: { flush_ms: flushMs },
    telemetry: { log: 'warn' },
  };
  const merged: Record<string, unknown> = { ...base };
  for (const [section, values] of Object.entries(changes)) merged[section] = { ...(base[section] ?? {}), ...values };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'shunt.yaml'), stringify(merged));
}

/** Asks, waits for the process to calm down, and compares the ledger with what the clients were told. */
export async function endure(
  where: { readonly proxy: ProxyProcess; readonly folder: string },
  work: Omit<Load, 'url' | 'deadlineMs'> & {
    readonly tag: string;
    /** Which of them could succeed. */
    readonly could: (ask: Ask) => boolean;
    readonly deadlineMs?: number;
  },
): Promise<Outcome & { readonly seen: readonly Seen[]; readonly before: Look }> {
  const { proxy, folder } = where;
  const before = await proxy.look();
  const seen = await load({ url: proxy.url, deadlineMs, ...work });
  const restless = await proxy.backAt(before);
  const found = await decisions(folder, work.tag);
  const ledger = compareLedger(seen, found);
  return { ...outcomeOf(seen, work.could, { restless, ledger }), seen, before };
}

export function outcomeOf(
  seen: readonly Seen[],
  could: (ask: Ask) => boolean,
  after: { readonly restless: readonly string[] | null; readonly ledger: readonly string[] | null },
): Outcome {
  const failed = seen.filter((one) => could(one.ask) && !succeeded(one));
  const hung = seen.filter((one) => one.hung).length;
  const leaks = seen.filter(({ text }) => /\n\s+at |node_modules|sk-chaos/.test(text)).length;
  return {
    requests: seen.length,
    expected: seen.filter((one) => could(one.ask)).length,
    succeeded: seen.filter(succeeded).length,
    errors: tally(seen),
    baseline: after.restless === null ? null : after.restless.length === 0,
    ledger: after.ledger === null ? null : after.ledger.length === 0,
    problems: [
      ...(failed.length === 0 ? [] : [failureText(failed)]),
      ...(hung === 0 ? [] : [`${hung} hung beyond their deadline`]),
      ...(leaks === 0 ? [] : [`${leaks} answers show the inside of the proxy`]),
      ...(after.restless ?? []),
      ...(after.ledger ?? []),
    ],
  };
}

function failureText(failed: readonly Seen[]): string {
  const [{ status, text, whole }] = failed;
  const first = `${status}, ${whole ? 'whole' : 'cut'}: ${JSON.stringify(text.slice(-300))}`;
  return `${failed.length} failed that could succeed (${[...tally(failed).keys()]}); the first saw ${first}`;
}

/** Ids of the decisions with this tag, as the ledger has them. */
export async function decisions(folder: string, tag: string, file = '.shunt/ledger.db'): Promise<string[]> {
  const store = await openSqliteStore(join(folder, file));
  const ids: string[] = [];
  let after: { time: number; id: string } | null = null;
  for (;;) {
    const page = await store.page({ sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER, limit: 1_000, after });
    ids.push(...page.filter(({ tags }) => tags.includes(tag)).map(({ id }) => id));
    after = page.at(-1) ?? null;
    if (after === null) break;
  }
  await store.close();
  return ids;
}

/** Every decision that a client was told is there once, and no more of them than requests were sent. */
export function compareLedger(seen: readonly Seen[], found: readonly string[]): string[] {
  const there = new Set(found);
  const told = seen.filter(wasDecided).map(({ id }) => id ?? '');
  const missing = told.filter((id) => !there.has(id));
  return [
    ...(missing.length === 0 ? [] : [`${missing.length} of ${told.length} decisions are not in the ledger`]),
    ...(there.size === found.length ? [] : ['decisions stand in the ledger twice']),
    ...(found.length <= seen.length ? [] : [`${found.length} decisions in the ledger for ${seen.length} requests`]),
  ];
}

/** A request that is refused before a decision has an id for the log, and no row. */
export function wasDecided({ headers }: Seen): boolean {
  return headers['x-shunt-reason'] !== undefined;
}
