import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadOrBuildIndex } from '../../src/lifecycle/index-store.ts';
import { match } from '../../src/routing/match.ts';
import { threeRoutes, translation } from '../routing/cards.ts';
import { hashedEmbedder, hashedVector } from '../routing/hashed-embedder.ts';

let stateDir = '';
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'shunt-index-'));
});
afterEach(() => rm(stateDir, { recursive: true, force: true }));

const load = (options: Partial<Parameters<typeof loadOrBuildIndex>[0]> = {}) =>
  loadOrBuildIndex({
    stateDir,
    routes: threeRoutes,
    embedder: hashedEmbedder(),
    defaults: {},
    calibration: null,
    ...options,
  });

const storedFile = async (): Promise<string> => {
  const [name] = await readdir(join(stateDir, 'index'));
  return join(stateDir, 'index', name ?? '');
};

describe('loadOrBuildIndex', () => {
  it('builds at first, and at the second start reads the same index without embedding anything', async () => {
    const first = await load();
    expect(first).toMatchObject({ built: true, reason: null });
    const embedder = hashedEmbedder();
    const second = await load({ embedder });
    expect(second).toMatchObject({ built: false, reason: null });
    expect(embedder.calls).toEqual([]);
    const text = 'Translate to French: the kitchen is great';
    const prompt = { text, vector: hashedVector(text) };
    expect(match(second.index, prompt, { explain: true })).toEqual(match(first.index, prompt, { explain: true }));
    expect(second.index.manifest).toEqual(first.index.manifest);
  });

  it('never queries an index of another embedding model: it builds its own', async () => {
    await load();
    const other = await load({ embedder: hashedEmbedder('sha256:hashed-2') });
    expect(other.built).toBe(true);
    expect(other.index.manifest.fingerprint).toBe('sha256:hashed-2');
    expect(await readdir(join(stateDir, 'index'))).toHaveLength(2);
  });

  it('refuses an index that stands under the wrong name', async () => {
    await load();
    const bytes = await readFile(await storedFile());
    await rm(await storedFile());
    await load({ routes: [translation] });
    await writeFile(await storedFile(), bytes);
    expect(await load({ routes: [translation] })).toMatchObject({
      built: true,
      reason: expect.stringMatching(/examples have changed/),
    });
  });

  it('builds anew, with the reason, when the file is half written, damaged or something else', async () => {
    await load();
    const file = await storedFile();
    const whole = await readFile(file);
    const damaged = Buffer.from(whole);
    damaged[whole.length - 20] ^= 0xff;
    const emptyHeader = Buffer.concat([whole.subarray(0, 40), Buffer.alloc(60)]);
    for (const bytes of [whole.subarray(0, 1_000), damaged, emptyHeader, Buffer.from('hello'), Buffer.alloc(0)]) {
      await writeFile(file, bytes);
      expect(await load()).toMatchObject({ built: true, reason: expect.stringContaining('was not used') });
      expect(await load()).toMatchObject({ built: false, reason: null });
    }
    await truncate(file, 10);
    expect((await load()).built).toBe(true);
  });

  it('applies thresholds from the cards of now, not of the day it was built', async () => {
    await load();
    const strict = await load({ routes: threeRoutes.map((route) => ({ ...route, threshold: 0.9 })) });
    expect(strict.built).toBe(false);
    expect(strict.index.policies.map((policy) => policy.threshold)).toEqual([0.9, 0.9, 0.9]);
  });

  it('serves without a place to store the index, and says so', async () => {
    await writeFile(join(stateDir, 'index'), 'a file in the way');
    expect(await load()).toMatchObject({ built: true, reason: expect.stringMatching(/could not be/) });
  });

  it('keeps the newest eight indexes and leaves no drafts', async () => {
    for (let i = 0; i < 10; i++) await load({ embedder: hashedEmbedder(`sha256:${i}`) });
    const names = await readdir(join(stateDir, 'index'));
    expect(names).toHaveLength(8);
    expect(names.every((name) => name.endsWith('.index'))).toBe(true);
  });
});
