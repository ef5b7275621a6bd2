/** Runs the command as a process, from source. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const program = `
  import { routesCommand } from ${JSON.stringify(new URL('../../src/cli/routes-check.ts', import.meta.url).href)};
  await routesCommand().parseAsync(process.argv.slice(1), { from: 'user' });
`;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-cli-'));
  await mkdir(join(folder, 'routes'));
  await writeFile(join(folder, 'routes', 'hello.yaml'), 'name: hello\nexamples: [hi, good day]\neval: hello.jsonl\n');
  await writeFile(join(folder, 'routes', 'hello.jsonl'), '');
});
afterEach(() => rm(folder, { recursive: true }));

async function run(...args: string[]) {
  const tsx = new URL(import.meta.resolve('tsx')).href;
  const child = spawn(process.execPath, ['--import', tsx, '--input-type=module', '-e', program, '--', ...args], {
    cwd: folder,
  });
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((settle) => child.on('close', settle)),
  ]);
  return { stdout, stderr, code };
}

it('says that sound cards are sound, without a config', async () => {
  const { stdout, stderr, code } = await run('check');
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  expect(stdout).toContain('hello');
  expect(stdout).toContain('1 route in routes, 2 examples: no faults.');
});

it('lists the faults of config and cards together and exits with 2', async () => {
  await writeFile(join(folder, 'shunt.yaml'), 'routing: { mode: rout }\n');
  await rm(join(folder, 'routes', 'hello.jsonl'));
  const { stdout, stderr, code } = await run('check');
  expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
  expect(stderr.split('\n')).toEqual([
    'shunt.yaml:1 routing.mode = rout: must be one of route, monitor, off. Did you mean route?',
    'routes/hello.yaml:3 eval = hello.jsonl: does not exist. Write the path from the card, or remove the key.',
    '2 faults.',
    '',
  ]);
});

it('prints one JSON document with --json, faults or not', async () => {
  const sound = await run('check', '--json');
  expect(JSON.parse(sound.stdout)).toMatchObject({
    ok: true,
    faults: [],
    routes: [{ name: 'hello', target: 'small' }],
  });
  await writeFile(join(folder, 'routes', 'b.yaml'), 'name: b\n');
  const faulty = await run('check', '--json');
  expect(faulty.code).toBe(2);
  expect(JSON.parse(faulty.stdout)).toMatchObject({ ok: false, faults: [{ file: 'routes/b.yaml', key: 'examples' }] });
});

it('fails for a config that was named and is not there', async () => {
  const { stderr, code } = await run('check', '--config', 'none.yaml');
  expect(stderr).toContain('none.yaml: does not exist.');
  expect(code).toBe(2);
});

it('shows what a card answers for, and helps with a name', async () => {
  const { stdout } = await run('card', 'translation', '--routes', join(root, 'routes'));
  expect(stdout).toMatch(/^translation\n {2}purpose +Translate a given text between languages\.\n/);
  for (const label of ['owner', 'target', 'threshold', 'cache', 'slo', 'evaluation', 'embedding', 'rollback']) {
    expect(stdout).toMatch(new RegExp(`^ {2}${label} +\\S`, 'm'));
  }
});

it('warns of fixed answers without a fresh approval or an owner, and of caching that is switched off', async () => {
  await writeFile(join(folder, 'routes', 'near.yaml'), 'name: near\nexamples: [near]\ncache: { mode: semantic }\n');
  const card = (name: string, target: string) =>
    writeFile(join(folder, 'routes', `${name}.yaml`), `name: ${name}\nexamples: [${name}]\ntarget: ${target}\n`);
  await card('fresh', `{ answer: Yes, approved: ${new Date().toISOString().slice(0, 10)}, owner: support }`);
  await card('nobodys', '{ answer: Yes }');
  await card('old', '{ answer: Yes, approved: 2020-02-29, owner: support, review_after: 90d }');
  await card('early', '{ answer: Yes, approved: 2999-01-01, owner: support }');
  const { stdout, stderr, code } = await run('check');
  expect(code).toBe(0);
  expect(stdout).toContain('fixed-answer');
  const warned = stderr
    .trim()
    .split('\n')
    .map((line) => line.replace(/: \S+\.yaml: /, ': '));
  expect(warned.sort()).toEqual([
    "warning: 'near' is cached exactly: its cache.mode is semantic, but cache.semantic.enabled is false.",
    "warning: the fixed answer of 'early' is approved only from 2999-01-01 on. Correct the day.",
    "warning: the fixed answer of 'nobodys' has no owner. Add target.owner.",
    "warning: the fixed answer of 'nobodys' was never approved. Add target.approved with the day on which it was.",
    "warning: the fixed answer of 'old' was approved on 2020-02-29, more than 90 days ago. Read it again, and renew target.approved.",
  ]);
});
