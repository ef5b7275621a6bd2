/**
 * Starts a whole proxy for a test: a folder of its own with shunt.yaml, the fixture routes and the shipped embedding
 * model; two simulated backends behind real sockets; the real assembly. Everything stops after the test file.
 */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import { stringify } from 'yaml';
import { assemble, type RunningProxy } from '../src/assemble.ts';
import { type SimulatedServer, startSimulatedServer } from '../src/backend/simulated-server.ts';
import { loadConfig } from '../src/config/load.ts';
import { configSchema } from '../src/config/schema.ts';
import { createLog } from '../src/telemetry/log.ts';

export interface TestProxy {
  readonly url: string;
  readonly folder: string;
  readonly proxy: RunningProxy;
  readonly small: SimulatedServer;
  readonly large: SimulatedServer;
  /** Rewrites shunt.yaml with `overrides` and reloads. */
  reconfigure(overrides: Overrides): Promise<boolean>;
  /** Stops the proxy, and starts another in its folder, at another port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export type Overrides = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const fixtures = resolve(import.meta.dirname, 'fixtures');
const models = resolve(import.meta.dirname, '../models');

type Simulation = Readonly<Record<string, number>>;

/** `faults` applies to every answer of that backend; one request can ask for its own with the header `x-sim`. */
export async function startProxy(
  overrides: Overrides = {},
  faults: { readonly small?: Simulation; readonly large?: Simulation } = {},
): Promise<TestProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'shunt-test-'));
  await cp(join(fixtures, 'routes'), join(folder, 'routes'), { recursive: true });
  const small = await simulatedServer(faults.small);
  const large = await simulatedServer(faults.large);
  const file = join(folder, 'shunt.yaml');
  const base = {
    server: { port: 0, drain_ms: 2_000 },
    backends: {
      cheap: { base_url: small.url, api_key: 'sk-cheap', max_retries: 0 },
      strong: { base_url: large.url, api_key: 'sk-strong', max_retries: 1 },
    },
    models: {
      small: {
        backend: 'cheap',
        model: 'sim-small',
        usd_per_million: { input: 0.1, output: 0.4 },
        context: 8_000,
        abilities: ['tools'],
      },
      large: {
        backend: 'strong',
        model: 'sim-large',
        usd_per_million: { input: 2.5, cached_input: 0.25, output: 15 },
        context: 400_000,
        abilities: ['tools', 'json_schema', 'vision', 'reasoning'],
      },
    },
    routing: { models_dir: models, watch: false, budget_ms: 1_000 },
    ledger: { flush_ms: 5 },
    telemetry: { log: 'silent' },
  };
  const write = (extra: Overrides) => writeFile(file, stringify(merge(base, extra)));
  await write(overrides);
  const readConfig = () => loadConfig(file, { env: {}, explicit: true });
  const start = async () =>
    assemble({ config: await readConfig(), readConfig, log: createLog({ level: 'silent' }), version: 'test' });
  let proxy = await start();
  let stopped = false;
  const started: TestProxy = {
    get url() {
      return proxy.listening.url;
    },
    folder,
    get proxy() {
      return proxy;
    },
    small,
    large,
    async reconfigure(extra) {
      await write(extra);
      return proxy.reload('test');
    },
    async restart() {
      await proxy.stop();
      proxy = await start();
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      await proxy.stop();
      await Promise.all([small.close(), large.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
  afterAll(() => started.stop());
  return started;
}

export function simulatedServer(simulation: Simulation = {}): Promise<SimulatedServer> {
  const { backends } = configSchema.parse({ backends: { simulated: { kind: 'simulated', simulation } } });
  return startSimulatedServer({ host: '127.0.0.1', port: 0, config: backends.simulated });
}

export function chatBody(content: unknown, extra: Record<string, unknown> = {}): string {
  return JSON.stringify({ model: 'auto', messages: [{ role: 'user', content }], ...extra });
}

export function post(url: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
}

function merge(base: Record<string, unknown>, extra: Overrides): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(extra)) {
    merged[key] = { ...(merged[key] as Record<string, unknown> | undefined), ...value };
  }
  return merged;
}
