/** Azure OpenAI: its addresses, its version in the query, its key in a header of its own. */
import { describe, expect, test } from 'vitest';
import { chatBody, post, startProxy } from '../proxy-harness.ts';
import { recordingServer, replyJson } from '../recording-server.ts';

async function azure(extra: Record<string, unknown>) {
  const server = await recordingServer((_asked, response) => replyJson(response, { choices: [] }));
  const base_url = server.url.replace(/\/v1$/, '');
  const proxy = await startProxy({ backends: { strong: { kind: 'azure', base_url, api_key: 'az-key', ...extra } } });
  return { proxy, server };
}

describe('a backend of kind azure', () => {
  test('is asked below /openai/v1, with api-key', async () => {
    const { proxy, server } = await azure({});
    await post(`${proxy.url}/v1/chat/completions`, chatBody('hi', { model: 'large' }));
    await post(`${proxy.url}/v1/responses`, JSON.stringify({ model: 'large', input: 'hi' }));
    expect(server.asked.map(({ line }) => line)).toEqual([
      'POST /openai/v1/chat/completions',
      'POST /openai/v1/responses',
    ]);
    expect(server.asked[0].headers).toMatchObject({ 'api-key': 'az-key' });
    expect(server.asked[0].headers.authorization).toBeUndefined();
  });

  test('with an api_version has its deployments in the path, and the version in the query', async () => {
    const { proxy, server } = await azure({ api_version: '2024-10-21' });
    await post(`${proxy.url}/v1/chat/completions`, chatBody('hi', { model: 'large' }));
    await post(`${proxy.url}/v1/embeddings`, JSON.stringify({ model: 'large', input: 'hi' }));
    await post(`${proxy.url}/v1/responses?x=1`, JSON.stringify({ model: 'large', input: 'hi' }));
    expect(server.asked.map(({ line }) => line)).toEqual([
      'POST /openai/deployments/sim-large/chat/completions?api-version=2024-10-21',
      'POST /openai/deployments/sim-large/embeddings?api-version=2024-10-21',
      'POST /openai/responses?x=1&api-version=2024-10-21',
    ]);
  });
});
