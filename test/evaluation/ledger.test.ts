/** `shunt eval --from-ledger` and `shunt label` as processes, on a ledger of their own; and the file of labels. */
import { spawn } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLabelFile } from '../../src/evaluation/labels.ts';
import { openSqliteStore } from '../../src/ledger/sqlite-store.ts';
import { sampleRecord } from '../ledger/sample-records.ts';
import { summarization, translation } from '../routing/cards.ts';

const runner = resolve(import.meta.dirname, 'run-command.ts');
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-recorded-'));
  await mkdir(join(folder, 'routes'));
  for (const { name, examples } of [summarization, translation])
    await writeFile(join(folder, 'routes', `${name}.yaml`), JSON.stringify({ name, examples, threshold: 0.3 }));
  const models_dir = resolve(import.meta.dirname, '../../models');
  await writeFile(
    join(folder, 'shunt.yaml'),
    JSON.stringify({ routing: { models_dir }, ledger: { url: 'sqlite:full.db', prompts: 'full' } }),
  );
  await writeFile(
    join(folder, 'hash.yaml'),
    JSON.stringify({ routing: { models_dir }, ledger: { url: 'sqlite:hash.db' } }),
  );
  const time = Date.now() - 3_600_000;
  const full = await openSqliteStore(join(folder, 'full.db'));
  await full.append([
    sampleRecord({ id: 'a', time, prompt: 'Translate to Swedish: the lift is broken' }),
    // Decided otherwise than today's snapshot does.
    sampleRecord({ id: 'b', time, prompt: 'Translate to Danish: the door is open', route: 'summarization' }),
    sampleRecord({
      id: 'c',
      time,
      prompt: 'Why is the sky so blue?',
      route: null,
      reason: 'below-threshold',
      score: 0.1,
    }),
    sampleRecord({ id: 'd', time, prompt: 'hello', route: null, reason: 'explicit-model', score: null }),
    sampleRecord({
      id: 'e',
      time,
      prompt: 'Summarise',
      status: 502,
      errorCode: 'backend_error',
      route: null,
      wouldRoute: 'summarization',
      reason: 'failover',
      attempts: 2,
    }),
  ]);
  await full.close();
  const hashed = await openSqliteStore(join(folder, 'hash.db'));
  await hashed.append([sampleRecord({ id: 'a', time, prompt: `hmac:${'x'.repeat(43)}` })]);
  await hashed.close();
});
afterAll(() => rm(folder, { recursive: true }));

function run(args: readonly string[], typed = ''): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['--import', tsx, runner, ...args], { cwd: folder });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin.end(typed);
  return new Promise((done) => child.on('close', (code) => done({ code, stdout, stderr })));
}

const linesOf = async (file: string) =>
  (await readFile(join(folder, file), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { text: string; route: string | null; id: string; labelled_at: string });

describe('shunt eval --from-ledger', () => {
  it('counts decisions, reasons and outcomes, joins labels, and finds what today decides otherwise', async () => {
    await writeFile(
      join(folder, 'labels.jsonl'),
      [
        { text: 'another text', route: 'translation', id: 'a' },
        { text: 'translate to Danish: the door is open.', route: 'translation' },
        { text: 'Why is the sky so blue?', route: null, id: 'c' },
      ]
        .map((row) => JSON.stringify(row))
        .join('\n'),
    );
    const { stdout, stderr } = await run(['eval', '--from-ledger', '--labels', 'labels.jsonl', '--json']);
    expect(stderr).toBe('');
    const report = JSON.parse(stdout) as Record<string, unknown>;
    expect(report).toMatchObject({
      decisions: 5,
      asked: 4,
      coverage: 0.5,
      coverage_chosen: 0.75,
      fallback_reasons: { 'below-threshold': 1, failover: 1 },
      per_route: { summarization: { decisions: 2, diverted: 1, errors: 1 } },
      outcomes: { errors: 1, retried: 1, error_codes: { backend_error: 1 } },
      labelled: 3,
      agreement: { rows_scored: 3, accuracy: 2 / 3, oos_recall: 1 },
      drift: { compared: 4 },
    });
    expect(JSON.stringify(report.drift)).toContain('{"from":"summarization","to":"translation"');
    const text = await run(['eval', '--from-ledger', '--labels', 'labels.jsonl']);
    expect(text.stdout).toMatch(/^5 decisions from .*66\.7% of 3 labelled decisions were right/);
    expect(text.stdout).not.toMatch(/NaN|undefined/);
  });

  it('says which setting keeps the text, and that there is no ledger', async () => {
    const hashed = await run(['eval', '--from-ledger', '-c', 'hash.yaml']);
    expect(hashed.stdout).toMatch(/^1 decisions[\s\S]*No drift could be looked for.*ledger\.prompts to full/);
    const label = await run(['label', '-c', 'hash.yaml']);
    expect(label).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Set ledger.prompts to full, or to redacted'),
    });
    await writeFile(join(folder, 'away.yaml'), JSON.stringify({ ledger: { url: 'sqlite:away.db' } }));
    expect((await run(['label', '-c', 'away.yaml'])).stderr).toMatch(/There is no ledger at .*away\.db/);
    expect((await run(['eval', '--from-ledger', '--data', 'x'])).stderr).toMatch(/--data does not go with/);
  });
});

describe('shunt label', () => {
  it('asks the drifted first, writes answers, undoes, skips, and goes on where it ended', async () => {
    const first = await run(['label', '--out', 'out.jsonl'], 'x\nf trans\nn\nu\ns\nq\n');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(/^1 of 4 · (drifted|near|uncertain|random)/);
    expect(first.stdout).toContain("'x' means nothing here");
    expect(first.stdout).toContain('1 label appended to out.jsonl, which has 1 now');
    const [only, ...none] = await linesOf('out.jsonl');
    expect(none).toEqual([]);
    expect(only.route).toBe('translation');
    expect(Number.isNaN(Date.parse(only.labelled_at))).toBe(false);
    const second = await run(['label', '--out', 'out.jsonl'], '1\nn\nn\n');
    expect(second.stdout).toContain('1 of 3');
    expect(new Set((await linesOf('out.jsonl')).map(({ id }) => id))).toEqual(new Set(['a', 'b', 'c', 'e']));
    expect((await run(['label', '--out', 'out.jsonl'])).stdout).toContain('are in out.jsonl already');
    const evaluated = await run(['eval', '--data', 'out.jsonl', '--json']);
    expect(JSON.parse(evaluated.stdout)).toMatchObject({ rows_read: 4 });
  });
});

describe('the file of labels', () => {
  const label = (id: string) => ({ id, text: `prompt ${id}`, route: null, labelled_at: '2026-01-01T00:00:00Z' });

  it('takes off a line that a crash cut in half, and keeps a whole one without its line end', async () => {
    const path = join(folder, 'crash.jsonl');
    await writeFile(path, `${JSON.stringify(label('1'))}\n{"text":"half`);
    const file = await openLabelFile(path);
    expect(file.found).toBe(1);
    await file.append(label('2'));
    await file.close();
    expect((await linesOf('crash.jsonl')).map(({ id }) => id)).toEqual(['1', '2']);
    await appendFile(path, JSON.stringify(label('3')));
    const again = await openLabelFile(path);
    expect([again.found, again.has('3', 'x'), again.has('x', 'Prompt 3!')]).toEqual([3, true, true]);
    await again.append(label('4'));
    expect(await again.undo()).toMatchObject({ id: '4' });
    expect(await again.undo()).toBeNull();
    await again.close();
    expect((await linesOf('crash.jsonl')).map(({ id }) => id)).toEqual(['1', '2', '3']);
  });

  it('leaves a file alone that holds something else', async () => {
    const path = join(folder, 'notes.txt');
    await writeFile(path, 'dear diary');
    await expect(openLabelFile(path)).rejects.toThrow(/is not a file of labels/);
    expect(await readFile(path, 'utf8')).toBe('dear diary');
  });
});
