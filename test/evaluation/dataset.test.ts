import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DataRow, type DatasetOptions, readDataset } from '../../src/evaluation/dataset.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-dataset-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(content: string | Buffer, options: Partial<DatasetOptions> & { readonly name?: string } = {}) {
  const { name = 'rows.jsonl', ...rest } = options;
  const file = join(folder, name);
  await writeFile(file, content);
  const rows: DataRow[] = [];
  for await (const row of readDataset({ files: [file], knownRoutes: null, ...rest })) rows.push(row);
  return rows;
}

const line = (text: string, route: string | null, more = {}) => JSON.stringify({ text, route, ...more });

describe('JSON Lines', () => {
  it('give text, route and the other fields, with file and line', async () => {
    const rows = await read(`${line('hi', 'greeting', { lang: 'en' })}\n\n${line('why', null)}\n`);
    expect(rows).toMatchObject([
      { text: 'hi', route: 'greeting', extra: { lang: 'en' }, line: 1 },
      { text: 'why', route: null, line: 3 },
    ]);
  });

  it('bear a byte order mark, Windows line ends and no newline at the end', async () => {
    const rows = await read(`\ufeff${line('a', 'r')}\r\n${line('b', 'r')}`);
    expect(rows.map((row) => row.text)).toEqual(['a', 'b']);
  });

  it('may be gzip-compressed', async () => {
    expect(await read(gzipSync(line('a', 'r')), { name: 'rows.jsonl.gz' })).toHaveLength(1);
  });

  it('may hold messages, of which the last user message is the prompt', async () => {
    const messages = [
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'first' },
      { role: 'assistant', content: 'yes' },
      { role: 'user', content: [{ type: 'text', text: 'second' }] },
    ];
    const rows = await read(JSON.stringify({ messages, route: 'r' }));
    expect(rows[0]).toMatchObject({ text: 'second', extra: {} });
  });

  it('may use other names, and a label for out of scope', async () => {
    const content = [
      { q: 'a', intent: 'oos' },
      { q: 'b', intent: '' },
      { q: 'c', intent: 'r' },
    ].map((row) => JSON.stringify(row));
    const rows = await read(content.join('\n'), { textField: 'q', routeField: 'intent', oosLabels: ['oos'] });
    expect(rows.map((row) => row.route)).toEqual([null, null, 'r']);
  });

  it('can be cut to a number of rows, and to rows with a value', async () => {
    const content = [
      line('a', 'r', { split: 'test' }),
      line('b', 'r', { split: 'train' }),
      line('c', 'r', { split: 'test' }),
    ].join('\n');
    expect((await read(content, { where: { split: 'test' } })).map((row) => row.text)).toEqual(['a', 'c']);
    expect(await read(content, { limit: 2 })).toHaveLength(2);
  });
});

describe('CSV', () => {
  it('has quoted fields, doubled quotes and line breaks inside them', async () => {
    const rows = await read('text,route,lang\r\n"say ""hi"", please\nnow",greeting,en\r\nplain,,de\r\n', {
      name: 'rows.csv',
    });
    expect(rows).toMatchObject([
      { text: 'say "hi", please\nnow', route: 'greeting', extra: { lang: 'en' }, line: 2 },
      { text: 'plain', route: null, line: 4 },
    ]);
  });

  it('may be separated by semicolons', async () => {
    expect(await read('text;route\nhi;greeting\n', { name: 'rows.csv' })).toMatchObject([
      { text: 'hi', route: 'greeting' },
    ]);
  });

  it('names the line of a row with too few fields', async () => {
    await expect(read('text,route\nok,r\nalone\n', { name: 'rows.csv' })).rejects.toThrow(
      /rows\.csv:3: the row has 1 fields/,
    );
  });

  it('names the line of a quote that is never closed', async () => {
    await expect(read('text,route\n"never,r\nmore,r\n', { name: 'rows.csv' })).rejects.toThrow(
      /rows\.csv:2: a quote is never closed/,
    );
  });
});

describe('bad data', () => {
  it('is named with file and line, all of it together', async () => {
    const content = [
      ...Array.from({ length: 16 }, (_, i) => line(`p${i}`, 'r')),
      '{broken',
      '{"route":"r"}',
      '{"text":"x"}',
    ].join('\n');
    const failure = await read(content).catch((error: unknown) => String(error));
    expect(failure).toMatch(/rows\.jsonl:17 = \{broken: is not a JSON object/);
    expect(failure).toMatch(/rows\.jsonl:18 text: the row has no prompt/);
    expect(failure).toMatch(/rows\.jsonl:19 route: the row has no route/);
  });

  it('stops after twenty faults', async () => {
    const failure = await read('nonsense\n'.repeat(1_000)).catch((error: unknown) => String(error));
    expect(String(failure).split('\n')).toHaveLength(20);
  });

  it('names routes that no card has, once each, with the fix', async () => {
    const content = [line('a', 'oos'), line('b', 'oos'), line('c', 'r')].join('\n');
    await expect(read(content, { knownRoutes: ['r'] })).rejects.toThrow(
      /:1 route = oos: no card has this name \(2 rows\); the cards are r\. .*--oos-label oos/,
    );
  });

  it('names ids that occur twice', async () => {
    const content = [line('a', 'r', { id: 7 }), line('b', 'r', { id: 7 })].join('\n');
    await expect(read(content)).rejects.toThrow(/:2 id = 7: is also the id of .*:1/);
  });

  it('is an empty file, a missing one, a folder, a cut gzip file', async () => {
    await expect(read('')).rejects.toThrow(/has no rows/);
    await expect(read('', { files: [join(folder, 'none.jsonl')] })).rejects.toThrow(/none\.jsonl does not exist/);
    await expect(read('', { files: [folder] })).rejects.toThrow(/is a folder/);
    const whole = gzipSync(line('a', 'r').repeat(1_000));
    await expect(read(whole.subarray(0, whole.length - 20), { name: 'cut.jsonl.gz' })).rejects.toThrow(
      /not a whole gzip file/,
    );
  });
});

describe('a file of 200 MB', () => {
  it('is read in bounded memory', async () => {
    const file = join(folder, 'large.jsonl');
    const handle = await open(file, 'w');
    const block = `${line('a prompt of some usual length, '.repeat(60), 'r')}\n`.repeat(1_000);
    for (let written = 0; written < 200e6; written += block.length) await handle.write(block);
    await handle.close();
    const before = process.memoryUsage().rss;
    let most = before;
    let rows = 0;
    for await (const _ of readDataset({ files: [file], knownRoutes: ['r'] })) {
      if (++rows % 10_000 === 0) most = Math.max(most, process.memoryUsage().rss);
    }
    expect(rows).toBeGreaterThan(100_000);
    expect(most - before).toBeLessThan(150e6);
  });
});
