/** Replicas that share a ledger share its budgets. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../ledger/postgres-server.ts';
import { chatBody, post, startProxy, type TestProxy } from '../proxy-harness.ts';
import { recordingServer, replyJson } from '../recording-server.ts';

let database: TestPostgres;
beforeAll(async () => {
  database = await startPostgres();
  await database.reset();
}, 120_000);
afterAll(() => database.stop());

test('what one replica spends another refuses, within seconds', { timeout: 120_000 }, async () => {
  const usage = { prompt_tokens: 0, completion_tokens: 1_000 };
  const backend = await recordingServer((_asked, response) => replyJson(response, { choices: [], usage }));
  const hash = `sha256:${createHash('sha256').update('secret').digest('hex')}`;
  const replica = () =>
    startProxy({
      auth: { keys: [{ name: 'app', hash, budget_usd_per_month: 0.04 }] },
      backends: { strong: { base_url: backend.url } },
      ledger: { url: database.url, flush_ms: 5 },
    });
  const first = await replica();
  const second = await replica();
  const ask = (proxy: TestProxy, maxTokens: number) => {
    const body = chatBody('hello', { model: 'large', max_tokens: maxTokens });
    return post(`${proxy.url}/v1/chat/completions`, body, { authorization: 'Bearer secret' });
  };
  // Never sent: it fits no budget. But it says what this replica knows.
  const known = async (proxy: TestProxy) => /has spent \S+/.exec(await (await ask(proxy, 10_000)).text())?.[0];
  expect(await known(second)).toBe('has spent $0.0000');
  expect([(await ask(first, 1_000)).status, (await ask(first, 1_000)).status]).toEqual([200, 200]);
  await expect.poll(() => known(second), { timeout: 60_000, interval: 500 }).toBe('has spent $0.0300');
  expect([(await ask(second, 1_000)).status, (await ask(second, 100)).status]).toEqual([429, 200]);
  await Promise.all([first.stop(), second.stop()]);
});
