/** Alerts on their way: tried again, bounded, and given up with a word that holds no secret. */
import { expect, test } from 'vitest';
import { createWebhook } from '../../src/telemetry/webhook.ts';
import { recordingServer, replyJson } from '../recording-server.ts';

const patience = { timeout: 20_000 };

test('an alert is posted as JSON, and tried again until it is taken', async () => {
  let answers = 0;
  const hook = await recordingServer((_asked, response) => replyJson(response, {}, answers++ === 0 ? 503 : 200));
  const troubles: string[] = [];
  const webhook = createWebhook({ url: hook.url, onError: (message) => troubles.push(message) });
  webhook.post({ type: 'budget', name: 'app' });
  await expect.poll(() => hook.asked.length, patience).toBe(2);
  expect(hook.asked[1].headers['content-type']).toBe('application/json');
  expect(JSON.parse(hook.asked[1].body)).toEqual({ type: 'budget', name: 'app' });
  await webhook.close();
  expect(troubles).toEqual([]);
});

test('more than a few at once are dropped, closing gives up what hangs, and the address is never said', async () => {
  const hook = await recordingServer(() => undefined);
  const troubles: string[] = [];
  const webhook = createWebhook({ url: `${hook.url}/secret-token`, onError: (message) => troubles.push(message) });
  for (let i = 0; i < 40; i++) webhook.post({ i });
  expect(troubles).toHaveLength(8);
  await webhook.close();
  expect(troubles).toHaveLength(40);
  expect(troubles.join(' ')).not.toContain('secret-token');
});

test('without an address nothing is sent', async () => {
  const webhook = createWebhook({ url: null, onError: (message) => expect.unreachable(message) });
  webhook.post({});
  await webhook.close();
});
