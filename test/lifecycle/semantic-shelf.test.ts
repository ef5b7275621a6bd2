/** What the shelf of the semantic cache does with the file of an earlier process. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { normalise } from '../../src/base/vector.ts';
import { readLabelledPairs } from '../../src/lifecycle/labelled-pairs.ts';
import { createSemanticShelf, type SemanticShelf } from '../../src/lifecycle/semantic-shelf.ts';

let folder = '';
let notices: { readonly message: string; readonly fields: Record<string, unknown> }[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-shelf-'));
  notices = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const identity = { alias: 'default', name: 'm', version: '1', fingerprint: 'sha256:aa', dimensions: 8, maxTokens: 64 };
const vector = normalise(Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8]));
const entry = {
  ...{ entryId: 'k', partition: 'p', route: 'faq', tenant: 'key:a', tags: [], storedAt: 1, expiresAt: 1e15 },
  ...{ text: 'What is the capital of Peru?', vector },
};

function shelf(changed: { readonly keepsPrompts?: boolean; readonly stateDir?: string } = {}): SemanticShelf {
  return createSemanticShelf({
    stateDir: folder,
    keepsPrompts: true,
    saveEveryMs: 1e9,
    maxBytes: 1 << 20,
    verifyShare: 0,
    now: () => 1_000,
    random: () => 0.5,
    onNotice: (message, fields) => notices.push({ message, fields }),
    ...changed,
  });
}

async function written(changed: { readonly keepsPrompts?: boolean } = {}): Promise<string> {
  const own = shelf(changed);
  const cache = await own.take(identity);
  cache.put(entry);
  cache.judge('faq', { score: 0.9, served: false }, true);
  await own.close();
  const [name] = await readdir(join(folder, 'semantic'));
  return join(folder, 'semantic', name);
}

describe('the shelf of the semantic cache', () => {
  it('gives back what was put on it, in a file that only its owner reads, and no draft beside it', async () => {
    const file = await written();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const own = shelf();
    const cache = await own.take(identity, () => Promise.reject(new Error('it is not new')));
    expect(cache.stats()).toMatchObject({ entries: 1, evidence: [{ verified: 1 }] });
    expect(await own.take(identity)).toBe(cache);
    expect(await readdir(join(folder, 'semantic'))).toHaveLength(1);
    expect(notices).toEqual([]);
  });

  it('keeps no prompt where none may be kept, and the evidence all the same', async () => {
    const file = await written({ keepsPrompts: false });
    expect((await readFile(file)).includes('Peru')).toBe(false);
    const cache = await shelf().take(identity);
    expect(cache.stats()).toMatchObject({ entries: 0, evidence: [{ route: 'faq', verified: 1 }] });
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['half written', (bytes) => bytes.subarray(0, bytes.length >> 1)],
    ['empty', () => Buffer.alloc(0)],
    ['poisoned in its text', (bytes) => swapped(bytes, 'Peru', 'Cuba')],
    ['poisoned in its vectors', (bytes) => Buffer.concat([bytes.subarray(0, -2), Buffer.from([1, 2])])],
    ['longer than it was', (bytes) => Buffer.concat([bytes, Buffer.from('more')])],
    ['of another model', (bytes) => swapped(bytes, 'sha256:aa', 'sha256:bb')],
    ['something else', () => Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ])('refuses a file that is %s, says so, and begins anew', async (_, spoil) => {
    const file = await written();
    await writeFile(file, spoil(await readFile(file)));
    const own = shelf();
    let taught = 0;
    const cache = await own.take(identity, async () => {
      taught++;
    });
    expect({ taught, entries: cache.stats().entries }).toEqual({ taught: 1, entries: 0 });
    expect(notices).toEqual([
      {
        message: 'the stored semantic cache was refused and begins anew',
        fields: { file, reason: expect.any(String) as string },
      },
    ]);
    cache.put(entry);
    await own.close();
    expect((await shelf().take(identity)).stats().entries).toBe(1);
  });

  it('never gives one model the vectors of another', async () => {
    await written();
    const own = shelf();
    expect((await own.take({ ...identity, fingerprint: 'sha256:cc' })).stats().entries).toBe(0);
    expect((await own.take(identity)).stats().entries).toBe(1);
  });

  it('forgets a cache that could not be taught', async () => {
    const own = shelf();
    await expect(own.take(identity, () => Promise.reject(new Error('no pairs')))).rejects.toThrow('no pairs');
    expect(own.current).toBeNull();
  });

  it('says when it cannot write, and goes on', async () => {
    await writeFile(join(folder, 'file'), '');
    await mkdir(join(folder, 'state'));
    const own = shelf({ stateDir: join(folder, 'file') });
    const cache = await own.take(identity);
    cache.put(entry);
    await own.close();
    expect(notices.at(-1)?.message).toBe('the semantic cache could not be written');
  });
});

describe('labelled pairs', () => {
  const file = () => join(folder, 'pairs.jsonl');

  it('are read from JSON Lines, for one route or all', async () => {
    await writeFile(file(), '{"a":"x","b":"y","same":true}\n\n{"a":"x","b":"z","same":false,"route":"faq","more":1}\n');
    expect(await readLabelledPairs(file())).toEqual([
      { a: 'x', b: 'y', same: true, route: null },
      { a: 'x', b: 'z', same: false, route: 'faq' },
    ]);
  });

  it.each([
    ['{"a":"x","b":"y"}', 'pairs.jsonl:1 same: '],
    ['{"a":"x","b":"y","same":true}\nnonsense', 'pairs.jsonl:2 is not JSON'],
  ])('are refused with the line: %s', async (text, words) => {
    await writeFile(file(), text);
    await expect(readLabelledPairs(file())).rejects.toThrow(words);
  });

  it('must be there', async () => {
    await expect(readLabelledPairs(file())).rejects.toThrow('cannot be read');
  });
});

function swapped(bytes: Buffer, from: string, to: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1');
}
