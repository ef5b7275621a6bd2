/**
 * Golden files: a faulty `shunt.yaml`, `----------`, and every fault as the user reads it. A first line
 * `# env NAME=value …` sets the environment. `UPDATE_GOLDEN=1` rewrites what is expected; read the difference.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { messageOf } from '../../src/base/errors.ts';
import { loadConfig } from '../../src/config/load.ts';

const golden = join(import.meta.dirname, 'golden');
const names = (await readdir(golden)).sort();
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a faulty shunt.yaml is reported with all its faults', () => {
  it.each(names)('%s', async (name) => {
    const [input, expected] = (await readFile(join(golden, name), 'utf8')).split('----------\n');
    const file = join(folder, 'shunt.yaml');
    await writeFile(file, input);
    const message = await loadConfig(file, { env: environmentOf(input), explicit: true }).then(
      () => 'loads',
      messageOf,
    );
    const found = `${message.replaceAll(file, 'shunt.yaml')}\n`;
    if (process.env.UPDATE_GOLDEN) await writeFile(join(golden, name), `${input}----------\n${found}`);
    else expect(found).toBe(expected);
  });
});

function environmentOf(input: string): Record<string, string> {
  const line = /^# env (.*)$/m.exec(input)?.[1] ?? '';
  return Object.fromEntries(line.split(' ').map((pair) => pair.split('=')));
}
