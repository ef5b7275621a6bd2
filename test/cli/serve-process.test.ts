/** The proxy as a process: how it starts, what it says when it cannot, how it stops. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { chatBody, post } from '../proxy-harness.ts';

const main = resolve(import.meta.dirname, '../../dist/cli/main.js');
const children: ChildProcess[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function folderWith(yaml: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'shunt-process-'));
  folders.push(folder);
  await writeFile(join(folder, 'shunt.yaml'), yaml);
  return folder;
}

interface Run {
  readonly child: ChildProcess;
  readonly url: Promise<string>;
  readonly ended: Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>;
}

function run(cwd: string, args: string[]): Run {
  const child = spawn(process.execPath, [main, ...args], { cwd });
  children.push(child);
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Awaited<Run['ended']>>((done) => {
    child.on('close', (code, signal) => done({ code, signal, stdout, stderr }));
  });
  const url = new Promise<string>((found, failed) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      const match = /listens on (http:\/\/\S+)/.exec(stdout);
      if (match) found(match[1]);
    });
    void ended.then((end) => failed(new Error(`ended with ${end.code}: ${end.stderr}`)));
  });
  url.catch(() => undefined);
  return { child, url, ended };
}

describe('shunt serve', () => {
  test('runs with no configuration at all, and keeps what it acknowledged through SIGTERM', async () => {
    const folder = await folderWith('ledger: { flush_ms: 5 }\n');
    const { child, url, ended } = run(folder, ['serve', '--port', '0']);
    const response = await post(`${await url}/v1/chat/completions`, chatBody('Translate to French: good morning'));
    expect(response.headers.get('x-shunt-model')).toBe('small');
    expect(response.headers.get('x-shunt-route')).toBe('translation');
    await response.arrayBuffer();
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
    const report = await run(folder, ['report', '--format', 'json']).ended;
    expect(report.stdout).toContain('translation');
  });

  test('loses nothing that was flushed when it is killed', async () => {
    const folder = await folderWith('ledger: { flush_ms: 5 }\ntelemetry: { log: error }\n');
    const { child, url, ended } = run(folder, ['serve', '--port', '0']);
    const base = await url;
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) {
      const response = await post(`${base}/v1/chat/completions`, chatBody(`Translate to French: ${i} trains`));
      await response.arrayBuffer();
      ids.push(response.headers.get('x-shunt-request-id') ?? '');
    }
    await expect.poll(async () => (await fetch(`${base}/v1/decisions/${ids[19]}`)).status).toBe(200);
    await new Promise((wait) => setTimeout(wait, 200));
    child.kill('SIGKILL');
    await ended;
    const again = run(folder, ['serve', '--port', '0']);
    const restarted = await again.url;
    for (const id of ids) expect((await fetch(`${restarted}/v1/decisions/${id}`)).status).toBe(200);
  });

  test('says in one sentence that the port is in use, and ends with 2', async () => {
    const taken = createServer();
    await new Promise<void>((listening) => taken.listen(0, '127.0.0.1', listening));
    const address = taken.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const { code, stderr } = await run(await folderWith('telemetry: { log: error }\n'), [
      'serve',
      '--port',
      String(port),
    ]).ended;
    taken.close();
    expect(code).toBe(2);
    expect(stderr).toMatch(new RegExp(`Port ${port} on 127.0.0.1 is in use`));
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  test('reports every fault of a broken config together, and ends with 2', async () => {
    const folder = await folderWith('server: { prot: 1 }\nrouting: { budget_ms: fast }\n');
    const { code, stderr } = await run(folder, ['serve']).ended;
    expect(code).toBe(2);
    expect(stderr).toContain('shunt.yaml:1');
    expect(stderr).toContain('shunt.yaml:2');
    expect(stderr).toContain('port');
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  test('refuses to open itself to others without keys', async () => {
    const { code, stderr } = await run(await folderWith(''), ['serve', '--host', '0.0.0.0']).ended;
    expect([code, stderr]).toEqual([2, expect.stringContaining('auth.keys') as string]);
  });

  test('takes a changed card over by itself, and on SIGHUP', async () => {
    const folder = await folderWith('routing: { routes: cards }\ntelemetry: { log: info }\n');
    const { mkdir } = await import('node:fs/promises');
    await mkdir(join(folder, 'cards'));
    const card = (name: string) =>
      `name: ${name}\nthreshold: 0\nexamples: [ "Translate to French: bread", "How do you say tree in German" ]\n`;
    await writeFile(join(folder, 'cards/a.yaml'), card('first'));
    const { child, url } = run(folder, ['serve', '--port', '0']);
    const base = await url;
    const models = async () => (await (await fetch(`${base}/v1/models`)).text()).match(/auto:\w+/g);
    expect(await models()).toEqual(['auto:first']);
    await writeFile(join(folder, 'cards/a.yaml'), card('second'));
    await expect.poll(models, { timeout: 10_000 }).toEqual(['auto:second']);
    child.kill('SIGHUP');
    await expect.poll(models).toEqual(['auto:second']);
  });
});

describe('the command line', () => {
  test.each([
    ['--help'],
    ['serve', '--help'],
    ['route', '--help'],
    ['routes', 'check', '--help'],
    ['eval', '--help'],
    ['tune', '--help'],
    ['report', '--help'],
    ['models', 'add', '--help'],
    ['simulate', '--help'],
  ])('shunt %s %s shows an example', async (...args: string[]) => {
    const { code, stdout } = await run(
      tmpdir(),
      args.filter((arg) => arg !== undefined),
    ).ended;
    expect(code).toBe(0);
    expect(stdout).toContain('Example');
  });

  test('an unknown command or flag ends with 2 and no stack trace', async () => {
    for (const args of [['nonsense'], ['serve', '--prot', '1']]) {
      const { code, stderr } = await run(tmpdir(), args).ended;
      expect(code).toBe(2);
      expect(stderr).not.toMatch(/\n\s+at /);
    }
  });
});
