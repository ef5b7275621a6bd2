/**
 * Tool loops of agents, in the shapes of several frameworks (written after their wire formats, not captured from them):
 * each conversation is played turn by turn, as the agent would send it, and must keep the model that it began with.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { post, simulatedServer, startProxy, type TestProxy } from '../proxy-harness.ts';

interface Recording {
  readonly framework: string;
  readonly path: string;
  readonly model: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const folder = join(import.meta.dirname, '../fixtures/agents');
const recordings = readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Recording);

let openai: TestProxy;
let anthropic: TestProxy;
beforeAll(async () => {
  openai = await startProxy();
  const server = await simulatedServer();
  const claude = { kind: 'anthropic', base_url: server.url };
  anthropic = await startProxy({ backends: { cheap: claude, strong: claude } });
});

/** The requests that the agent made: the conversation up to each point where the model was asked. */
function turnsOf({ body }: Recording): Record<string, unknown>[] {
  const key = 'input' in body ? 'input' : 'messages';
  const items = body[key] as { role?: string; type?: string }[];
  const bySelf = (item: { role?: string; type?: string }) =>
    item.role === 'assistant' || item.type === 'function_call' || item.type === 'reasoning';
  const ends = items.flatMap((item, i) =>
    !bySelf(item) && (i + 1 === items.length || bySelf(items[i + 1])) ? [i + 1] : [],
  );
  return ends.map((end) => ({ ...body, [key]: items.slice(0, end) }));
}

async function play(recording: Recording) {
  const proxy = recording.path === '/messages' ? anthropic : openai;
  const seen: { model: string | null; reason: string | null; id: string }[] = [];
  for (const turn of turnsOf(recording)) {
    const response = await post(`${proxy.url}/v1${recording.path}`, JSON.stringify(turn));
    expect(response.status).toBe(200);
    await response.arrayBuffer();
    const header = (name: string) => response.headers.get(`x-shunt-${name}`);
    seen.push({ model: header('model'), reason: header('reason'), id: header('request-id') ?? '' });
  }
  return { proxy, seen };
}

async function pinOf(proxy: TestProxy, id: string): Promise<unknown> {
  for (let i = 0; i < 200; i++) {
    const found = await fetch(`${proxy.url}/v1/decisions/${id}`);
    if (found.ok) return ((await found.json()) as { pin: unknown }).pin;
    await sleep(10);
  }
  throw new Error('no decision');
}

describe.each(recordings.map((recording) => [recording.framework, recording] as const))(
  '%s',
  (_framework, recording) => {
    test('keeps its model through 12 turns and more, and switches it never', async () => {
      const { proxy, seen } = await play(recording);
      expect(seen.length).toBeGreaterThan(12);
      expect(new Set(seen.map(({ model }) => model))).toEqual(new Set([recording.model]));
      const pins = await Promise.all(seen.map(({ id }) => pinOf(proxy, id)));
      expect(pins[0]).toBe('new');
      expect(pins.slice(1).every((pin) => pin === 'kept')).toBe(true);
    });
  },
);

test('a tool loop whose model fails goes on with the fallback, stays there, and is counted as a switch', async () => {
  const proxy = await startProxy();
  const call = (i: number) => [
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: `c${i}`, type: 'function', function: { name: 'f', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: `c${i}`, content: 'x' },
  ];
  const messages: unknown[] = [{ role: 'user', content: 'Translate to French: the last bus' }];
  const send = async () => {
    const response = await post(`${proxy.url}/v1/chat/completions`, JSON.stringify({ model: 'auto', messages }));
    await response.arrayBuffer();
    const id = response.headers.get('x-shunt-request-id') ?? '';
    return [response.headers.get('x-shunt-model'), await pinOf(proxy, id)];
  };
  expect(await send()).toEqual(['small', 'new']);
  messages.push(...call(1));
  expect(await send()).toEqual(['small', 'kept']);
  await proxy.small.close();
  messages.push(...call(2));
  expect(await send()).toEqual(['large', 'switched']);
  messages.push(...call(3));
  expect(await send()).toEqual(['large', 'kept']);
  const metrics = await (await fetch(`${proxy.url}/metrics`)).text();
  expect(metrics).toContain('shunt_pin_outcomes_total{outcome="switched"} 1');
});
