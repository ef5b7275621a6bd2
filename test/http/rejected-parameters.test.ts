/** A cheap model that does not take a parameter: the fallback answers, and next time it is asked at once. */
import { describe, expect, test } from 'vitest';
import { chatBody, post, startProxy, type TestProxy } from '../proxy-harness.ts';
import { type RecordingServer, recordingServer, replyJson } from '../recording-server.ts';

async function refusing(error: object): Promise<{ proxy: TestProxy; small: RecordingServer }> {
  const small = await recordingServer((asked, response) => {
    const refused = asked.body.includes('reasoning_effort') || asked.body.includes('"temperature"');
    if (refused) replyJson(response, { error }, 400);
    else
      replyJson(response, {
        object: 'chat.completion',
        choices: [{ message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
      });
  });
  const models = {
    small: { backend: 'cheap', model: 'sim-small', abilities: ['tools', 'reasoning', 'json_schema'] },
    large: { backend: 'strong', model: 'sim-large', abilities: ['tools', 'reasoning', 'json_schema'] },
  };
  return { proxy: await startProxy({ backends: { cheap: { base_url: small.url } }, models }), small };
}

const easy = 'Translate to French: good day';
async function ask(proxy: TestProxy, extra: object): Promise<(string | null)[]> {
  const response = await post(`${proxy.url}/v1/chat/completions`, chatBody(easy, extra as Record<string, unknown>));
  await response.arrayBuffer();
  return [String(response.status), ...['model', 'reason'].map((name) => response.headers.get(`x-shunt-${name}`))];
}

describe('a parameter that the target rejects', () => {
  const error = {
    message: "Unsupported parameter: 'reasoning_effort' is not supported with this model.",
    param: 'reasoning_effort',
    code: 'unsupported_parameter',
  };

  test('is answered by the fallback, once at the price of a try, then at once', async () => {
    const { proxy, small } = await refusing(error);
    expect(await ask(proxy, { reasoning_effort: 'low' })).toEqual(['200', 'large', 'target-rejects-reasoning_effort']);
    expect(small.asked).toHaveLength(1);
    expect(await ask(proxy, { reasoning_effort: 'high' })).toEqual(['200', 'large', 'target-rejects-reasoning_effort']);
    expect(small.asked).toHaveLength(1);
    expect(await ask(proxy, {})).toEqual(['200', 'small', 'matched']);
  });

  test('is the client’s to hear of when it asked for that model', async () => {
    const { proxy } = await refusing(error);
    expect((await ask(proxy, { model: 'small', reasoning_effort: 'low' }))[0]).toBe('400');
  });

  test('only with this value is remembered with this value', async () => {
    const { proxy, small } = await refusing({
      message:
        "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
      param: 'temperature',
      code: 'unsupported_value',
    });
    const reason = 'target-rejects-temperature';
    expect((await ask(proxy, { temperature: 0.2 }))[2]).toBe(reason);
    expect((await ask(proxy, { temperature: 0.2 }))[2]).toBe(reason);
    expect(small.asked).toHaveLength(1);
    expect((await ask(proxy, { temperature: 0.3 }))[2]).toBe(reason);
    expect(small.asked).toHaveLength(2);
  });

  test('is not learnt from a request that was simply wrong', async () => {
    const { proxy, small } = await refusing({
      message: 'temperature must be at most 2',
      param: 'temperature',
      code: 'invalid_value',
    });
    for (let i = 1; i <= 2; i++) {
      expect(await ask(proxy, { temperature: 3 })).toEqual(['200', 'large', 'failover']);
      expect(small.asked).toHaveLength(i);
    }
  });
});
