/**
 * Where the checks play: one scripted backend, and a whole proxy before it whose models bear the names that the backend
 * knows, so that the same bytes can go straight to the backend and through the proxy.
 */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { assemble } from '../../src/assemble.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { type RawAnswer, type RawRequest, send } from './raw-client.ts';
import { type Received, type Script, startScriptedBackend } from './scripted-backend.ts';

/** One request, sent one way. */
export interface Run {
  readonly answer: RawAnswer;
  /** What reached the backend, the attempts in turn. */
  readonly received: readonly Received[];
  /** The backend saw the connection close before it was done. */
  readonly abandoned: boolean;
}

export interface Stage {
  /** Sends the request straight to the backend and through the proxy; the backend answers both by the script. */
  both(request: RawRequest, script: Script): Promise<{ readonly direct: Run; readonly through: Run }>;
  close(): Promise<void>;
}

const root = resolve(import.meta.dirname, '../..');

export async function openStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'shunt-conformance-'));
  await cp(join(root, 'test/fixtures/routes'), join(folder, 'routes'), { recursive: true });
  const backend = await startScriptedBackend();
  const file = join(folder, 'shunt.yaml');
  await writeFile(file, stringify(configFor(backend.url)));
  const readConfig = () => loadConfig(file, { env: {}, explicit: true });
  const log = createLog({ level: 'silent' });
  const proxy = await assemble({ config: await readConfig(), readConfig, log, version: 'test' });
  let scripts = 0;

  async function run(baseUrl: string, request: RawRequest, script: Script): Promise<Run> {
    const name = `s${++scripts}`;
    backend.script(name, script);
    const answer = await send(baseUrl, { ...request, headers: [...(request.headers ?? []), 'x-script', name] });
    if (request.leaveAfter !== undefined) await until(() => backend.abandoned(name) > 0);
    return { answer, received: backend.take(name), abandoned: backend.abandoned(name) > 0 };
  }

  return {
    both: async (request, script) => ({
      direct: await run(backend.url, request, script),
      through: await run(`${proxy.listening.url}/v1`, request, script),
    }),
    async close() {
      await proxy.stop();
      await backend.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configFor(url: string): unknown {
  return {
    server: { port: 0, drain_ms: 500 },
    backends: {
      provider: { base_url: url, api_key: 'sk-operator', max_retries: 0 },
      anthropic: { kind: 'anthropic', base_url: url, api_key: 'sk-ant-operator', max_retries: 0 },
      patient: { base_url: url, credentials: 'client', max_retries: 1 },
    },
    models: {
      'gpt-large': { backend: 'provider', model: 'gpt-large', abilities: ['tools', 'json_schema', 'vision'] },
      small: { backend: 'provider', model: 'gpt-small' },
      claude: { backend: 'anthropic', model: 'claude' },
      patient: { backend: 'patient', model: 'patient' },
    },
    routing: { fallback: 'gpt-large', models_dir: join(root, 'models'), watch: false },
    ledger: { url: 'none' },
    telemetry: { log: 'silent' },
  };
}

/** Waits for something that must happen soon, or gives up and lets the check say that it has not. */
async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !done(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
}
