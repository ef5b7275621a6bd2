import { mkdir, mkdtemp, realpath, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Watch, watchFiles } from '../../src/config/watch.ts';

let folder = '';
let stop = new AbortController();
let watching: Watch;
let batches: (readonly string[])[] = [];
let errors: unknown[] = [];
let onBatch: (changed: readonly string[]) => void | Promise<void> = () => undefined;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'shunt-watch-')));
  stop = new AbortController();
  batches = [];
  errors = [];
  onBatch = () => undefined;
  await mkdir(join(folder, 'routes', 'eval'), { recursive: true });
  await writeFile(at('shunt.yaml'), '1');
  await writeFile(at('routes/a.yaml'), '1');
  watching = await watchFiles({
    paths: [at('shunt.yaml'), at('routes')],
    debounceMs: 100,
    signal: stop.signal,
    onChange: (changed) => {
      batches.push(changed);
      return onBatch(changed);
    },
    onError: (error) => errors.push(error),
  });
});
afterEach(async () => {
  stop.abort();
  await watching.closed;
  await rm(folder, { recursive: true });
});

function at(path: string): string {
  return join(folder, path);
}

/** What has been reported so far, once `path` is among it. */
async function reported(path: string): Promise<string[]> {
  await expect.poll(() => batches.flat(), { timeout: 10_000 }).toContain(at(path));
  return batches.flat();
}

it('gathers the many writes of one save', async () => {
  for (let write = 0; write < 40; write++) await writeFile(at('shunt.yaml'), String(write));
  await reported('shunt.yaml');
  await wait(300);
  expect(batches.length).toBeLessThan(5);
  expect(new Set(batches.flat())).toEqual(new Set([at('shunt.yaml')]));
});

it('keeps seeing a file that editors save by renaming over it', async () => {
  for (const text of ['2', '3']) {
    batches = [];
    await writeFile(at('shunt.yaml.tmp'), text);
    await rename(at('shunt.yaml.tmp'), at('shunt.yaml'));
    expect(new Set(await reported('shunt.yaml'))).toEqual(new Set([at('shunt.yaml')]));
  }
});

it('keeps seeing a file that is removed and written anew', async () => {
  await unlink(at('shunt.yaml'));
  await reported('shunt.yaml');
  batches = [];
  await writeFile(at('shunt.yaml'), '2');
  await reported('shunt.yaml');
});

it('reports cards that come and go, and the calibration', async () => {
  await writeFile(at('routes/b.yaml'), '1');
  await reported('routes/b.yaml');
  await unlink(at('routes/a.yaml'));
  await reported('routes/a.yaml');
  await writeFile(at('routes/calibration.json'), '{}');
  await reported('routes/calibration.json');
});

it("is silent about other files, editors' leavings and subfolders", async () => {
  for (const path of ['other.yaml', 'routes/.a.yaml.swp', 'routes/a.yaml~', 'routes/.#a.yaml', 'routes/eval/x.jsonl']) {
    await writeFile(at(path), '1');
  }
  await writeFile(at('routes/a.yaml'), '2');
  expect(await reported('routes/a.yaml')).toEqual([at('routes/a.yaml')]);
});

it('sees a folder of links whose target is swapped, as a mounted ConfigMap does', async () => {
  for (const version of ['..1', '..2']) {
    await mkdir(at(`routes/${version}`));
    await writeFile(at(`routes/${version}/map.yaml`), version);
  }
  await symlink('..1', at('routes/..data'));
  await symlink('..data/map.yaml', at('routes/map.yaml'));
  await reported('routes/map.yaml');
  batches = [];
  await symlink('..2', at('routes/..next'));
  await rename(at('routes/..next'), at('routes/..data'));
  await rm(at('routes/..1'), { recursive: true });
  await reported('routes/map.yaml');
});

it('holds back what changes during a reload until the reload is done', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((settle) => {
    release = settle;
  });
  onBatch = () => held;
  await writeFile(at('shunt.yaml'), '2');
  await reported('shunt.yaml');
  await writeFile(at('routes/a.yaml'), '2');
  await wait(400);
  expect(batches).toEqual([[at('shunt.yaml')]]);
  release();
  await reported('routes/a.yaml');
});

it('goes on after a reload that failed, and says so', async () => {
  onBatch = () => Promise.reject(new Error('faulty'));
  await writeFile(at('shunt.yaml'), '2');
  await reported('shunt.yaml');
  await expect.poll(() => errors.length).toBe(1);
  batches = [];
  await writeFile(at('shunt.yaml'), '3');
  await reported('shunt.yaml');
});

it('is silent after it was stopped', async () => {
  await writeFile(at('shunt.yaml'), '2');
  stop.abort();
  await watching.closed;
  await wait(300);
  expect(batches).toEqual([]);
});
