/** What backends store belongs to the tenant that made it, and stays where it was made. */
import { beforeAll, describe, expect, test } from 'vitest';
import { post, startProxy, type TestProxy } from '../proxy-harness.ts';
import { type Asked, type RecordingServer, recordingServer, replyEvents, replyJson } from '../recording-server.ts';

let proxy: TestProxy;
let cheap: RecordingServer;
let strong: RecordingServer;
const mine = { authorization: 'Bearer me' };
const other = { authorization: 'Bearer somebody else' };
const easy = 'Translate to French: good afternoon';
let made = 0;

function backend(name: string) {
  return recordingServer((asked: Asked, response) => {
    const body = asked.body.startsWith('{') ? (JSON.parse(asked.body) as Record<string, unknown>) : {};
    const answer = { id: `resp_${name}_${++made}`, object: 'response', status: 'completed', output: [], error: null };
    if (asked.line === 'POST /v1/responses' && body.stream === true) {
      const event = (type: string) => `event: ${type}\ndata: ${JSON.stringify({ type, response: answer })}\n\n`;
      replyEvents(response, [event('response.created'), event('response.completed')]);
    } else if (asked.line.startsWith('POST /v1/files')) replyJson(response, { id: `file-${++made}`, object: 'file' });
    else if (asked.line.startsWith('POST /v1/batches')) replyJson(response, { id: `batch_${++made}`, object: 'batch' });
    else if (asked.line.startsWith('GET /v1/batches')) replyJson(response, { id: 'x', output_file_id: 'file-out' });
    else replyJson(response, answer);
  });
}

beforeAll(async () => {
  cheap = await backend('cheap');
  strong = await backend('strong');
  proxy = await startProxy({
    backends: { cheap: { base_url: cheap.url }, strong: { base_url: strong.url } },
    routing: { passthrough: ['files', 'batches'] },
  });
});

const create = async (body: object, headers: Record<string, string> = mine) => {
  const response = await post(`${proxy.url}/v1/responses`, JSON.stringify({ model: 'auto', ...body }), headers);
  return { response, text: await response.text() };
};
const get = (path: string, headers: Record<string, string>, method = 'GET') =>
  fetch(`${proxy.url}/v1${path}`, { method, headers });

describe('a stored response', () => {
  test('is continued by the model that made it, whatever the next prompt looks like', async () => {
    const first = JSON.parse((await create({ input: easy })).text) as { id: string };
    expect(first.id).toContain('cheap');
    const next = await create({
      input: 'Design a distributed database and prove it correct',
      previous_response_id: first.id,
    });
    expect(next.response.headers.get('x-shunt-reason')).toBe('pinned-response');
    expect(next.response.headers.get('x-shunt-model')).toBe('small');
    expect(JSON.parse(cheap.asked.at(-1)?.body ?? '')).toMatchObject({
      previous_response_id: first.id,
      model: 'sim-small',
    });
  });

  test('made by a stream can be asked for at once, at the backend that made it', async () => {
    const { text } = await create({ input: easy, stream: true });
    const id = /"id":"(resp_[^"]+)"/.exec(text)?.[1] ?? '';
    for (const [path, method, line] of [
      [`/responses/${id}?include[]=x`, 'GET', `GET /v1/responses/${id}?include[]=x`],
      [`/responses/${id}/input_items?limit=2`, 'GET', `GET /v1/responses/${id}/input_items?limit=2`],
      [`/responses/${id}/cancel`, 'POST', `POST /v1/responses/${id}/cancel`],
      [`/responses/${id}`, 'DELETE', `DELETE /v1/responses/${id}`],
    ] as const) {
      const response = await get(path, mine, method);
      await response.arrayBuffer();
      expect([response.status, cheap.asked.at(-1)?.line]).toEqual([200, line]);
    }
    expect((await get(`/responses/${id}`, mine)).status).toBe(404);
  });

  test('does not exist for another tenant', async () => {
    const { id } = JSON.parse((await create({ input: easy })).text) as { id: string };
    const before = cheap.asked.length + strong.asked.length;
    expect((await get(`/responses/${id}`, other)).status).toBe(404);
    expect((await get(`/responses/${id}`, other, 'DELETE')).status).toBe(404);
    const stolen = await create({ input: 'what did we say?', previous_response_id: id }, other);
    expect([stolen.response.status, stolen.text]).toEqual([
      400,
      expect.stringContaining('previous_response_not_found'),
    ]);
    expect(cheap.asked.length + strong.asked.length).toBe(before);
    expect((await get(`/responses/${id}`, mine)).status).toBe(200);
  });

  test('is not continued by a model of another backend, which would not know it', async () => {
    const { id } = JSON.parse((await create({ input: easy })).text) as { id: string };
    const named = await create({ input: 'and now?', previous_response_id: id, model: 'large' });
    expect([named.response.status, named.text]).toEqual([400, expect.stringContaining("made by model 'small'")]);
  });

  test('and a stored conversation are unknown unless they were made here', async () => {
    for (const conversation of ['conv_1', { id: 'conv_1' }]) {
      expect((await create({ input: 'hello', conversation })).response.status).toBe(400);
    }
  });

  test('that is not known here is for the provider to know, where the client’s own credential goes there', async () => {
    const own = { base_url: strong.url, credentials: 'client' };
    const through = await startProxy({ backends: { cheap: { base_url: cheap.url }, strong: own } });
    const asked = JSON.stringify({
      model: 'auto',
      input: 'Translate to French: hello',
      previous_response_id: 'resp_old',
    });
    const response = await post(`${through.url}/v1/responses`, asked, mine);
    expect([response.status, response.headers.get('x-shunt-model')]).toEqual([200, 'large']);
    expect(strong.asked.at(-1)?.headers.authorization).toBe('Bearer me');
    expect((await fetch(`${through.url}/v1/responses/resp_old`, { headers: mine })).status).toBe(200);
  });
});

describe('files and batches', () => {
  test('are not served unless the config names them', async () => {
    const closed = await startProxy();
    expect((await post(`${closed.url}/v1/files`, 'x')).status).toBe(404);
    expect((await post(`${closed.url}/v1/batches`, '{}')).status).toBe(404);
  });

  test('belong to the tenant that made them', async () => {
    const at = (path: string, headers: Record<string, string>) => fetch(`${proxy.url}/v1${path}`, { headers });
    const file = (await (
      await post(`${proxy.url}/v1/files`, 'raw bytes', { ...mine, 'content-type': 'text/plain' })
    ).json()) as { id: string };
    expect(strong.asked.at(-1)).toMatchObject({ line: 'POST /v1/files', body: 'raw bytes' });
    expect((await at(`/files/${file.id}/content`, mine)).status).toBe(200);
    expect((await at(`/files/${file.id}`, other)).status).toBe(404);
    expect((await at('/files', mine)).status).toBe(405);
    const order = JSON.stringify({
      input_file_id: file.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    });
    expect((await post(`${proxy.url}/v1/batches`, order, other)).status).toBe(404);
    const batch = (await (await post(`${proxy.url}/v1/batches`, order, mine)).json()) as { id: string };
    expect((await at(`/batches/${batch.id}`, other)).status).toBe(404);
    expect((await at('/files/file-out', mine)).status).toBe(404);
    expect((await at(`/batches/${batch.id}`, mine)).status).toBe(200);
    expect((await at('/files/file-out', mine)).status).toBe(200);
  });
});
