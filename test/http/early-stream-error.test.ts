/** An error inside a 200 stream: while the model has said nothing, another one can still answer. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { post, startProxy, type TestProxy } from '../proxy-harness.ts';
import { recordingServer, replyEvents } from '../recording-server.ts';

const role = 'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n';
const word = 'data: {"choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":null}]}\n\n';
const stop = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
const failure = 'data: {"error":{"message":"overloaded","type":"server_error","code":"overloaded"}}\n\n';
const named = (type: string, rest = '') => `event: ${type}\ndata: {"type":"${type}"${rest}}\n\n`;

type Play = (response: ServerResponse) => void;
const events =
  (...all: string[]): Play =>
  (response) =>
    replyEvents(response, all);

/** A proxy whose cheap model plays `cheap` (once each, the last again and again); the strong one always answers. */
async function proxyWith(cheap: readonly Play[], strong: Play, retries = 0): Promise<TestProxy> {
  let turn = 0;
  const small = await recordingServer((_asked, response) => cheap[Math.min(turn++, cheap.length - 1)](response));
  const large = await recordingServer((_asked, response) => strong(response));
  return startProxy({
    backends: { cheap: { base_url: small.url, max_retries: retries }, strong: { base_url: large.url, max_retries: 0 } },
  });
}

async function stream(proxy: TestProxy, body: object = {}, path = '/chat/completions') {
  const asked = {
    model: 'auto',
    stream: true,
    messages: [{ role: 'user', content: 'Translate to French: good day' }],
    ...body,
  };
  const response = await post(`${proxy.url}/v1${path}`, JSON.stringify(asked));
  return { text: await response.text(), model: response.headers.get('x-shunt-model'), response };
}

async function record(proxy: TestProxy, response: Response): Promise<Record<string, unknown>> {
  const id = response.headers.get('x-shunt-request-id');
  for (let i = 0; i < 200; i++) {
    const found = await fetch(`${proxy.url}/v1/decisions/${id}`);
    if (found.ok) return (await found.json()) as Record<string, unknown>;
    await sleep(10);
  }
  throw new Error('no decision');
}

describe('a stream that fails before the first word', () => {
  test.each<[string, Play]>([
    ['by an error event at once', events(failure)],
    ['by an error event after the role', events(': ping\n\n', role, failure)],
    ['by ending', events(role)],
    ['by an error that comes in pieces', events(role, failure.slice(0, 20), failure.slice(20))],
    [
      'by a reset',
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(role);
        setTimeout(() => response.socket?.resetAndDestroy(), 20);
      },
    ],
  ])('%s falls over, and the client never hears of it', async (_name, cheap) => {
    const proxy = await proxyWith([cheap], events(role, word, stop));
    const { text, model, response } = await stream(proxy);
    expect([text, model]).toEqual([role + word + stop, 'large']);
    expect(response.headers.get('x-shunt-reason')).toBe('failover');
    expect(await record(proxy, response)).toMatchObject({
      attempts: 2,
      error_code: null,
      truncated: false,
      model: 'large',
    });
  });

  test('is tried again on the same model, when that is all there is', async () => {
    const proxy = await proxyWith([events(role, failure), events(role, word, stop)], events(failure), 1);
    const { text, model } = await stream(proxy, { model: 'small' });
    expect([text, model]).toEqual([role + word + stop, 'small']);
  });

  test('and cannot be tried again passes as it is, classified in the ledger', async () => {
    const proxy = await proxyWith([events(role, failure)], events(role, failure));
    const { text, response } = await stream(proxy, { model: 'large' });
    expect([response.status, text]).toEqual([200, role + failure]);
    expect(await record(proxy, response)).toMatchObject({ error_code: 'overloaded', status: 200 });
  });

  test('in Responses and messages falls over in their own words', async () => {
    const created = named('response.created', ',"response":{"id":"resp_a","error":null}');
    const broken = named(
      'response.failed',
      ',"response":{"id":"resp_a","status":"failed","error":{"code":"server_error"}}',
    );
    const good = [
      named('response.created', ',"response":{"id":"resp_b"}'),
      named('response.output_text.delta', ',"delta":"x"'),
      named('response.completed', ',"response":{"id":"resp_b","status":"completed"}'),
    ];
    const proxy = await proxyWith([events(created, broken)], events(...good));
    const { text } = await stream(proxy, { input: 'Translate to French: good day' }, '/responses');
    expect(text).toBe(good.join(''));
  });
});

describe('a stream that fails after the first word', () => {
  test('has gone out, and the error with it', async () => {
    const proxy = await proxyWith([events(role, word, failure)], events(role, word, stop));
    const { text, model, response } = await stream(proxy);
    expect([text, model]).toEqual([role + word + failure, 'small']);
    expect(await record(proxy, response)).toMatchObject({ error_code: 'overloaded' });
  });
});

describe('what is held back', () => {
  test('goes out when the model takes its time, so that no client waits for headers in vain', async () => {
    const slow: Play = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(role);
      setTimeout(() => response.end(word + stop), 3_000);
    };
    const proxy = await proxyWith([slow], events(failure));
    const response = await post(
      `${proxy.url}/v1/chat/completions`,
      JSON.stringify({
        model: 'auto',
        stream: true,
        messages: [{ role: 'user', content: 'Translate to French: good day' }],
      }),
    );
    const reader = response.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(role);
    await reader?.cancel();
  });

  test('is bounded: a stream of nothing but pings passes', async () => {
    const pings = Array.from({ length: 70 }, () => role);
    const proxy = await proxyWith([events(...pings, failure)], events(role, word, stop));
    expect((await stream(proxy)).text).toBe(pings.join('') + failure);
  });
});
