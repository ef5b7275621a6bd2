/** `shunt cache` as a process, against a running proxy. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';
import { chatBody, post, startProxy, type TestProxy } from '../proxy-harness.ts';

const program = `
  import { cacheCommand } from ${JSON.stringify(new URL('../../src/cli/cache.ts', import.meta.url).href)};
  try { await cacheCommand().parseAsync(process.argv.slice(1), { from: 'user' }); }
  catch (error) { process.stderr.write(error.message + '\\n'); process.exitCode = 2; }
`;

let proxy: TestProxy;
beforeAll(async () => {
  proxy = await startProxy();
});

async function run(...args: string[]) {
  const tsx = new URL(import.meta.resolve('tsx')).href;
  const child = spawn(process.execPath, ['--import', tsx, '--input-type=module', '-e', program, '--', ...args], {
    cwd: proxy.folder,
  });
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((settle) => child.on('close', settle)),
  ]);
  return { stdout, stderr, code };
}

const here = () => ['--url', proxy.url];
const json = async (...args: string[]) => JSON.parse((await run(...args, ...here(), '--json')).stdout);

/** What the command asks of the proxy: a process for each would only take time. */
async function admin(path: string, body?: object) {
  const answer = body
    ? await post(`${proxy.url}/admin/cache${path}`, JSON.stringify(body))
    : await fetch(`${proxy.url}/admin/cache${path}`);
  return JSON.parse(await answer.text());
}
const explained = (text: string, more: object = {}) => admin('/explain', { text, ...more });

// A process for each command takes seconds on a busy machine.
describe('shunt cache', { timeout: 60_000 }, () => {
  it('warms from a file, shows what is stored, explains it, and lets it go', async () => {
    const rows = [
      { text: 'What is the capital of Peru?' },
      { messages: [{ role: 'user', content: 'How many legs does a spider have?' }], temperature: 0.1 },
      { text: 'Translate to French: bread' },
    ];
    await writeFile(join(proxy.folder, 'warm.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const warmed = await run('warm', 'warm.jsonl', ...here());
    expect(warmed).toMatchObject({ stderr: '', code: 0 });
    expect(warmed.stdout).toBe('3 asked: 2 stored, 0 already there, 1 not cacheable, 0 failed.\n');
    expect(await admin('')).toMatchObject({ exact: { memory: { entries: 2 } }, semantic: null });
    expect((await run('stats', ...here())).stdout).toContain('memory');

    const known = await json('explain', 'What is the capital of Peru?');
    expect(known).toMatchObject({ route: 'facts', target: 'small', mode: 'exact', outcome: 'hit', refusal: null });
    const words = await run('explain', 'Translate to French: bread', ...here());
    expect(words.stdout).toContain('bypass: the caches would take no part');
    expect(words.stdout).toContain('route-does-not-cache');
    const other = await explained('What is the capital of Peru?', { tenant: 'key:somebody' });
    expect(other.outcome).toBe('miss');

    expect((await admin('/purge', { route: 'translation' })).purged.answers).toBe(0);
    expect((await admin('/purge', { route: 'facts', older_than: '1h' })).purged.answers).toBe(0);
    expect((await run('purge', '--route', 'facts', ...here())).stdout).toMatch(/^2 answers/);
    expect((await explained('What is the capital of Peru?')).outcome).toBe('miss');
  });

  it('purges by tag, tenant and person', async () => {
    const ask = (extra: Record<string, unknown>, headers: Record<string, string> = {}) =>
      post(`${proxy.url}/v1/chat/completions`, chatBody('What is the capital of Peru?', extra), headers);
    for (const asked of [
      ask({ seed: 1 }, { 'x-shunt-tags': 'team-a, batch' }),
      ask({ seed: 2 }, { 'x-shunt-tags': 'team-b' }),
      ask({ seed: 3 }),
      ask({ user: 'anna@example.com' }),
    ])
      await (await asked).arrayBuffer();
    expect((await admin('/purge', { person: 'anna@example.com' })).purged.answers).toBe(1);
    expect((await admin('/purge', { tag: 'batch' })).purged.answers).toBe(1);
    expect((await admin('/purge', { tenant: 'nobody' })).purged.answers).toBe(0);
    expect((await json('purge', '--all')).purged.answers).toBe(2);
  });

  it('says in a sentence what is missing', async () => {
    expect(await run('purge', ...here())).toMatchObject({ code: 2, stdout: '' });
    const nobody = await run('stats', '--url', 'http://127.0.0.1:1');
    expect(nobody.code).toBe(2);
    expect(nobody.stderr).toContain('No proxy answers at http://127.0.0.1:1');
    expect(nobody.stderr).not.toContain('    at ');
    await writeFile(join(proxy.folder, 'broken.jsonl'), '{"text":"x"}\n{"words":"y"}\n');
    expect((await run('warm', 'broken.jsonl', ...here())).stderr).toContain("broken.jsonl:2: has neither 'text' nor");
  });

  it('needs an admin key where keys are asked for', async () => {
    const hash = (key: string) => `sha256:${createHash('sha256').update(key).digest('hex')}`;
    const keys = [
      { name: 'app', hash: hash('app-key') },
      { name: 'ops', hash: hash('ops-key'), admin: true },
    ];
    const own = await startProxy({ auth: { keys } });
    const asked = async (key: string) =>
      (await fetch(`${own.url}/admin/cache`, { headers: { authorization: `Bearer ${key}` } })).status;
    expect([await asked('app-key'), await asked('ops-key')]).toEqual([403, 200]);
    const refused = await run('stats', '--url', own.url, '--key', 'app-key');
    expect(refused.stderr).toContain('needs an admin key');
  });
});
