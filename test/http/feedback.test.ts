/** Feedback: who may tell what about which answer, when, and where it is seen afterwards. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { requestId } from '../../src/base/request-id.ts';
import { chatBody, post, simulatedServer, startProxy, type TestProxy } from '../proxy-harness.ts';

const hashOf = (key: string) => `sha256:${createHash('sha256').update(key).digest('hex')}`;
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
let proxy: TestProxy;

beforeAll(async () => {
  const claude = await simulatedServer();
  afterAll(() => claude.close());
  proxy = await startProxy({
    backends: { claude: { kind: 'anthropic', base_url: claude.url, api_key: 'sk-ant' } },
    models: { claude: { backend: 'claude', model: 'sim-claude' } },
    auth: {
      keys: [
        { name: 'app', hash: hashOf('key-app') },
        { name: 'other', hash: hashOf('key-other') },
        { name: 'boss', hash: hashOf('key-boss'), admin: true },
      ],
    },
    ledger: { accept_score: 0.7 },
  });
});

const ask = async (extra: Record<string, unknown> = {}) => {
  const body = chatBody('Translate to French: good day', extra);
  const response = await post(`${proxy.url}/v1/chat/completions`, body, bearer('key-app'));
  const text = await response.text();
  const responseId = /"id":\s*"([^"]+)"/.exec(text)?.[1] ?? '';
  return { id: response.headers.get('x-shunt-request-id') ?? '', responseId };
};
const tell = async (body: unknown, key = 'key-app') => {
  const response = await post(`${proxy.url}/v1/feedback`, JSON.stringify(body), bearer(key));
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const decision = async (id: string, key = 'key-app') => {
  const response = await fetch(`${proxy.url}/v1/decisions/${id}`, { headers: bearer(key) });
  return (await response.json()) as { outcome: string; outcomes: Record<string, unknown>[]; response_id: string };
};

describe('feedback about an answer', () => {
  test('is committed when it is answered, is idempotent, and can be changed with its history kept', async () => {
    const { id } = await ask();
    const first = { request_id: id, accepted: false, reason: 'wrong city', source: 'qa', metadata: { ticket: 7 } };
    const told = { object: 'feedback', request_id: id, state: 'recorded', accepted: false, score: null, source: 'qa' };
    expect(await tell(first)).toEqual({ status: 200, body: told });
    expect((await tell(first)).body).toMatchObject({ state: 'unchanged' });
    expect((await tell({ request_id: id, accepted: true })).body).toMatchObject({
      state: 'recorded',
      source: 'feedback',
    });
    const found = await decision(id);
    expect(found.outcome).toBe('accepted');
    const common = { score: null, actor: 'app', time: expect.any(Number) };
    expect(found.outcomes).toEqual([
      { ...common, source: 'qa', accepted: false, reason: 'wrong city', metadata: { ticket: 7 } },
      { ...common, source: 'feedback', accepted: true, reason: null, metadata: null },
    ]);
  });

  test('may say a score instead, which is accepted from ledger.accept_score on', async () => {
    const { id } = await ask();
    expect((await tell({ request_id: id, score: 0.69 })).body).toMatchObject({ accepted: false, score: 0.69 });
    expect((await tell({ request_id: id, score: 0.7 })).body).toMatchObject({ accepted: true, score: 0.7 });
    expect((await tell({ request_id: id, score: 0.7, accepted: false })).body).toMatchObject({ accepted: false });
  });

  test.each([
    ['chat/completions', { messages: [{ role: 'user', content: 'Translate to French: good day' }] }],
    ['responses', { input: 'Translate to French: good day' }],
    [
      'messages',
      { model: 'claude', messages: [{ role: 'user', content: 'Translate to French: good day' }], max_tokens: 50 },
    ],
  ])('finds an answer of /v1/%s by its own id, streamed or not', async (path, body) => {
    for (const stream of [false, true]) {
      const request = JSON.stringify({ model: 'auto', stream, ...body });
      const response = await post(`${proxy.url}/v1/${path}`, request, bearer('key-app'));
      const requestIdOf = response.headers.get('x-shunt-request-id');
      const text = await response.text();
      expect(response.status, text).toBe(200);
      const responseId = /"id":\s*"((?:chatcmpl|resp|msg)[^"]*)"/.exec(text)?.[1];
      const { body: told } = await tell({ response_id: responseId, accepted: true });
      expect(told).toMatchObject({ request_id: requestIdOf, response_id: responseId, state: 'recorded' });
    }
  });

  test('may come while the answer still streams, by the id in its headers', async () => {
    const body = chatBody('Translate to French: good day', { stream: true });
    const response = await post(`${proxy.url}/v1/chat/completions`, body, {
      ...bearer('key-app'),
      'x-sim': 'token=50; tokens=40',
    });
    const id = response.headers.get('x-shunt-request-id') ?? '';
    expect((await tell({ request_id: id, accepted: true })).body).toMatchObject({ state: 'pending', request_id: id });
    await response.text();
    await vi.waitFor(async () => expect((await decision(id)).outcome).toBe('accepted'), { timeout: 5_000 });
  });

  test('is the maker’s key to give, or an admin’s; to others there is no such answer', async () => {
    const { id, responseId } = await ask();
    for (const reference of [{ request_id: id }, { response_id: responseId }]) {
      const { status, body } = await tell({ ...reference, accepted: false }, 'key-other');
      expect(status).toBe(404);
      expect(body.error).toMatchObject({ code: 'not_found', type: 'invalid_request_error' });
    }
    expect((await decision(id)).outcomes).toEqual([]);
    expect((await tell({ request_id: id, accepted: true }, 'key-boss')).status).toBe(200);
    expect((await decision(id)).outcomes).toMatchObject([{ actor: 'boss' }]);
  });

  test('of a foreign key that comes before the decision counts for nothing', async () => {
    const soon = requestId(Date.now());
    expect((await tell({ request_id: soon, accepted: true }, 'key-other')).body).toMatchObject({ state: 'pending' });
    const long = requestId(Date.now() - 30 * 86_400_000);
    expect((await tell({ request_id: long, accepted: true })).status).toBe(404);
  });
});

describe('a batch of feedback', () => {
  test('answers each item in its place, whatever becomes of the others', async () => {
    const [one, two] = [await ask(), await ask()];
    const { status, body } = await tell({
      feedback: [
        { request_id: one.id, accepted: true },
        { request_id: 'never-made', accepted: true },
        { response_id: two.responseId, score: 2 },
        { request_id: two.id, score: 0.1 },
        'what?',
      ],
    });
    expect(status).toBe(200);
    expect(body.data).toMatchObject([
      { index: 0, request_id: one.id, state: 'recorded' },
      { index: 1, error: { code: 'not_found', param: 'request_id' } },
      { index: 2, error: { code: 'invalid_request', param: 'score' } },
      { index: 3, request_id: two.id, accepted: false },
      { index: 4, error: { code: 'invalid_request' } },
    ]);
    expect((await decision(two.id)).outcome).toBe('rejected');
  });

  test('of many callers at once is kept whole', async () => {
    const made = await Promise.all(Array.from({ length: 12 }, () => ask()));
    const told = await Promise.all(made.map(({ id }, i) => tell({ request_id: id, accepted: i % 2 === 0 })));
    expect(told.map(({ body }) => body.state)).toEqual(made.map(() => 'recorded'));
    const outcomes = await Promise.all(made.map(async ({ id }) => (await decision(id)).outcome));
    expect(outcomes).toEqual(made.map((_, i) => (i % 2 === 0 ? 'accepted' : 'rejected')));
  });
});

describe('feedback that cannot be taken', () => {
  test.each([
    [{ accepted: true }, 'request_id', /Say which answer/],
    [{ request_id: 'a', response_id: 'b', accepted: true }, 'request_id', /either 'request_id'.*or 'response_id'/],
    [{ request_id: 'a' }, 'accepted', /Say 'accepted' .* or a 'score'/],
    [{ request_id: 'a', accepted: 'yes' }, 'accepted', /'accepted' must be a boolean/],
    [{ request_id: 'a', score: 1.5 }, 'score', /'score' must be from 0 to 1/],
    [{ request_id: 'a', acepted: true }, 'acepted', /'acepted' is no field of feedback. The fields are request_id/],
    [{ request_id: 'a', accepted: true, source: 'check' }, 'source', /'source' must be none of check, judge/],
    [{ request_id: 'a', accepted: true, source: 'a b' }, 'source', /must be a word of letters/],
    [{ request_id: 'a', accepted: true, metadata: 'x' }, 'metadata', /'metadata' must be an object/],
    [{ request_id: 'a', accepted: true, metadata: { x: 'y'.repeat(5_000) } }, 'metadata', /at most 4096 are kept/],
    [{ feedback: [] }, 'feedback', /a list of 1 to 1000 items/],
  ])('says what is wrong, and where: %j', async (body, param, words) => {
    const answer = await tell(body);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatchObject({
      param,
      type: 'invalid_request_error',
      message: expect.stringMatching(words),
    });
  });

  test('needs a ledger to keep it in', async () => {
    const own = await startProxy({ ledger: { url: 'none' } });
    const response = await post(`${own.url}/v1/feedback`, JSON.stringify({ request_id: 'a', accepted: true }));
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(/no ledger to keep feedback in/);
  });
});
