/** Web pages: none may call the proxy, unless the config names their origin. */
import { beforeAll, describe, expect, test } from 'vitest';
import { chatBody, post, startProxy } from '../proxy-harness.ts';
import { recordingServer, replyJson } from '../recording-server.ts';

const page = 'https://app.example';
let open: string;
let closed: string;
beforeAll(async () => {
  open = (await startProxy({ server: { port: 0, cors_origins: [page] } })).url;
  closed = (await startProxy()).url;
});

const ask = (url: string, origin: string) =>
  post(`${url}/v1/chat/completions`, chatBody('Translate to French: good day', { stream: true }), { origin });
const preflight = (url: string, origin: string) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,x-stainless-os',
    },
  });

describe('a page that is named', () => {
  test('may ask, and read the answer and its headers', async () => {
    const asked = await preflight(open, page);
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-origin')).toBe(page);
    expect(asked.headers.get('access-control-allow-headers')).toContain('x-stainless-os');
    const answer = await ask(open, page);
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, page]);
    expect(answer.headers.get('x-shunt-route')).toBe('translation');
    expect(await answer.text()).toContain('[DONE]');
  });

  test('may read errors too', async () => {
    const answer = await post(`${open}/v1/chat/completions`, '{', { origin: page });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([400, page]);
  });
});

describe('any other page', () => {
  test.each([
    ['that is not on the list', () => open, 'https://evil.example'],
    ['where there is no list', () => closed, page],
  ])('%s gets nothing', async (_name, url, origin) => {
    for (const answer of [await preflight(url(), origin), await ask(url(), origin)]) {
      expect(answer.status).toBe(403);
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  test('is not let in by what a backend says', async () => {
    const backend = await recordingServer((_asked, response) => {
      response.setHeader('access-control-allow-origin', '*');
      replyJson(response, {});
    });
    const proxy = await startProxy({ backends: { strong: { base_url: backend.url } } });
    const answer = await post(`${proxy.url}/v1/chat/completions`, chatBody('hi', { model: 'large' }));
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });
});
