/** Retries: after the time that the backend asks for, within its budget, and never past the request's own time. */
import { describe, expect, test } from 'vitest';
import { chatBody } from '../proxy-harness.ts';
import {
  askChat,
  failing,
  inTurn,
  type Mood,
  reloadedProxy,
  silent,
  type Unsteady,
  unsteady,
  well,
} from './unsteady.ts';

const hard = chatBody('Design a storage engine and discuss its trade-offs in depth');
const proxyWith = reloadedProxy();
const uncached = { 'cache-control': 'no-store' };

function proxyTo(strong: Unsteady, keys: Record<string, unknown> = {}, routing: Record<string, unknown> = {}) {
  const place = { base_url: strong.url, max_retries: 1 };
  return proxyWith({ backends: { cheap: place, strong: { ...place, ...keys } }, routing });
}

/** Notes when it is asked. */
function timed(mood: Mood): { readonly mood: Mood; readonly at: number[] } {
  const at: number[] = [];
  return {
    at,
    mood(response, asked) {
      at.push(performance.now());
      mood(response, asked);
    },
  };
}

describe('a retry', () => {
  test.each([
    ['milliseconds', { 'retry-after-ms': '300' }],
    ['seconds', { 'retry-after': '0.3' }],
  ])('waits as long as the backend asks for, in %s', async (_name, headers) => {
    const notes = timed(inTurn(failing(429, headers), well));
    const strong = await unsteady(notes.mood);
    const answer = await askChat(await proxyTo(strong), hard);
    expect([answer.status, strong.asked.length]).toEqual([200, 2]);
    expect(notes.at[1] - notes.at[0]).toBeGreaterThan(290);
  });

  test('waits until a date', async () => {
    let date = 0;
    const strong = await unsteady(
      inTurn((response, asked) => {
        date = Math.floor(Date.now() / 1_000) * 1_000 + 2_000;
        failing(503, { 'retry-after': new Date(date).toUTCString() })(response, asked);
      }, well),
    );
    const answer = await askChat(await proxyTo(strong), hard);
    expect([answer.status, strong.asked.length]).toEqual([200, 2]);
    expect(Date.now()).toBeGreaterThanOrEqual(date - 5);
  });

  test('waits out a limit that names no time', async () => {
    const notes = timed(inTurn(failing(429), well));
    const strong = await unsteady(notes.mood);
    const answer = await askChat(await proxyTo(strong, { breaker: { rate_limited_ms: 400 } }), hard);
    expect([answer.status, strong.asked.length]).toEqual([200, 2]);
    expect(notes.at[1] - notes.at[0]).toBeGreaterThan(390);
  });

  test('is left out where the backend asks for more patience than a client has', async () => {
    const strong = await unsteady(failing(429, { 'retry-after': '60' }));
    const answer = await askChat(await proxyTo(strong, { max_retries: 3 }), hard);
    expect([answer.status, strong.asked.length]).toEqual([429, 1]);
    expect([answer.headers.get('retry-after'), answer.headers.get('x-should-retry')]).toEqual(['60', 'false']);
  });

  test('is not made when the client has gone', async () => {
    const strong = await unsteady(failing(503, { 'retry-after-ms': '200' }));
    const proxy = await proxyTo(strong, { max_retries: 5 });
    const gone = new AbortController();
    const asked = fetch(`${proxy.url}/v1/chat/completions`, { method: 'POST', body: hard, signal: gone.signal });
    await expect.poll(() => strong.asked.length).toBe(1);
    gone.abort();
    await expect(asked).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(strong.asked).toHaveLength(1);
  });

  test('is made only as often as the backend’s budget allows, whatever fails', async () => {
    const strong = await unsteady(failing(500, { 'retry-after-ms': '1' }));
    const proxy = await proxyTo(strong, { retry_budget: 0.1 });
    for (let round = 0; round < 10; round++) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => askChat(proxy, hard, uncached)));
      for (const { status, headers } of answers) {
        expect([status, headers.get('x-should-retry')]).toEqual([500, 'false']);
      }
    }
    const retries = strong.asked.length - 100;
    // Ten to begin with, a tenth of a hundred, and some for the seconds that it took.
    expect(retries).toBeGreaterThanOrEqual(19);
    expect(retries).toBeLessThan(60);
    const metrics = await (await fetch(`${proxy.url}/metrics`)).text();
    expect(metrics).toContain(`shunt_backend_retries_denied_total{backend="strong"} ${100 - retries}`);
  });
});

describe('the time of a request', () => {
  test('bounds all attempts together: what could not end within it is not begun', async () => {
    const strong = await unsteady(failing(503, { 'retry-after-ms': '4900' }));
    const answer = await askChat(await proxyTo(strong, { max_retries: 5 }, { total_ms: 4_000 }), hard);
    expect([answer.status, strong.asked.length]).toEqual([503, 1]);
  });

  test('ends an attempt that would wait longer, with 504', async () => {
    const strong = await unsteady(inTurn(failing(500, { 'retry-after-ms': '1' }), silent));
    const answer = await askChat(await proxyTo(strong, { max_retries: 5 }, { total_ms: 1_500 }), hard);
    expect([answer.status, strong.asked.length]).toEqual([504, 2]);
    expect(JSON.parse(answer.text)).toMatchObject({ error: { code: 'backend_timeout' } });
    expect(answer.headers.get('x-should-retry')).toBe('false');
  });

  test('ends a stream that goes on longer with an error event', async () => {
    const proxy = await proxyWith({ routing: { total_ms: 1_500 } });
    const body = chatBody('hello', { model: 'large', stream: true });
    const answer = await askChat(proxy, body, { 'x-sim': 'tokens=1000; token=20' });
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('"code":"backend_timeout"');
    expect(answer.text).not.toContain('[DONE]');
  });
});
