/** Requests that are the same and come at the same time, through real sockets and a backend whose answers we hold back. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { chatBody, post, startProxy, type TestProxy } from '../proxy-harness.ts';

interface Call {
  readonly asked: IncomingMessage;
  readonly response: ServerResponse;
  closed: boolean;
}

let proxy: TestProxy;
let backend: Server;
let calls: Call[] = [];
let nextSeed = 0;

beforeAll(async () => {
  backend = createServer((asked, response) => {
    const call: Call = { asked, response, closed: false };
    asked.resume();
    response.on('close', () => {
      call.closed = true;
    });
    calls.push(call);
  });
  await new Promise<void>((listening) => backend.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(backend.address() as AddressInfo).port}/v1`;
  proxy = await startProxy({
    backends: { cheap: { base_url: url, max_retries: 0 }, strong: { base_url: url, max_retries: 0 } },
  });
});

afterAll(() => {
  backend.closeAllConnections();
  backend.close();
});

beforeEach(() => {
  calls = [];
  nextSeed++;
});

const body = (extra: object = {}) => chatBody('What is the capital of Peru?', { seed: nextSeed, ...extra });
const ask = (extra?: object, headers?: Record<string, string>) =>
  post(`${proxy.url}/v1/chat/completions`, body(extra), headers);

/** A client that can stop reading and go away. */
function open(extra: object = {}) {
  const client = request(`${proxy.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  });
  client.on('error', () => undefined);
  const answer = new Promise<IncomingMessage>((resolve) => client.on('response', resolve));
  client.end(body(extra));
  return { client, answer };
}

async function callsBe(count: number): Promise<void> {
  await expect.poll(() => calls.length, { timeout: 10_000 }).toBe(count);
}

/** All requests so far are with their call or follow it. */
async function inFlight(count: number): Promise<void> {
  const metric = /^shunt_in_flight_requests (\d+)$/m;
  const read = async () => Number(metric.exec(await (await fetch(`${proxy.url}/metrics`)).text())?.[1]);
  await expect.poll(read, { timeout: 10_000 }).toBe(count);
}

const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

function completion(text: string): string {
  const message = { role: 'assistant', content: text };
  const choices = [{ index: 0, message, finish_reason: 'stop' }];
  return JSON.stringify({ id: 'c1', object: 'chat.completion', created: 1, model: 'sim', choices, usage });
}

function answerPlainly({ response }: Call, text: string): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(completion(text));
}

const head = { id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'sim' };
const event = (content: string, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta: { content }, finish_reason }] })}\n\n`;

function begin({ response }: Call, text: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(event(text));
}

async function decisionOf(response: Response | IncomingMessage): Promise<Record<string, unknown>> {
  const headers = response.headers;
  const id = headers instanceof Headers ? headers.get('x-shunt-request-id') : headers['x-shunt-request-id'];
  const found = () => fetch(`${proxy.url}/v1/decisions/${String(id)}`);
  await expect.poll(async () => (await found()).status, { timeout: 10_000 }).toBe(200);
  return (await (await found()).json()) as Record<string, unknown>;
}

const of = (responses: readonly Response[], header: string) => responses.map(({ headers }) => headers.get(header));

describe('identical requests at the same time', () => {
  test('are one backend call, whose cost is counted once', async () => {
    const asked = Array.from({ length: 12 }, () => ask());
    await callsBe(1);
    await inFlight(12);
    answerPlainly(calls[0], 'Lima');
    const answers = await Promise.all(asked);
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    expect(new Set(texts)).toEqual(new Set([completion('Lima')]));
    expect(calls).toHaveLength(1);
    expect(of(answers, 'x-shunt-cache').sort()).toEqual([...Array(11).fill('hit'), 'miss']);
    expect(new Set(of(answers, 'x-shunt-request-id')).size).toBe(12);

    const decisions = await Promise.all(answers.map(decisionOf));
    const paid = decisions.filter(({ cost_nano_usd }) => cost_nano_usd !== '0');
    expect(paid.map(({ cache }) => cache)).toEqual(['miss']);
    const followed = decisions.filter(({ cache }) => cache === 'hit');
    expect(new Set(followed.map(({ reason }) => reason))).toEqual(new Set(['coalesced']));
    expect(followed[0]).toMatchObject({
      route: 'facts',
      model: 'small',
      attempts: 0,
      status: 200,
      usage: { input: 10, output: 5, source: 'cached' },
      fallback_cost_nano_usd: paid[0].fallback_cost_nano_usd,
    });
    expect((await ask()).headers.get('x-shunt-reason')).toBe('cache-hit');
  });

  test('read a stream from its beginning, whenever they come', async () => {
    const first = await (async () => {
      const leading = ask({ stream: true });
      await callsBe(1);
      begin(calls[0], 'Li');
      return leading;
    })();
    calls[0].response.write(event('m'));
    const second = await ask({ stream: true });
    expect(second.headers.get('x-shunt-reason')).toBe('coalesced');
    expect(second.headers.get('content-type')).toContain('text/event-stream');
    calls[0].response.end(`${event('a', 'stop')}data: [DONE]\n\n`);
    const [one, other] = await Promise.all([first.text(), second.text()]);
    expect(one).toBe(`${event('Li')}${event('m')}${event('a', 'stop')}data: [DONE]\n\n`);
    expect(other).toBe(one);
    expect(calls).toHaveLength(1);
  });

  test('of which the first goes away go on for the others, and it is charged for what it began', async () => {
    const leader = open({ stream: true });
    await callsBe(1);
    begin(calls[0], 'Li');
    const left = await leader.answer;
    const follower = await ask({ stream: true });
    leader.client.destroy();
    await inFlight(2);
    calls[0].response.write(event('ma', 'stop'));
    calls[0].response.end(`data: ${JSON.stringify({ ...head, choices: [], usage })}\n\ndata: [DONE]\n\n`);
    expect(await follower.text()).toContain('"ma"');
    expect(calls).toHaveLength(1);
    expect(await decisionOf(left)).toMatchObject({ status: 499, cache: 'miss', usage: { input: 10, output: 5 } });
    expect(await decisionOf(follower)).toMatchObject({ status: 200, cache: 'hit', cost_nano_usd: '0' });
  });

  test('that all go away take the backend call with them', async () => {
    const one = open({ stream: true });
    await callsBe(1);
    begin(calls[0], 'Li');
    await one.answer;
    const other = open({ stream: true });
    await other.answer;
    one.client.destroy();
    await inFlight(2);
    expect(calls[0].closed).toBe(false);
    other.client.destroy();
    await expect.poll(() => calls[0].closed, { timeout: 10_000 }).toBe(true);
    await inFlight(0);
  });

  test('do not share an error: who followed asks on its own', async () => {
    const asked = Array.from({ length: 3 }, () => ask());
    await callsBe(1);
    await inFlight(3);
    calls[0].response.writeHead(500).end('{}');
    // The leader falls over to the fallback, and that fails too.
    await callsBe(2);
    calls[1].response.writeHead(500).end('{}');
    await callsBe(4);
    answerPlainly(calls[2], 'Lima');
    answerPlainly(calls[3], 'Lima');
    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 500]);
    expect(
      of(
        answers.filter(({ ok }) => ok),
        'x-shunt-cache',
      ),
    ).toEqual(['miss', 'miss']);
  });

  test('do not share a plain answer that breaks off: who followed has been sent nothing of it', async () => {
    const leader = open();
    await callsBe(1);
    const follower = ask();
    await inFlight(2);
    calls[0].response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    calls[0].response.write('{"id":');
    const broken = await leader.answer;
    broken.on('error', () => undefined);
    calls[0].response.destroy();
    await callsBe(2);
    answerPlainly(calls[1], 'Lima');
    expect(await (await follower).text()).toBe(completion('Lima'));
  });

  test('of other tenants, models or forms, or that may not be stored, are asked for one by one', async () => {
    const first = ask();
    await callsBe(1);
    const asked = [
      first,
      ask({}, { authorization: 'Bearer another' }),
      ask({ temperature: 0.5 }),
      ask({ stream: true }),
      ask({}, { 'cache-control': 'no-store' }),
      ask({}, { 'cache-control': 'no-cache' }),
    ];
    await callsBe(asked.length);
    for (const call of calls) answerPlainly(call, 'Lima');
    for (const answer of await Promise.all(asked)) await answer.text();
  });

  test('that read slowly hold nobody up while the answer fits into memory', async () => {
    const slow = open({ stream: true });
    await callsBe(1);
    begin(calls[0], 'Li');
    const stalled = await slow.answer;
    stalled.pause();
    const fast = await ask({ stream: true });
    const large = event('x'.repeat(10_000));
    for (let i = 0; i < 80; i++) calls[0].response.write(large);
    calls[0].response.end(`${event('.', 'stop')}data: [DONE]\n\n`);
    const all = await fast.text();
    expect(all.length).toBeGreaterThan(800_000);
    let seen = '';
    stalled.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
    });
    stalled.resume();
    await new Promise((ended) => stalled.on('end', ended));
    expect(seen).toBe(all);
    expect(calls).toHaveLength(1);
  });

  test('whose answer is too long to be kept are served whole all the same, and nobody joins in its midst', async () => {
    const leading = ask({ stream: true });
    await callsBe(1);
    begin(calls[0], 'Li');
    const first = await leading;
    const large = event('y'.repeat(100_000));
    const written = (async () => {
      for (let i = 0; i < 30; i++) {
        if (!calls[0].response.write(large)) await new Promise((drained) => calls[0].response.once('drain', drained));
      }
      calls[0].response.end(`${event('.', 'stop')}data: [DONE]\n\n`);
    })();
    const [text] = await Promise.all([first.text(), written]);
    expect(text.length).toBeGreaterThan(3_000_000);
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    const again = ask({ stream: true });
    await callsBe(2);
    begin(calls[1], 'Lima');
    calls[1].response.end(`${event('', 'stop')}data: [DONE]\n\n`);
    expect((await again).headers.get('x-shunt-cache')).toBe('miss');
    await (await again).text();
  });
});
