import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultList } from '../../src/base/fault.ts';
import { loadConfig } from '../../src/config/load.ts';
import { modelTable, providerHosts } from '../../src/config/model-table.ts';
import { priceSchema } from '../../src/config/price-schema.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-prices-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function load(text: string, prices?: string) {
  await writeFile(join(folder, 'shunt.yaml'), text);
  if (prices !== undefined) await writeFile(join(folder, 'prices.yaml'), prices);
  return loadConfig(join(folder, 'shunt.yaml'), { env: {}, explicit: true });
}

function configFor(model: string, more = '') {
  return `
backends: { openai: { base_url: "https://api.openai.com/v1" }, here: { base_url: "http://127.0.0.1:1/v1" } }
models:
  small: { backend: openai, model: ${model} ${more} }
  large: { backend: here, model: ${model} }
`;
}

describe('the shipped table', () => {
  it('holds prices that the config reads, each with a page and a day, and no model twice', () => {
    const seen = new Set<string>();
    for (const entry of modelTable) {
      expect(() => priceSchema.parse(entry.usd_per_million), entry.name).not.toThrow();
      expect(entry.source, entry.name).toMatch(/^https:\/\//);
      expect(Date.parse(entry.date), entry.name).toBeGreaterThan(Date.parse('2026-01-01'));
      expect(seen.has(`${entry.provider} ${entry.name}`), entry.name).toBe(false);
      seen.add(`${entry.provider} ${entry.name}`);
    }
    expect(new Set(modelTable.map(({ provider }) => provider))).toEqual(new Set(Object.values(providerHosts)));
  });

  it('never makes cached input dearer than input, nor a long prompt cheaper', () => {
    for (const entry of modelTable) {
      const price = priceSchema.parse(entry.usd_per_million);
      expect(price.cached_input ?? 0n, entry.name).toBeLessThanOrEqual(price.input);
      for (const tier of price.above ?? []) expect(tier.input, entry.name).toBeGreaterThanOrEqual(price.input);
    }
  });
});

describe('a model at its provider', () => {
  it('gets price, context and abilities from the table; the same name elsewhere gets none', async () => {
    const { models, price_sources } = await load(configFor('gpt-4.1-mini'));
    expect(models.small.usd_per_million?.input).toBe(400n);
    expect(models.small.context).toBe(1_047_576);
    expect(models.small.abilities).toContain('tools');
    expect(price_sources.small).toMatchObject({ from: 'shipped', date: expect.stringMatching(/^\d{4}-/) });
    expect(models.large.usd_per_million).toBeUndefined();
    expect(models.large.abilities).toEqual([]);
    expect(price_sources.large.from).toBe('none');
  });

  it.each(['gpt-4.1-mini-2025-04-14', 'gpt-4.1-mini-latest'])('is known as %s too', async (name) => {
    expect((await load(configFor(name))).models.small.usd_per_million?.output).toBe(1_600n);
  });

  it.each(['gpt-4.1-mini-audio', 'gpt-4.1-minimal', 'ft:gpt-4.1-mini'])('is not mistaken for %s', async (name) => {
    expect((await load(configFor(`"${name}"`))).models.small.usd_per_million).toBeUndefined();
  });

  it('keeps what the config says, and fills in the rest', async () => {
    const own = ', usd_per_million: { input: 1, output: 2 }, abilities: []';
    const { models, price_sources } = await load(configFor('gpt-4.1-mini', own));
    expect(models.small).toMatchObject({ usd_per_million: { input: 1_000n }, context: 1_047_576, abilities: [] });
    expect(price_sources.small.from).toBe('config');
  });

  it('is unpriced when the table is switched off', async () => {
    const { models } = await load(`${configFor('gpt-4.1-mini')}prices: { shipped: false }\n`);
    expect(models.small.usd_per_million).toBeUndefined();
  });
});

describe('prices.file', () => {
  const file = 'prices: { file: prices.yaml }\n';

  it('comes before the shipped table, the longest name first, and only for its backend', async () => {
    const prices = `models:
  - { name: "gpt-4.1*", usd_per_million: { input: 1, output: 1 } }
  - { name: "gpt-4.1-mini*", backend: openai, usd_per_million: { input: 0.3, output: 1.2 }, source: contract 17, date: 2026-10-01 }
`;
    const { models, price_sources } = await load(configFor('gpt-4.1-mini') + file, prices);
    expect(models.small.usd_per_million?.input).toBe(300n);
    expect(price_sources.small).toEqual({ from: 'file', source: 'contract 17', date: '2026-10-01' });
    expect(models.large.usd_per_million?.input).toBe(1_000n);
    expect(price_sources.large).toEqual({ from: 'file', source: 'prices.yaml', date: null });
  });

  it.each([
    ['models: [ { name: a, usd_per_million: { input: 0.00001, output: 1 } } ]', 'at most 3 decimals'],
    ['models: [ { name: a, usd_per_milion: 1 } ]', 'usd_per_milion'],
    ['models: [ { usd_per_million: { input: 1, output: 1 } } ]', 'name'],
    ['models: [', 'prices.yaml'],
  ])('is refused whole, by file and line, when it holds %s', async (prices, says) => {
    const refused = load(configFor('gpt-4.1-mini') + file, prices);
    await expect(refused).rejects.toThrow(FaultList);
    await expect(refused).rejects.toThrow(says);
    await expect(refused).rejects.toThrow('prices.yaml');
  });

  it('is asked for by name when it is not there', async () => {
    await expect(load(configFor('gpt-4.1-mini') + file)).rejects.toThrow(/prices\.yaml.*does not exist/s);
  });
});
