import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSource } from './source-process.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-prices-'));
  await writeFile(
    join(folder, 'shunt.yaml'),
    `backends: { openai: { base_url: "https://api.openai.com/v1" }, here: { base_url: "http://127.0.0.1:1/v1" } }
models:
  small: { backend: openai, model: gpt-4.1-mini }
  large: { backend: here, model: llama, usd_per_million: { input: 1.5, output: 2.125 } }
  other: { backend: here, model: llama }
  aged: { backend: here, model: elder }
prices: { file: prices.yaml }
`,
  );
  await writeFile(
    join(folder, 'prices.yaml'),
    'models: [{ name: elder, usd_per_million: { input: 1, output: 2 }, source: contract 17, date: 2020-01-31 }]\n',
  );
});
afterAll(() => rm(folder, { recursive: true }));

const prices = (...args: string[]) => runSource(folder, ['prices', ...args]).ended;

describe('shunt prices', () => {
  it('shows each model with its price, exactly, and where that is from', async () => {
    const { code, stdout } = await prices('--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      { model: 'small', input: '0.40', cached_input: '0.10', output: '1.60', from: 'shipped' },
      { model: 'large', input: '1.50', output: '2.125', from: 'config', date: null },
      { model: 'other', input: null, output: null, from: 'none' },
      { model: 'aged', input: '1.00', from: 'file', source: 'contract 17', date: '2020-01-31' },
    ]);
  });

  it('fails a check that a model without a price, or an old one, does not pass, and names it', async () => {
    const { code, stdout, stderr } = await prices('--check', '--max-age', '365');
    expect(code).toBe(1);
    expect(stdout).toContain('unpriced');
    expect(stderr).toContain('Without a price: other.');
    expect(stderr).toContain('aged (2020-01-31)');
    const shipped = await prices('--shipped', '--check', '--max-age', '99999');
    expect(shipped).toMatchObject({ code: 0, stderr: '' });
    expect((await prices('--max-age', 'soon')).code).toBe(2);
  });
});
