/** The whole proxy with its ledger in PostgreSQL, shared by two replicas. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startPostgres, type TestPostgres } from '../ledger/postgres-server.ts';
import { chatBody, post, startProxy } from '../proxy-harness.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.reset();
}, 120_000);
afterAll(() => server.stop());

test('a decision of one replica is found and judged at the other, and a person hashes alike at both', async () => {
  const ledger = { url: server.url, hash_secret: 'the same secret at every replica' };
  const [one, other] = await Promise.all([startProxy({ ledger }), startProxy({ ledger })]);
  const ask = async (url: string) => {
    const body = chatBody('Translate to French: good day', { user: 'anna@example.com' });
    const response = await post(`${url}/v1/chat/completions`, body);
    await response.text();
    return response.headers.get('x-shunt-request-id') ?? '';
  };
  const decision = async (url: string, id: string) => {
    const response = await fetch(`${url}/v1/decisions/${id}`);
    expect(response.status).toBe(200);
    return (await response.json()) as { person: string; outcome: string; cost_nano_usd: string };
  };
  const [id, second] = [await ask(one.url), await ask(other.url)];
  const found = await vi.waitFor(() => decision(other.url, id), { timeout: 10_000 });
  const told = await post(`${other.url}/v1/feedback`, JSON.stringify({ request_id: id, accepted: false }));
  expect(await told.json()).toMatchObject({ state: 'recorded', request_id: id });
  expect(await decision(one.url, id)).toMatchObject({ outcome: 'rejected', cost_nano_usd: found.cost_nano_usd });
  expect(found.person).toMatch(/^hmac:[\w-]{43}$/);
  await vi.waitFor(async () => expect((await decision(one.url, second)).person).toBe(found.person), {
    timeout: 10_000,
  });
  await Promise.all([one.stop(), other.stop()]);
});
