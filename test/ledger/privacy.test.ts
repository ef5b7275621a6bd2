import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPersonHash, createPromptKeeper, redactPrompt } from '../../src/ledger/privacy.ts';
import { redactionRecognisers } from '../../src/ledger/recognisers.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-privacy-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('createPromptKeeper', () => {
  it('keeps nothing, the text, or a hash, as it is told', async () => {
    const secretFile = join(folder, 'modes');
    expect((await createPromptKeeper({ mode: 'none', secretFile }))('hello')).toBeNull();
    expect((await createPromptKeeper({ mode: 'full', secretFile }))('hello')).toBe('hello');
    await expect(stat(secretFile)).rejects.toMatchObject({ code: 'ENOENT' });
    const hash = await createPromptKeeper({ mode: 'hash', secretFile });
    expect(hash('hello')).toMatch(/^hmac:[\w-]{43}$/);
    expect(hash('hello')).toBe(hash('hello'));
    expect(hash('hello')).not.toBe(hash('hello '));
  });

  it('makes a secret of this installation that only its owner reads, and uses it again', async () => {
    const secretFile = join(folder, '.shunt', 'secret');
    const first = await createPromptKeeper({ mode: 'hash', secretFile });
    const second = await createPromptKeeper({ mode: 'hash', secretFile });
    expect((await stat(secretFile)).mode & 0o777).toBe(0o600);
    expect(second('hello')).toBe(first('hello'));
    const elsewhere = await createPromptKeeper({ mode: 'hash', secretFile: join(folder, 'other') });
    expect(elsewhere('hello')).not.toBe(first('hello'));
    expect(first('hello')).not.toContain((await readFile(secretFile, 'utf8')).trim());
  });

  it('agrees on one secret when several processes start together', async () => {
    const secretFile = join(folder, 'together');
    const keepers = await Promise.all(
      Array.from({ length: 8 }, () => createPromptKeeper({ mode: 'hash', secretFile })),
    );
    expect(new Set(keepers.map((keep) => keep('hello'))).size).toBe(1);
  });

  it('takes the secret of the config, for prompts and persons alike, and makes no file then', async () => {
    const from = { secret: 's'.repeat(32), secretFile: join(folder, 'unused') };
    const prompt = await createPromptKeeper({ mode: 'hash', ...from });
    const person = await createPersonHash(from);
    expect(person('anna')).toBe(prompt('anna'));
    expect(person('anna')).toMatch(/^hmac:[\w-]{43}$/);
    await expect(stat(from.secretFile)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('takes back a secret that others could read, and refuses one that is no secret', async () => {
    const open = join(folder, 'open');
    await writeFile(open, 'f'.repeat(64), { mode: 0o644 });
    await createPromptKeeper({ mode: 'hash', secretFile: open });
    expect((await stat(open)).mode & 0o777).toBe(0o600);
    const empty = join(folder, 'empty');
    await writeFile(empty, '');
    await expect(createPromptKeeper({ mode: 'hash', secretFile: empty })).rejects.toThrow(
      /holds 0 characters.*Delete it/,
    );
  });

  it('says what to do when the secret cannot be made', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(createPromptKeeper({ mode: 'hash', secretFile: join(file, 'secret') })).rejects.toMatchObject({
      code: 'ledger_failed',
      message: expect.stringMatching(/install secret .*set ledger\.hash_secret/),
    });
  });
});

describe('redactPrompt', () => {
  // Keys are put together here, so that no scanner takes this file for a leak.
  const random = 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5';
  it.each([
    ['Mail anna.müller+x@mail.example.co.uk now', 'Mail [e-mail] now'],
    ['see https://bob:hunter2@db.example.com/x', 'see https://[url-credentials]db.example.com/x'],
    ['postgres://u:p%40ss@10.0.0.7:5432/x', 'postgres://[url-credentials][ip]:5432/x'],
    [`key sk-proj-${random} ok`, 'key [api-key] ok'],
    [`ghp_${random}`, '[api-key]'],
    [`AKIA${'ABCDEFGH12345678'}`, '[api-key]'],
    [`jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${random}`, 'jwt [token]'],
    [`Authorization: Bearer ${random}`, 'Authorization: Bearer [authorization]'],
    ['IBAN DE89 3704 0044 0532 0130 00, please', 'IBAN [iban], please'],
    ['card 4111 1111 1111 1111 exp', 'card [card] exp'],
    ['from 192.168.17.254 and 2001:db8::8a2e:370:7334', 'from [ip] and [ip]'],
    ['call +49 (30) 1234-5678 or 030 1234 5678', 'call [phone] or [phone]'],
    ['call +14155550123.', 'call [phone].'],
    ['customer 123456789012', 'customer [number]'],
  ])('takes the secret out of: %s', (text, redacted) => {
    expect(redactPrompt(text)).toBe(redacted);
  });

  it.each([
    'Translate to French: good morning',
    'On 2026-01-31 at 10:15 we sold 1,234 units for 12.50 each',
    'version 1.2.3 of node 20.20, see section 4.5.6',
    'def f(x): return x[0:12] + 3.14159',
    'risk-averse desk-top task-force',
    'Is 4111 a prime? And 65537?',
    'the class std::vector::iterator and a::b',
  ])('leaves alone: %s', (text) => {
    expect(redactPrompt(text)).toBe(text);
  });

  it('takes time in proportion to the text, however hostile (a worse recogniser would run into the time limit)', () => {
    for (const piece of ['1 ', '1.', 'a@', 'a.', ':', '1:', 'eyJ', 'A1 ', '+1-', 'http://a:', '(1)', 'sk-', 'AB12']) {
      expect(redactPrompt(piece.repeat(40_000)).length).toBeGreaterThan(0);
    }
  });

  it('keeps a bounded part of a long prompt and no half word at its end', () => {
    const redacted = redactPrompt(`${'word '.repeat(13_106)}sk-${random}`);
    expect(redacted.length).toBeLessThanOrEqual(65_536);
    expect(redacted).not.toContain('sk-');
  });

  it('names each recogniser and what it looks for', () => {
    expect(new Set(redactionRecognisers.map(({ name }) => name)).size).toBe(redactionRecognisers.length);
    for (const { what } of redactionRecognisers) expect(what.length).toBeGreaterThan(5);
  });
});
