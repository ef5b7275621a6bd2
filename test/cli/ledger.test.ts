import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPersonHash } from '../../src/ledger/privacy.ts';
import { openSqliteStore } from '../../src/ledger/sqlite-store.ts';
import { tells } from '../ledger/outcome-contract.ts';
import { emptiestRecord, sampleRecord, usd } from '../ledger/sample-records.ts';

const script = fileURLToPath(new URL('./run-ledger.ts', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
let config: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-cli-ledger-'));
  config = join(folder, 'shunt.yaml');
  file = join(folder, 'ledger.db');
  await writeFile(config, 'ledger: { url: "sqlite:ledger.db" }\n');
  const store = await openSqliteStore(file);
  const person = await createPersonHash({ secretFile: join(folder, '.shunt', 'secret') });
  const time = Date.parse('2026-01-15T10:00:00Z');
  await store.append([
    sampleRecord({ id: 'a', time, cost: usd(9_007_199_254_740_993n), person: person('anna'), tags: ['x, y', 'z'] }),
    { ...emptiestRecord('b'), time: time + 1, requestedModel: '=HYPERLINK("x")' },
    ...Array.from({ length: 2_500 }, (_, i) =>
      sampleRecord({ id: `c${i}`, time: time + 2, key: 'app-c', cost: usd(BigInt(i)) }),
    ),
  ]);
  await store.tell([tells('a', { accepted: false, score: 0.25, source: 'qa' })]);
  await store.close();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function shunt(command: string, ...args: string[]): Promise<Ran> {
  const words = ['--import', 'tsx', script, command, '--config', config, ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, words, { cwd: root, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('shunt ledger export', () => {
  const january = ['--since', '2026-01-01', '--until', '2026-02-01'];

  it('writes every decision once, oldest first, with exact decimals, as CSV', async () => {
    const { code, stdout, stderr } = await shunt('export', ...january);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.split('\r\n');
    expect(lines).toHaveLength(2_504);
    const header = lines[0].split(',');
    expect(header).not.toContain('prompt');
    expect(lines[1]).toMatch(/^a,2026-01-15T10:00:00\.000Z,app-a,"x, y z",chat,auto,/);
    expect(lines[1]).toContain(',9007199254740993,9007199.254740993,1000000,0.001000000,');
    expect(lines[1]).toMatch(/,false,0\.25,qa$/);
    expect(lines[2]).toContain(`,"'=HYPERLINK(""x"")",`);
    const cost = header.indexOf('cost_nano_usd');
    const sum = lines.slice(3, -1).reduce((total, line) => total + BigInt(line.split(',')[cost + 0]), 0n);
    expect(sum).toBe((2_499n * 2_500n) / 2n);
  });

  it('writes the same as JSON Lines, with prompts only when asked', async () => {
    const { stdout } = await shunt('export', ...january, '--format', 'jsonl', '--prompts');
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows).toHaveLength(2_502);
    expect(rows[0]).toMatchObject({
      id: 'a',
      cost_usd: '9007199.254740993',
      tags: ['x, y', 'z'],
      accepted: false,
      prompt: 'hmac:abc',
    });
    expect(rows[1]).toMatchObject({
      id: 'b',
      cost_usd: null,
      cost_nano_usd: null,
      accepted: null,
      first_byte_ms: null,
    });
  });

  it('says that there is no ledger, and makes none', async () => {
    const other = join(folder, 'other.yaml');
    await writeFile(other, 'ledger: { url: "sqlite:nowhere.db" }\n');
    const { code, stderr } = await shunt('export', '--config', other);
    expect(code).toBe(2);
    expect(stderr).toMatch(/There is no ledger at .*nowhere\.db/);
  });
});

describe('shunt ledger erase', () => {
  it('counts, and erases when told so: a person by the name that the client used', async () => {
    const counted = await shunt('erase', '--person', 'anna');
    expect(counted).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^1 decisions in .* would be erased. Add --yes/),
    });
    await writeFile(`${file}.spill.jsonl`, '{}\n');
    const erased = await shunt('erase', '--person', 'anna', '--yes');
    expect(erased.stdout).toMatch(/^1 decisions erased from .*ledger\.db/);
    expect(erased.stderr).toMatch(/holds decisions that wait for the ledger.*erase again/);
    expect((await shunt('erase', '--key', 'app-c', '--yes')).stdout).toMatch(/^2500 decisions erased/);
    const store = await openSqliteStore(file);
    expect([await store.find('a'), await store.find('c7'), (await store.find('b'))?.id]).toEqual([null, null, 'b']);
    await store.close();
  });

  it.each([[[]], [['--key', 'a', '--tag', 'b']]])('wants to know whom: %j', async (args) => {
    const { code, stderr } = await shunt('erase', ...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(/one of --key NAME, --tag TAG, --person ID/);
  });
});
