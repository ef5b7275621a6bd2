import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultList } from '../../src/base/fault.ts';
import { loadConfig } from '../../src/config/load.ts';

const shipped = join(import.meta.dirname, '..', '..', 'shunt.yaml');
const local = 'backends: { local: { base_url: "http://127.0.0.1:1/v1" } }\n';
const models = 'models: { small: { backend: local, model: a }, large: { backend: local, model: gpt-4o } }\n';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-config-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function load(text: string | Buffer, env: Record<string, string> = {}) {
  const file = join(folder, 'shunt.yaml');
  await writeFile(file, text);
  return loadConfig(file, { env, explicit: true });
}

function loadAbsent(explicit: boolean) {
  return loadConfig(join(folder, 'none.yaml'), { env: {}, explicit });
}

describe('the defaults', () => {
  it('are the same without a file, from an empty one and from the shipped one', async () => {
    const place = { file: '', folder: '', keys_file: '' };
    const none = { ...(await loadAbsent(false)), ...place };
    expect(none.models.large?.model).toBe('demo-large');
    expect(none.backends.demo?.kind).toBe('simulated');
    expect({ ...(await load('# nothing yet\n')), ...place }).toEqual(none);
    expect({ ...(await loadConfig(shipped, { env: {}, explicit: true })), ...place }).toEqual(none);
  });

  it('apply to sections whose lines are all commented out', async () => {
    const config = await load('server:\n  # port: 9000\nmodels:\nbackends:\nauth:\n  keys:\n');
    expect(config.server.port).toBe(8080);
    expect(Object.keys(config.models)).toEqual(['small', 'large']);
  });

  it('hold the simulated backend for models that are named without backends', async () => {
    const config = await load('models: { small: { backend: demo, model: x }, large: { backend: demo, model: y } }');
    expect(config.backends.demo?.kind).toBe('simulated');
  });

  it('leave own backends in place when only the models are missing', async () => {
    expect(Object.keys((await load(local)).backends).sort()).toEqual(['demo', 'local']);
  });
});

describe('the shipped file', () => {
  it('loads with every one of its commented backends taken in', async () => {
    const text = (await readFile(shipped, 'utf8')).replace(/^ {2}# ( *[a-z_]+:( .*)?)$/gm, '  $1');
    const config = await load(text.replaceAll('backend: demo', 'backend: openai'), { OPENAI_API_KEY: 'k' });
    expect(config.backends.openai?.base_url).toBe('https://api.openai.com/v1');
    expect(Object.keys(config.backends)).toContain('ollama');
    const azure = text.replaceAll('backend: demo', 'backend: azure');
    const env = { AZURE_OPENAI_RESOURCE: 'corp', AZURE_OPENAI_API_KEY: 'k' };
    expect((await load(azure, env)).backends.azure).toMatchObject({
      base_url: 'https://corp.openai.azure.com/openai/v1',
      headers: { 'api-key': 'k' },
    });
  });
});

describe('reading the file', () => {
  it('fails for a file that was named and is not there', async () => {
    await expect(loadAbsent(true)).rejects.toThrow(/none\.yaml: does not exist\. Check the path/);
  });

  it('fails for a folder, and for text that is not UTF-8', async () => {
    await expect(loadConfig(folder, { env: {}, explicit: true })).rejects.toThrow('is a folder. Name a file.');
    await expect(load(Buffer.from([0xff, 0xfe, 0x61, 0]))).rejects.toThrow('is not UTF-8 text. Save it as UTF-8.');
  });

  it('bears a byte order mark and Windows line ends', async () => {
    expect((await load('\ufeffserver:\r\n  port: 9\r\n')).server.port).toBe(9);
  });

  it('says in what folder relative paths start', async () => {
    await mkdir(join(folder, 'deep'));
    const file = join(folder, 'deep', 'own.yaml');
    await writeFile(file, '');
    expect(await loadConfig(file, { env: {}, explicit: true })).toMatchObject({ file, folder: dirname(file) });
  });

  it('throws one error of the project with the faults in it as data', async () => {
    const error = await load('port: 1\nrouting: { mode: 2 }').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FaultList);
    expect((error as FaultList).code).toBe('bad_config');
    expect((error as FaultList).faults.map(({ line, key }) => [line, key])).toEqual([
      [1, 'port'],
      [2, 'routing.mode'],
    ]);
  });
});

describe('variables', () => {
  it('stand for text anywhere in a value, with a default where unset or empty', async () => {
    const text = `routing: { routes: "\${BASE}/\${SUB:-cards}", models_dir: "\${EMPTY:-m}" }`;
    expect((await load(text, { BASE: '/srv', EMPTY: '' })).routing).toMatchObject({
      routes: '/srv/cards',
      models_dir: 'm',
    });
  });

  it('become numbers and truth values where those are due, and stay text elsewhere', async () => {
    const text = `${local}${models}server: { port: "\${PORT}", admin_port: "\${ADMIN}" }\nrouting: { watch: "\${WATCH}" }\n`;
    const config = await load(text.replace('model: a', `model: "\${NAME}"`), {
      PORT: '9000',
      ADMIN: '9001',
      WATCH: 'false',
      NAME: '2024',
    });
    expect(config.server).toMatchObject({ port: 9000, admin_port: 9001 });
    expect(config.routing.watch).toBe(false);
    expect(config.models.small?.model).toBe('2024');
  });

  it('are not expanded again, nor after a doubled dollar, nor in comments', async () => {
    const text = `routing: { routes: "\${A}", models_dir: "$\${B}" } # \${C}\n`;
    expect((await load(text, { A: `\${B}` })).routing).toMatchObject({ routes: `\${B}`, models_dir: `\${B}` });
  });

  it('may be missing for the trace address', async () => {
    const text = `telemetry: { otlp: "\${OTEL_EXPORTER_OTLP_ENDPOINT}" }`;
    expect((await load(text)).telemetry.otlp).toBe('');
    expect((await load(text, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' })).telemetry.otlp).toBe('http://c:4318');
  });

  it('may be missing in a backend that no model uses, which is then left out', async () => {
    const spare = `backends: { local: { base_url: "http://h/v1" }, spare: { base_url: "\${URL}", api_key: "\${KEY}" } }\n`;
    expect(Object.keys((await load(spare + models)).backends)).toEqual(['local']);
    expect((await load(spare + models, { URL: 'http://s/v1', KEY: 'k' })).backends.spare?.api_key).toBe('k');
  });
});

describe('safe defaults', () => {
  it.each(['127.0.0.1', '127.8.8.8', 'localhost', '"::1"', '"[::1]"'])('let %s start without keys', async (host) => {
    expect((await load(`server: { host: ${host} }`)).auth.keys).toEqual([]);
  });

  it.each(['0.0.0.0', '"::"', '10.0.0.5', 'shunt.example', '127.0.0.1.example'])('refuse %s', async (host) => {
    await expect(load(`server: { host: ${host} }`)).rejects.toThrow(/server\.host = .* reachable from other machines/);
  });

  it('let any host start with a key, or when anonymous use is asked for', async () => {
    const host = 'server: { host: 0.0.0.0 }\n';
    await load(`${host}auth: { anonymous: true }`);
    await load(`${host}auth: { keys: [{ name: a, hash: "sha256:${'a'.repeat(64)}" }] }`);
  });
});

describe('names', () => {
  it('that are routed may be a model of the config or what its provider calls it', async () => {
    const config = await load(`${local}${models}routing: { model_names: [auto, gpt-4o, small] }`);
    expect(config.routing.model_names).toEqual(['auto', 'gpt-4o', 'small']);
  });

  it('of the language do not count as models', async () => {
    const config = await load(local + models);
    expect(config.models.constructor).toBeUndefined();
    expect(config.backends.toString).toBeUndefined();
  });
});

describe('the result', () => {
  it('cannot be changed at any depth', async () => {
    const config = await load(`${local}${models}routing: { threshold: { cosine: 0 } }`);
    const reached: unknown[] = [config];
    for (const value of reached) {
      expect(Object.isFrozen(value)).toBe(true);
      for (const inner of Object.values(value as object))
        if (typeof inner === 'object' && inner !== null) reached.push(inner);
    }
    expect(reached.length).toBeGreaterThan(15);
    expect(config.routing.threshold).toEqual({ cosine: 0 });
  });

  it('is independent of a config loaded before', async () => {
    const first = await loadAbsent(false);
    expect(await loadAbsent(false)).toEqual(first);
    expect((await load('server: { port: 1 }')).server.port).toBe(1);
  });

  it('has times in milliseconds and prices in nano-dollars a token', async () => {
    const config = await load('cache: { exact: { ttl: 1.5h } }\nrouting: { pin_ttl: 250 }');
    expect([config.cache.exact.ttl, config.routing.pin_ttl]).toEqual([5_400_000, 250]);
    expect(config.models.small?.usd_per_million?.input).toBe(100n);
  });
});
