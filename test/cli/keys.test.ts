/** `shunt keys` as a user runs it, and a proxy that takes its changes over while it serves. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changeKeysFile, readKeysFile } from '../../src/config/keys-file.ts';
import { loadConfig } from '../../src/config/load.ts';
import { chatBody, post } from '../proxy-harness.ts';
import { runSource } from './source-process.ts';

let folder: string;
const keysFile = () => join(folder, '.shunt/keys.yaml');
const shunt = (...args: string[]) => runSource(folder, args).ended;
const hash = (digit: string) => `sha256:${digit.repeat(64)}`;
const patience = { timeout: 30_000, interval: 100 };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-keys-'));
  await writeFile(join(folder, 'shunt.yaml'), 'ledger: { flush_ms: 5 }\ntelemetry: { log: error }\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('shunt keys', () => {
  test('adds a key that a running proxy takes, counts, and refuses once it is revoked', {
    timeout: 120_000,
  }, async () => {
    const base = await runSource(folder, ['serve', '--port', '0']).url;
    const ask = async (key: string) => {
      const body = chatBody('Translate to French: good day');
      return (await post(`${base}/v1/chat/completions`, body, { authorization: `Bearer ${key}` })).status;
    };
    expect(await ask('anybody')).toBe(200);

    const limits = ['--budget-day', '20', '--requests', '600', '--models', 'auto', '--tags', 'team-a'];
    const added = await shunt('keys', 'add', 'app-a', ...limits);
    const key = added.stdout.trim();
    expect([added.code, key]).toEqual([0, expect.stringMatching(/^shunt-[\w-]{32}$/)]);
    expect(added.stderr).toContain('only now');
    await expect.poll(() => ask('anybody'), patience).toBe(401);
    expect(await ask(key)).toBe(200);

    const written = await readFile(keysFile(), 'utf8');
    expect(written).not.toContain(key);
    expect((await stat(keysFile())).mode & 0o777).toBe(0o600);
    const [json, table] = await Promise.all([shunt('keys', 'list', '--json'), shunt('keys', 'list')]);
    const listed = JSON.parse(json.stdout) as { keys: { spent_usd_today: number }[] };
    expect(listed.keys).toEqual([
      expect.objectContaining({ name: 'app-a', budget_usd_per_day: 20, allowed_models: ['auto'], tags: ['team-a'] }),
    ]);
    expect(listed.keys[0].spent_usd_today).toBeGreaterThan(0);
    expect(table.stdout).toMatch(/app-a .* of \$20 .*600 requests\/min .*models auto .*team-a/);
    expect(json.stdout + table.stdout).not.toMatch(/sha256|shunt-[\w-]{32}/);

    expect((await shunt('keys', 'revoke', 'app-a')).code).toBe(0);
    await expect.poll(() => ask(key), patience).toBe(401);
    // The last key is gone, and the proxy does not open for that.
    expect(await ask('anybody')).toBe(401);
  });

  test('says what is wrong with a name, a limit and a key that is not there', async () => {
    const [taken, bad, unknown] = await Promise.all([
      shunt('keys', 'add', 'not a name'),
      shunt('keys', 'add', 'app-b', '--on-exceeded', 'shrug'),
      shunt('keys', 'revoke', 'nobody'),
    ]);
    expect([taken.code, bad.code, unknown.code]).toEqual([2, 2, 2]);
    expect(taken.stderr).toContain('name: must be letters');
    expect(bad.stderr).toContain('on_exceeded');
    expect(unknown.stderr).toContain("There is no key 'nobody'");
  });
});

describe('the file of keys', () => {
  const file = () => join(folder, 'own/keys.yaml');

  test('loses nothing when many change it at once', async () => {
    const names = Array.from({ length: 8 }, (_, i) => `app-${i}`);
    await Promise.all(
      names.map((name, i) => changeKeysFile(file(), (keys) => [...keys, { name, hash: hash(String(i)) }])),
    );
    expect((await readKeysFile(file())).keys.map((key) => key.name).sort()).toEqual(names);
  });

  test('is left as it was when a change fails, or it is broken', async () => {
    const before = await readFile(file(), 'utf8');
    const fail = () => {
      throw new Error('no');
    };
    await expect(changeKeysFile(file(), fail)).rejects.toThrow('no');
    expect(await readFile(file(), 'utf8')).toBe(before);
    await writeFile(file(), 'keys: [ { name: x');
    await expect(changeKeysFile(file(), () => [])).rejects.toMatchObject({ code: 'bad_config' });
    expect(await readFile(file(), 'utf8')).toBe('keys: [ { name: x');
  });

  test('may not give out a name or a hash that shunt.yaml has, and its faults name it', async () => {
    const config = join(folder, 'both.yaml');
    const own = (text: string) => writeFile(join(folder, 'two.yaml'), text);
    await writeFile(config, `auth: { keys_file: two.yaml, keys: [ { name: a, hash: "${hash('a')}" } ] }\n`);
    const load = () => loadConfig(config, { env: {}, explicit: true });
    await own(`keys: [ { name: a, hash: "${hash('b')}" }, { name: c, hash: "${hash('a')}" } ]\n`);
    await expect(load()).rejects.toThrow(/keys\[0\]\.name = a.*another key[\s\S]*keys\[1\]\.hash/);
    await own(`keys: [ { name: b, hash: "${hash('b')}", budget_usd_per_yaer: 1 } ]\n`);
    await expect(load()).rejects.toThrow(/two\.yaml.*budget_usd_per_yaer/);
    await own(`keys: [ { name: b, hash: "${hash('b')}" } ]\n`);
    expect((await load()).auth.keys.map((key) => key.name)).toEqual(['a', 'b']);
  });

  test('that is named but not there asks for a key all the same', async () => {
    const config = join(folder, 'named.yaml');
    await writeFile(config, 'server: { host: 0.0.0.0 }\nauth: { keys_file: absent.yaml }\n');
    expect(await loadConfig(config, { env: {}, explicit: true })).toMatchObject({ keys_required: true });
  });
});
