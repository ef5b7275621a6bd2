/** Several processes on one port, as a client and an operator see them: one proxy. Every request has a connection of its own, so that each goes to the next worker. */
import { createHash } from 'node:crypto';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { usdNumber } from '../../src/base/money.ts';
import type { LedgerEntry } from '../../src/ledger/contract.ts';
import { openLedgerStore } from '../../src/ledger/store.ts';
import { runSource, type SourceProcess } from './source-process.ts';

const fixtures = resolve(import.meta.dirname, '../fixtures');
const patience = { timeout: 60_000 };
const ledgerUrl = 'sqlite:.shunt/ledger.db';
const hashOf = (key: string) => `sha256:${createHash('sha256').update(key).digest('hex')}`;
const config = {
  server: { port: 0, workers: 2, drain_ms: 30_000 },
  auth: {
    keys: [
      { name: 'boss', hash: hashOf('key-boss'), admin: true },
      { name: 'app', hash: hashOf('key-app') },
      { name: 'slow', hash: hashOf('key-slow'), requests_per_minute: 2 },
      { name: 'poor', hash: hashOf('key-poor'), budget_usd_per_day: 0.0005 },
    ],
  },
  routing: { models_dir: resolve(import.meta.dirname, '../../models'), watch: false, budget_ms: 5_000 },
  ledger: { url: ledgerUrl, flush_ms: 5 },
  telemetry: { log: 'info' },
};

let folder: string;
let proxy: SourceProcess;
let url: string;
let log = '';

async function makeFolder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'shunt-workers-'));
  await cp(join(fixtures, 'routes'), join(made, 'routes'), { recursive: true });
  await writeFile(join(made, 'shunt.yaml'), stringify(config));
  return made;
}

beforeAll(async () => {
  folder = await makeFolder();
  proxy = runSource(folder, ['serve']);
  proxy.child.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  url = await proxy.url;
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

function open(path: string, body: unknown, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((answered, failed) => {
    const call = httpRequest(`${url}${path}`, {
      method: body === null ? 'GET' : 'POST',
      agent: false,
      headers: { authorization: 'Bearer key-app', 'content-type': 'application/json', ...headers },
    });
    call.on('response', answered);
    call.on('error', failed);
    call.end(body === null ? undefined : JSON.stringify(body));
  });
}

async function ask(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer> {
  const answer = await open(path, body, headers);
  let text = '';
  for await (const chunk of answer) text += String(chunk);
  return { status: answer.statusCode ?? 0, headers: answer.headers, text };
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const chat = (content: string, extra: object = {}) => ({
  model: 'auto',
  messages: [{ role: 'user', content }],
  ...extra,
});
const idOf = ({ headers }: Answer) => String(headers['x-shunt-request-id']);
const pids = () => [...log.matchAll(/"pid":(\d+)/g)].map(([, pid]) => Number(pid));

/** What the ledger has; read beside the proxy. */
async function decisions(): Promise<readonly LedgerEntry[]> {
  const store = await openLedgerStore(ledgerUrl, { folder });
  const found = await store.page({ sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER, limit: 10_000, after: null });
  await store.close();
  return found;
}

async function counted(): Promise<number> {
  const { text } = await ask('/metrics', null, bearer('key-boss'));
  const lines = [...text.matchAll(/^shunt_decisions_total\{.*\} (\d+)$/gm)];
  return lines.reduce((sum, [, count]) => sum + Number(count), 0);
}

/** A tool loop that stays where it began; every turn asks for what the fallback would answer. */
async function loopModels(opening: string, turns: number): Promise<Set<unknown>> {
  const messages: object[] = [{ role: 'user', content: opening }];
  const models = new Set<unknown>();
  for (let i = 0; ; i++) {
    models.add((await ask('/v1/chat/completions', { model: 'auto', messages })).headers['x-shunt-model']);
    if (i === turns) return models;
    const call = { id: `c${i}`, type: 'function', function: { name: 'run', arguments: '{}' } };
    messages.push({ role: 'assistant', content: null, tool_calls: [call] });
    messages.push({ role: 'tool', tool_call_id: `c${i}`, content: `Prove that there are infinitely many primes ${i}` });
  }
}

describe('two workers on one port', () => {
  test('write every decision once, and count each in one page of metrics', async () => {
    const before = await counted();
    const bodies = Array.from({ length: 200 }, (_, i) => {
      if (i % 5 === 0) return chat(`Translate to French: ${i} trains`, { stream: true });
      if (i % 5 === 1) return chat(`Why is the sky not green, case ${i}?`);
      if (i % 5 === 2) return { ...chat(`Say ${i}`), model: 'small' };
      return chat(`Translate to German: ${i} ships`);
    });
    const answers: Answer[] = [];
    const clients = Array.from({ length: 8 }, async () => {
      for (let body = bodies.pop(); body !== undefined; body = bodies.pop())
        answers.push(await ask('/v1/chat/completions', body));
    });
    await Promise.all(clients);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const ids = answers.map(idOf).sort();
    expect(new Set(ids).size).toBe(200);
    await expect.poll(async () => (await decisions()).length, patience).toBe(200);
    expect((await decisions()).map(({ id }) => id).sort()).toEqual(ids);
    for (let i = 0; i < 4; i++) expect((await counted()) - before).toBe(200);
    const { text } = await ask('/metrics', null, bearer('key-boss'));
    expect(text).toMatch(/^shunt_workers 2$/m);
    expect(text).toMatch(/^shunt_build_info\{.*\} 1$/m);
    expect(text).toMatch(/^shunt_ledger_dropped_records 0$/m);
  }, 120_000);

  test('keep a tool loop on its model, whichever of them gets the next turn', async () => {
    const loops = Array.from({ length: 6 }, (_, i) => loopModels(`Translate to French: the early bus ${i}`, 8));
    for (const models of await Promise.all(loops)) expect([...models]).toEqual(['small']);
  }, 60_000);

  test('know each other’s stored responses, decisions and answers that are told of', async () => {
    for (let i = 0; i < 4; i++) {
      const made = await ask('/v1/responses', { model: 'auto', input: `Translate to French: ${i} keys` });
      const { id } = JSON.parse(made.text) as { id: string };
      // The others learn an id when its answer has ended, a moment after its last byte.
      await expect.poll(async () => (await ask(`/v1/responses/${id}`, null)).status, patience).toBe(200);
      for (let again = 0; again < 3; again++) expect((await ask(`/v1/responses/${id}`, null)).status).toBe(200);
      expect((await ask(`/v1/responses/${id}`, null, bearer('key-poor'))).status).toBe(404);
      expect((await ask(`/v1/decisions/${idOf(made)}`, null)).status).toBe(200);
      const told = await ask('/v1/feedback', { request_id: idOf(made), accepted: true });
      expect([told.status, JSON.parse(told.text)]).toEqual([200, expect.objectContaining({ state: 'recorded' })]);
    }
  });

  test('let a key in as often as its limit says, not as often for each', async () => {
    const asked = Array.from({ length: 20 }, (_, i) =>
      ask('/v1/chat/completions', chat(`Translate to French: ${i} cats`), bearer('key-slow')),
    );
    const statuses = (await Promise.all(asked)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 200, ...Array.from({ length: 18 }, () => 429)]);
  });

  test('do not let a key spend its budget twice', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 60; i++) {
      const body = chat(`Why is the sky not green, case ${i}?`, { max_tokens: 20 });
      statuses.push((await ask('/v1/chat/completions', body, bearer('key-poor'))).status);
    }
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    const own = async () => (await decisions()).filter(({ key, status }) => key === 'poor' && status === 200);
    const answered = statuses.filter((status) => status === 200).length;
    await expect.poll(async () => (await own()).length, patience).toBe(answered);
    const spent = (await own()).reduce((sum, { cost }) => sum + usdNumber(cost ?? never()), 0);
    expect(spent).toBeLessThanOrEqual(0.0005);
  }, 60_000);

  test('are two again after one was killed; the other answers meanwhile, and the new one knows the pins', async () => {
    const opening = 'Translate to French: the last ferry';
    expect([...(await loopModels(opening, 3))]).toEqual(['small']);
    const [killed] = pids();
    process.kill(killed, 'SIGKILL');
    await expect.poll(() => log, patience).toContain('a worker has ended');
    while (pids().length < 3) {
      expect((await ask('/v1/chat/completions', chat('Translate to French: still here'))).status).toBe(200);
    }
    for (let i = 0; i < 3; i++) expect([...(await loopModels(opening, 4))]).toEqual(['small']);
    expect((await ask('/metrics', null, bearer('key-boss'))).text).toMatch(/^shunt_workers 2$/m);
  }, 120_000);

  test('let a stream finish after SIGTERM, and write its decision', async () => {
    const streams = await Promise.all(
      [1, 2].map((i) =>
        open('/v1/chat/completions', chat(`Translate to French: ${i} rivers`, { stream: true }), {
          'x-sim': 'token=100; tokens=20',
        }),
      ),
    );
    proxy.child.kill('SIGTERM');
    for (const stream of streams) {
      let text = '';
      for await (const chunk of stream) text += String(chunk);
      expect(text).toContain('data: [DONE]');
    }
    expect((await proxy.ended).code).toBe(0);
    const ids = new Set((await decisions()).map(({ id }) => id));
    for (const { headers } of streams) expect(ids).toContain(headers['x-shunt-request-id']);
  }, 60_000);
});

describe('workers that cannot start', () => {
  test('say so once, and end with 2: a port in use', async () => {
    const taken = createServer();
    await new Promise<void>((listening) => taken.listen(0, '127.0.0.1', listening));
    const address = taken.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const { code, stderr } = await runSource(folder, ['serve', '--workers', '3', '--port', String(port)]).ended;
    taken.close();
    expect([code, stderr.match(/is in use/g)]).toEqual([2, ['is in use']]);
  }, 60_000);

  test('say so once, and end with 2: a broken route card', async () => {
    const other = await makeFolder();
    await writeFile(join(other, 'routes/broken.yaml'), 'name: broken\n');
    const { code, stdout, stderr } = await runSource(other, ['serve', '--workers', '2']).ended;
    await rm(other, { recursive: true, force: true });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr.match(/broken\.yaml/g)).toHaveLength(1);
    expect(stderr).not.toMatch(/\n\s+at /);
  }, 60_000);
});

function never(): never {
  throw new Error('an answer without a price');
}
