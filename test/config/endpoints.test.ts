import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';

describe('the endpoints of a backend', () => {
  const folders: string[] = [];
  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
  });

  async function endpointsOf(backend: string, env: Record<string, string>) {
    const folder = await mkdtemp(join(tmpdir(), 'shunt-config-'));
    folders.push(folder);
    const file = join(folder, 'shunt.yaml');
    const models = '{ small: { backend: far, model: a }, large: { backend: far, model: b } }';
    await writeFile(file, `backends:\n  far: ${backend}\nmodels: ${models}\n`);
    return (await loadConfig(file, { env, explicit: true })).backends.far.endpoints;
  }

  test('have a weight of one, and their keys from the environment', async () => {
    const given = `{ base_url: "https://a.example/v1", endpoints: [{ api_key: "\${ONE}" }, { api_key: "\${TWO}", weight: 3 }] }`;
    expect(await endpointsOf(given, { ONE: 'sk-1', TWO: 'sk-2' })).toEqual([
      { api_key: 'sk-1', weight: 1 },
      { api_key: 'sk-2', weight: 3 },
    ]);
    await expect(endpointsOf(given, { ONE: 'sk-1' })).rejects.toThrow('backends.far.endpoints[1].api_key');
  });

  test('go through the proxy that the environment names for their own address', async () => {
    const given =
      '{ endpoints: [{ base_url: "https://a.example/v1" }, { base_url: "https://inner.example/v1" }, { base_url: "https://b.example", proxy: none }] }';
    const endpoints = await endpointsOf(given, { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'inner.example' });
    expect(endpoints?.map(({ proxy }) => proxy)).toEqual(['http://proxy:3128', 'none', 'none']);
  });

  test('go through the proxy of their backend, when it has one', async () => {
    const given = '{ proxy: "http://own:1", endpoints: [{ base_url: "https://a.example/v1" }] }';
    const endpoints = await endpointsOf(given, { HTTPS_PROXY: 'http://proxy:3128' });
    expect(endpoints?.map(({ proxy }) => proxy)).toEqual([undefined]);
  });
});
