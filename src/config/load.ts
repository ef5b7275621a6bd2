/**
 * Reads `shunt.yaml`: authored → expanded → checked → frozen. The only reader of the environment, which the caller
 * hands in. Everything that is wrong is reported together; a config that loads needs no further checks.
 *
 *   text ─► plain data ─► ${ENV} ─► demo, if no models ─► schema + cross-checks ─► frozen `Config`
 */
import { dirname, resolve } from 'node:path';
import { type Fault, FaultList } from '../base/fault.ts';
import { checkSchema } from './check-schema.ts';
import { completeModels } from './complete-models.ts';
import { crossCheck } from './cross-check.ts';
import { deepFreeze } from './deep-freeze.ts';
import { demoBackend, demoModels } from './demo.ts';
import { type Environment, type EnvTrouble, expandEnv } from './expand-env.ts';
import { faultAt, inOrder, valueAt } from './faults.ts';
import { defaultKeysFile, readKeysFile } from './keys-file.ts';
import { readPricesFile } from './prices-file.ts';
import { proxyFor } from './proxy-environment.ts';
import { type Config, configSchema } from './schema.ts';
import { dotted, parseYaml, readText, type YamlFile } from './yaml-file.ts';

export interface LoadConfigOptions {
  readonly env: Environment;
  /** The user named the file, so it must be there; otherwise an absent file means all defaults. */
  readonly explicit: boolean;
}

/** Throws a `FaultList`. */
export async function loadConfig(file: string, options: LoadConfigOptions): Promise<Config> {
  const path = resolve(file);
  const text = await readText(path, file);
  if (typeof text === 'object') throw new FaultList([text]);
  if (text === 'absent' && options.explicit) throw new FaultList([absent(file)]);
  const source = parseYaml(text === 'absent' ? '' : text, file);
  if (!source.usable) throw new FaultList(inOrder(source.faults));

  const { data, expanded, troubles } = expandEnv(source.data ?? {}, options.env);
  const missing = withoutSpares(data, troubles);
  withDemo(data);
  const prices = await tablesFor(data, dirname(path));
  const priceSources = completeModels(data, prices);
  const checked = checkSchema(configSchema, { source, data, expanded });
  const missingFaults = missing.map((trouble) => envFault(source, trouble));
  // What the later checks think of a value without its variable, or of a line that is not YAML, is noise.
  const troubled = new Set(missingFaults.map((fault) => fault.key));
  const broken = new Set(source.faults.filter((fault) => fault.key === '').map((fault) => fault.line));
  const namedFile = valueAt(data, ['auth', 'keys_file']);
  const keysFile = resolve(dirname(path), typeof namedFile === 'string' ? namedFile : defaultKeysFile);
  const stored = await readKeysFile(keysFile, checked.value?.auth.keys);
  const keysRequired = stored.present || namedFile !== undefined || (checked.value?.auth.keys.length ?? 0) > 0;
  const later = [...checked.faults, ...crossCheck({ source, data, keysRequired })].filter(
    (fault) => !troubled.has(fault.key) && !broken.has(fault.line),
  );
  const faults = [...source.faults, ...missingFaults, ...prices.faults, ...later, ...stored.faults];
  if (faults.length > 0 || checked.value === null) throw new FaultList(inOrder(faults));
  const folder = dirname(path);
  const backends = Object.entries(checked.value.backends).map(([name, backend]) => {
    const certificates = backend.ca_file === undefined ? {} : { ca_file: resolve(folder, backend.ca_file) };
    const endpoints = backend.endpoints?.map((endpoint) => {
      if (endpoint.base_url === undefined || backend.proxy !== undefined) return endpoint;
      return { proxy: proxyFor(endpoint.base_url, options.env) ?? ('none' as const), ...endpoint };
    });
    const proxy = proxyFor(backend.base_url, options.env);
    return [name, { proxy, ...backend, endpoints, ...certificates }] as const;
  });
  const auth = { ...checked.value.auth, keys: [...checked.value.auth.keys, ...stored.keys] };
  const models = bare(checked.value.models);
  const value = { ...checked.value, auth, backends: bare(Object.fromEntries(backends)), models };
  const keys = { keys_file: keysFile, stored_keys: stored.keys, keys_required: keysRequired };
  return deepFreeze({ ...value, ...keys, file: path, folder, price_sources: bare(Object.fromEntries(priceSources)) });
}

/** What `prices` names; the schema will say what is wrong with the section itself. */
async function tablesFor(data: unknown, folder: string) {
  const shipped = valueAt(data, ['prices', 'shipped']) !== false;
  const file = valueAt(data, ['prices', 'file']);
  if (typeof file !== 'string' || file === '') return { file: null, shipped, faults: [] };
  const path = resolve(folder, file);
  const { entries, faults } = await readPricesFile(path);
  return { file: { path: file, entries }, shipped, faults };
}

/** Names come from clients: with no prototype, a model called `constructor` is as unknown as any other. */
function bare<T>(record: Record<string, T>): Record<string, T> {
  return Object.assign(Object.create(null), record);
}

function absent(file: string): Fault {
  return { file, line: 0, key: '', value: '', problem: 'does not exist', fix: 'Check the path given with --config.' };
}

/**
 * A backend that no model uses may wait for its credential: it is left out. A trace address that is not set means no
 * traces. Returns the troubles that remain; changes `data`.
 */
function withoutSpares(data: unknown, troubles: readonly EnvTrouble[]): EnvTrouble[] {
  const models = valueAt(data, ['models']);
  const used = new Set(Object.values(models ?? {}).map((model) => valueAt(model, ['backend'])));
  return troubles.filter(({ path, variable }) => {
    if (variable === null) return true;
    if (dotted(path) === 'telemetry.otlp') {
      Object.assign(valueAt(data, ['telemetry']) ?? {}, { otlp: '' });
      return false;
    }
    if (path[0] !== 'backends' || used.has(path[1])) return true;
    Reflect.deleteProperty(valueAt(data, ['backends']) ?? {}, path[1]);
    return false;
  });
}

function withDemo(data: unknown): void {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return;
  const draft = data as Record<string, unknown>;
  const isEmpty = (value: unknown) => typeof (value ?? {}) === 'object' && Object.keys(value ?? {}).length === 0;
  if (isEmpty(draft.backends)) draft.backends = { demo: { ...demoBackend } };
  if (!isEmpty(draft.models)) return;
  draft.models = structuredClone(demoModels);
  const backends = valueAt(draft, ['backends']);
  if (valueAt(backends, ['demo']) === undefined) Object.assign(backends ?? {}, { demo: { ...demoBackend } });
}

function envFault(source: YamlFile, { path, variable }: EnvTrouble): Fault {
  if (variable === null) {
    const fix = `Write \${NAME}, \${NAME:-default}, or $\${ for a plain \${.`;
    return faultAt(source, path, { problem: 'has a variable without a proper name', fix });
  }
  const problem = `needs the environment variable ${variable}, which is not set or empty`;
  return faultAt(source, path, { problem, fix: `Set ${variable}, or give a default: \${${variable}:-…}.` });
}
