/**
 * The rules of a config that hold between its keys: every name that is used is defined, nothing is defined twice, and
 * what is reachable from other machines asks for a key. Works on the plain data, so that these faults are reported
 * beside the schema's and not only once those are mended.
 */
import type { Fault } from '../base/fault.ts';
import { isLoopback } from '../base/loopback.ts';
import { cacheFaults } from './cache-faults.ts';
import { faultAt, valueAt } from './faults.ts';
import { configSchema } from './schema.ts';
import { defaultAt } from './schema-keys.ts';
import { suggest } from './suggest.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

interface Draft {
  readonly source: YamlFile;
  readonly data: unknown;
  /** No request is served without a key. */
  readonly keysRequired: boolean;
}

export function crossCheck(draft: Draft): Fault[] {
  return [
    ...backendFaults(draft),
    ...modelFaults(draft),
    ...routingFaults(draft),
    ...keyFaults(draft),
    ...budgetFaults(draft),
    ...serverFaults(draft),
    ...cacheFaults(draft.source, draft.data, names(draft.data, ['models'])),
  ];
}

const examples = new Map<string | null, string>([
  ['anthropic', 'https://api.anthropic.com/v1'],
  ['azure', 'https://NAME.openai.azure.com'],
]);

function backendFaults({ source, data }: Draft): Fault[] {
  return names(data, ['backends']).flatMap((name) => {
    const kind = textAt(data, ['backends', name, 'kind']);
    const twice = endpointFaults(source, data, name);
    if (kind === 'simulated' || valueAt(data, ['backends', name, 'base_url']) !== undefined) return twice;
    if (kind !== null && !['openai', 'azure', 'anthropic'].includes(kind)) return twice;
    if (!isMapping(valueAt(data, ['backends', name]))) return [];
    const endpoints = valueAt(data, ['backends', name, 'endpoints']);
    const placed = Array.isArray(endpoints) && endpoints.every((one) => valueAt(one, ['base_url']) !== undefined);
    if (placed && endpoints.length > 0) return twice;
    const example = examples.get(kind) ?? 'http://127.0.0.1:11434/v1';
    const fix = `Add base_url, for example ${example}, or kind: simulated.`;
    return [...twice, faultAt(source, ['backends', name, 'base_url'], { problem: 'is missing', fix })];
  });
}

/** Their names stand for them in logs and metrics; those without one are called by their place. */
function endpointFaults(source: YamlFile, data: unknown, backend: string): Fault[] {
  const endpoints = valueAt(data, ['backends', backend, 'endpoints']);
  const seen = new Set<string>();
  return (Array.isArray(endpoints) ? endpoints : []).flatMap((endpoint, at) => {
    const given = textAt(endpoint, ['name']);
    const shown = given ?? String(at + 1);
    if (!seen.has(shown)) {
      seen.add(shown);
      return [];
    }
    const path = ['backends', backend, 'endpoints', at, ...(given === null ? [] : ['name'])];
    return [
      faultAt(source, path, {
        problem: `is called '${shown}', as another is`,
        fix: 'Give each endpoint its own name.',
      }),
    ];
  });
}

function modelFaults({ source, data }: Draft): Fault[] {
  const backends = names(data, ['backends']);
  return names(data, ['models']).flatMap((name) => {
    const faults: Fault[] = [];
    if (name === 'auto' || name === 'fixed-answer' || name.startsWith('auto:'))
      faults.push(reservedName(source, ['models', name]));
    const backend = textAt(data, ['models', name, 'backend']);
    if (backend !== null && !backends.includes(backend)) {
      const wording = { problem: 'is not a backend', fix: chooseFrom(backend, backends, 'Define it under backends.') };
      faults.push(faultAt(source, ['models', name, 'backend'], wording));
    }
    return faults;
  });
}

function reservedName(source: YamlFile, path: YamlPath): Fault {
  const problem = 'uses a name kept for routing (auto, auto:<route>, fixed-answer)';
  return faultAt(source, path, { problem, fix: 'Choose another name.' });
}

function routingFaults({ source, data }: Draft): Fault[] {
  // Without a list of models every name would look unknown; the schema has said what is wrong with it.
  if (!isMapping(valueAt(data, ['models']))) return [];
  const models = names(data, ['models']);
  const served = models.map((name) => textAt(data, ['models', name, 'model']));
  const faults: Fault[] = [];
  for (const key of ['fallback', 'default_target']) {
    const path = ['routing', key];
    const asked = textAt(data, path);
    const target = asked ?? defaultAt(configSchema, path) ?? '';
    if (models.includes(target) || (asked === null && valueAt(data, path) !== undefined)) continue;
    const problem = asked === null ? `is ${target} when not set, which is not a model` : 'is not a model';
    faults.push(faultAt(source, path, { problem, fix: chooseFrom(target, models, 'Define it under models.') }));
  }
  const listed = valueAt(data, ['routing', 'model_names']);
  for (const [at, name] of (Array.isArray(listed) ? listed : []).entries()) {
    if (typeof name !== 'string' || name === 'auto' || models.includes(name) || served.includes(name)) continue;
    const path = ['routing', 'model_names', at];
    if (name.startsWith('auto:')) faults.push(reservedName(source, path));
    else {
      const problem = 'is neither auto nor a model, by its name here or at its provider';
      faults.push(faultAt(source, path, { problem, fix: chooseFrom(name, models, 'Define it under models.') }));
    }
  }
  return faults;
}

function keyFaults({ source, data }: Draft): Fault[] {
  const keys = valueAt(data, ['auth', 'keys']);
  const faults: Fault[] = [];
  for (const field of ['name', 'hash']) {
    const first = new Map<string, number>();
    for (const at of (Array.isArray(keys) ? keys : []).keys()) {
      const path = ['auth', 'keys', at, field];
      const text = textAt(data, path);
      if (text === null) continue;
      const earlier = first.get(text);
      if (earlier === undefined) first.set(text, at);
      else {
        const problem = `is the same as that of the key on line ${source.lineOf(['auth', 'keys', earlier])}`;
        const fix = field === 'name' ? 'Give each key its own name.' : 'Make a new key, or remove one of the two.';
        faults.push(faultAt(source, path, { problem, fix }));
      }
    }
  }
  return faults;
}

function budgetFaults({ source, data }: Draft): Fault[] {
  const path = ['budgets', 'cheap_model'];
  const cheap = textAt(data, path);
  const models = names(data, ['models']);
  if (cheap === null || models.includes(cheap)) return [];
  const wording = { problem: 'is not a model', fix: chooseFrom(cheap, models, 'Define it under models.') };
  return [faultAt(source, path, wording)];
}

function serverFaults({ source, data, keysRequired }: Draft): Fault[] {
  const faults: Fault[] = [];
  const host = textAt(data, ['server', 'host']);
  const guarded = keysRequired || valueAt(data, ['auth', 'anonymous']) === true;
  if (host && !isLoopback(host) && !guarded) {
    const problem = 'is reachable from other machines, and no key is asked for';
    const fix = 'Make a key with `shunt keys add NAME`, set auth.anonymous: true if that is meant, or use 127.0.0.1.';
    faults.push(faultAt(source, ['server', 'host'], { problem, fix }));
  }
  const port = valueAt(data, ['server', 'port']) ?? Number(defaultAt(configSchema, ['server', 'port']));
  const adminPort = valueAt(data, ['server', 'admin_port']);
  if (adminPort === port && port !== 0) {
    const wording = { problem: 'is the same as server.port', fix: 'Choose another port, or none.' };
    faults.push(faultAt(source, ['server', 'admin_port'], wording));
  }
  return faults;
}

function chooseFrom(word: string, known: readonly string[], otherwise: string): string {
  const meant = suggest(word, known);
  if (meant) return `Did you mean ${meant}? ${otherwise}`;
  return known.length > 0 ? `${otherwise} Known: ${known.join(', ')}.` : otherwise;
}

function names(data: unknown, path: YamlPath): string[] {
  const value = valueAt(data, path);
  return isMapping(value) ? Object.keys(value) : [];
}

function textAt(data: unknown, path: YamlPath): string | null {
  const value = valueAt(data, path);
  return typeof value === 'string' ? value : null;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
