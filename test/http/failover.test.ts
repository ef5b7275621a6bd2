/** Backends that fail: what could still succeed does, and what cannot is said clearly. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { chatBody, post, startProxy } from '../proxy-harness.ts';

const easy = chatBody('Translate to French: good afternoon');
const hard = chatBody('Design a storage engine and discuss its trade-offs in depth');
const header = (response: Response, name: string) => response.headers.get(`x-shunt-${name}`);
const codeOf = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code;

describe('a target that fails', () => {
  test('falls over to the fallback, and the answer says so', async () => {
    const proxy = await startProxy({}, { small: { error_rate: 1, error_status: 503 } });
    const response = await post(`${proxy.url}/v1/chat/completions`, easy);
    expect(response.status).toBe(200);
    expect([header(response, 'route'), header(response, 'reason'), header(response, 'model')]).toEqual([
      'fallback',
      'failover',
      'large',
    ]);
    const streamed = await post(
      `${proxy.url}/v1/chat/completions`,
      chatBody('Translate to French: bread', { stream: true }),
    );
    expect(await streamed.text()).toContain('[DONE]');
  });

  test('falls over also when it rejects a parameter that the fallback takes', async () => {
    const proxy = await startProxy({}, { small: { error_rate: 1, error_status: 400 } });
    const response = await post(`${proxy.url}/v1/chat/completions`, easy);
    expect([response.status, header(response, 'model')]).toEqual([200, 'large']);
  });

  test('falls over when nothing listens there', async () => {
    const proxy = await startProxy({
      backends: {
        cheap: { base_url: 'http://127.0.0.1:1/v1' },
        strong: { base_url: 'http://127.0.0.1:1/v1', max_retries: 0 },
      },
    });
    const response = await post(`${proxy.url}/v1/chat/completions`, easy);
    expect(response.status).toBe(502);
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect(await codeOf(response)).toBe('backend_unreachable');
  });
});

describe('the last backend that fails', () => {
  test('is tried again, then its own error is passed on with the advice not to retry', async () => {
    const proxy = await startProxy();
    const response = await post(`${proxy.url}/v1/chat/completions`, hard, { 'x-sim': 'error=500' });
    expect(response.status).toBe(500);
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect(header(response, 'model')).toBe('large');
    const id = header(response, 'request-id');
    await response.arrayBuffer();
    await expect
      .poll(
        async () => ((await (await fetch(`${proxy.url}/v1/decisions/${id}`)).json()) as { attempts?: number }).attempts,
      )
      .toBe(2);
  });

  test('a model asked for by name never answers as another', async () => {
    const proxy = await startProxy({}, { small: { error_rate: 1, error_status: 500 } });
    const response = await post(`${proxy.url}/v1/chat/completions`, chatBody('hello', { model: 'small' }));
    expect([response.status, header(response, 'model')]).toEqual([500, 'small']);
  });

  test('one that never answers is given up on in time', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    afterAll(() => {
      silent.closeAllConnections();
      silent.close();
    });
    const base_url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/v1`;
    const proxy = await startProxy({ backends: { strong: { base_url, first_byte_ms: 100, max_retries: 0 } } });
    const response = await post(`${proxy.url}/v1/chat/completions`, hard);
    expect(response.status).toBe(504);
    expect(await codeOf(response)).toBe('backend_timeout');
  });
});

describe('an answer that breaks off', () => {
  test('a stream that ends without its end tells the client with an error event', async () => {
    const proxy = await startProxy();
    const response = await post(
      `${proxy.url}/v1/chat/completions`,
      chatBody('hello', { model: 'large', stream: true }),
      { 'x-sim': 'truncate=1' },
    );
    const text = await response.text();
    expect(text).toContain('"code":"backend_error"');
    expect(text).not.toContain('[DONE]');
  });

  test('a plain answer that breaks off breaks the connection, so that it cannot pass for whole', async () => {
    const proxy = await startProxy();
    const answer = post(`${proxy.url}/v1/chat/completions`, chatBody('hello', { model: 'large' }), {
      'x-sim': 'reset=mid',
    });
    await expect(answer.then((response) => response.text())).rejects.toThrow();
  });
});
