/** `shunt eval` and `shunt tune` as processes, with the shipped embedding model and cards of their own. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { summarization, translation } from '../routing/cards.ts';

const runner = resolve(import.meta.dirname, 'run-command.ts');
const models = resolve(import.meta.dirname, '../../models');
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-command-'));
  await mkdir(join(folder, 'routes'));
  for (const { name, examples } of [summarization, translation]) {
    // JSON is YAML.
    await writeFile(
      join(folder, 'routes', `${name}.yaml`),
      JSON.stringify({ name, examples, threshold: { precision: 0.9 } }),
    );
  }
  await writeFile(join(folder, 'shunt.yaml'), JSON.stringify({ routing: { models_dir: models } }));
  const rows = Array.from({ length: 50 }, (_, i) => [
    { text: `Translate to Finnish: sentence number ${i}`, route: 'translation', lang: 'fi' },
    { text: `Summarise article ${i} in three sentences`, route: 'summarization', lang: 'en' },
    { text: `Is the number ${i * 7} prime, and why does that matter to bees?`, route: null, lang: 'en' },
  ]).flat();
  await writeFile(join(folder, 'rows.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
  await writeFile(join(folder, 'inside.jsonl'), JSON.stringify(rows[0]));
});
afterAll(() => rm(folder, { recursive: true }));

function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['--import', tsx, runner, ...args], { cwd: folder });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((done) => child.on('close', (code) => done({ code, stdout, stderr })));
}

describe('shunt eval', () => {
  it('prints a verdict and tables, and nothing on stderr in a pipe', async () => {
    const { code, stdout, stderr } = await run('eval', '--routes', 'routes', '--data', 'rows.jsonl');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d% of 150 rows are decided right/);
    expect(stdout).toContain('lang = ');
    expect(stdout).toContain('always fallback');
  });

  it('prints one JSON document with the promised keys, which --compare reads again', async () => {
    const { stdout } = await run('eval', '--data', 'rows.jsonl', '--json');
    const report = JSON.parse(stdout) as Record<string, unknown>;
    const keys =
      'rows_read rows_scored duplicates accuracy accuracy_in_scope macro_f1 coverage coverage_in_scope precision_accepted precision_target oos_recall fallback_rate per_route latency_ms baselines embedding';
    for (const key of keys.split(' ')) expect(report).toHaveProperty(key);
    expect(report).toMatchObject({ rows_read: 150, rows_scored: 150, embedding: { alias: 'default' } });
    await writeFile(join(folder, 'a.json'), stdout);
    const compared = await run('eval', '--compare', 'a.json', 'a.json');
    expect(compared.stdout).toMatch(/B is as accurate as A.*on 150 paired rows/);
    const folders = await run('eval', '--data', 'rows.jsonl', '--compare', 'routes', 'a.json', '--json');
    expect(JSON.parse(folders.stdout)).toMatchObject({ paired: 150, difference: 0 });
  });

  it('works on data without an out-of-scope row', async () => {
    const { stdout } = await run('eval', '--data', 'inside.jsonl', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ rows_scored: 1, oos_recall: null });
  });

  it('fails with 1 when the gate does, naming the line; JUnit, annotations and the page beside it', async () => {
    await writeFile(join(folder, 'gate.yaml'), 'minimum: { accuracy: 0.1, rows: 1000 }\n');
    const files = ['--junit', 'junit.xml', '--html', 'page.html'];
    const { code, stdout } = await run(
      'eval',
      '--data',
      'rows.jsonl',
      '--gate',
      'gate.yaml',
      '--annotations',
      ...files,
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/FAIL {2}minimum\.rows: 150, at least 1000 is required/);
    expect(stdout).toContain('::error file=gate.yaml');
    expect(await readFile(join(folder, 'junit.xml'), 'utf8')).toContain('failures="1"');
    expect(await readFile(join(folder, 'page.html'), 'utf8')).toContain('<!doctype html>');
  });

  it('fails with 2 on bad usage and bad data, in a sentence without a stack', async () => {
    await writeFile(join(folder, 'bad.jsonl'), '{"text":"x","route":"nowhere"}\n');
    for (const args of [
      ['eval'],
      ['eval', '--data', 'bad.jsonl'],
      ['eval', '--data', 'rows.jsonl', '--routes', 'none'],
    ]) {
      const { code, stderr } = await run(...args);
      expect(code).toBe(2);
      expect(stderr).not.toMatch(/\n\s+at /);
    }
  });
});

describe('shunt tune', () => {
  it('shows what it would change and writes nothing', async () => {
    const { code, stdout } = await run('tune', '--data', 'rows.jsonl');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^150 labelled rows, 50 of them out of scope/);
    expect(stdout).toContain('Nothing was written');
    expect(await readdir(join(folder, 'routes'))).not.toContain('calibration.json');
  });

  it('writes the calibration when told to, and evaluation then keeps it, until the examples change', async () => {
    const tuned = await run('tune', '--data', 'rows.jsonl', '--write', '--json');
    const found = JSON.parse(tuned.stdout) as { calibration: unknown; written_to: string };
    const written: unknown = JSON.parse(await readFile(found.written_to, 'utf8'));
    expect(written).toEqual(found.calibration);
    expect((await readdir(join(folder, 'routes'))).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    const after = JSON.parse((await run('eval', '--data', 'rows.jsonl', '--json')).stdout) as {
      stale_calibration: string | null;
      per_route: Record<string, { promise: { scope: string } }>;
    };
    expect(after.stale_calibration).toBeNull();
    expect(after.per_route.translation.promise.scope).not.toBe('none');
    const card = { name: 'translation', examples: [...translation.examples, 'In Greek please: hello'] };
    await writeFile(join(folder, 'routes', 'translation.yaml'), JSON.stringify(card));
    const changed = await run('eval', '--data', 'rows.jsonl', '--json');
    expect(JSON.parse(changed.stdout)).toMatchObject({
      stale_calibration: expect.stringContaining('examples have changed'),
    });
  });
});
