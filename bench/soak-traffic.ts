/** What the soak asks for, the backends that answer it, and the proxy's configuration between them. */
import { join, resolve } from 'node:path';
import { type ChaosBackend, event, events, head, sse } from '../test/chaos/backend.ts';
import { type Ask, chat } from '../test/chaos/load.ts';

export const soakTag = 'soak';
const root = resolve(import.meta.dirname, '..');

export function misbehave(backend: ChaosBackend): void {
  backend.misbehave('flaky', ({ turn }) =>
    turn % 2 === 0
      ? [
          'HTTP/1.1 503 Busy\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}',
          'end',
        ]
      : 'sound',
  );
  const drops = Array.from({ length: 40 }, () => [event({ choices: [{ index: 0, delta: { content: 'drop ' } }] }), 25]);
  backend.misbehave('slow', () => [head(sse), ...drops.flat(), ...events(['end']), 'end']);
}

export function soakConfiguration(backend: ChaosBackend): object {
  const on = (name: string) => ({ base_url: backend.url(name), api_key: 'sk-soak', max_retries: 0 });
  const model = (name: string) => ({
    backend: name,
    model: 'm',
    usd_per_million: { input: 1, output: 2 },
    context: 100_000,
  });
  const names = ['cheap', 'strong', 'flaky', 'slow'];
  return {
    server: { port: 0 },
    backends: Object.fromEntries(names.map((name) => [name, on(name)])),
    models: {
      small: model('cheap'),
      large: { ...model('strong'), abilities: ['tools'] },
      flaky: model('flaky'),
      slow: model('slow'),
    },
    routing: { models_dir: join(root, 'models'), watch: false, budget_ms: 1_000 },
    telemetry: { log: 'error' },
  };
}

/** Twenty kinds in turn, so that every second holds some of each. */
export function soakRequest(i: number): readonly [string, Ask] {
  const tag = soakTag;
  const fresh = `Translate to French: ${i} trains leave at noon`;
  switch (i % 20) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
      return ['routed', chat({ text: fresh, tag })];
    case 5:
    case 6:
    case 7:
    case 8:
      return ['routed stream', chat({ text: fresh, stream: true, tag })];
    case 9:
    case 10:
      return [
        'pinned turn',
        conversation(i, [
          { role: 'assistant', content: 'Oui.' },
          { role: 'user', content: 'How do you say thank you in Japanese?' },
        ]),
      ];
    case 11:
    case 12:
      return ['cache hit', chat({ text: 'What is the capital of Peru?', tag })];
    case 13:
      return ['tool loop', conversation(i, toolLoop)];
    case 14:
      return ['named model', chat({ model: 'large', text: fresh, tag })];
    case 15:
      return ['backend error', chat({ model: 'flaky', text: fresh, tag })];
    case 16:
      return ['client error', { body: `{"model":"auto","messages":[${i}`, headers: { 'x-shunt-tags': tag } }];
    case 17:
      return [
        'aborted stream',
        {
          ...chat({ model: 'slow', stream: true, tag }),
          onAnswer: (_answer, request) => void setTimeout(() => request.destroy(), 200),
        },
      ];
    case 18:
      return [
        'embedding',
        {
          path: '/v1/embeddings',
          body: JSON.stringify({ model: 'default', input: fresh }),
          headers: { 'x-shunt-tags': tag },
        },
      ];
    default:
      return ['slow stream', chat({ model: 'slow', stream: true, tag })];
  }
}

function conversation(i: number, more: readonly object[]): Ask {
  const messages = [{ role: 'user', content: `Translate to French: ${i} good mornings` }, ...more];
  return { body: JSON.stringify({ model: 'auto', messages }), headers: { 'x-shunt-tags': soakTag } };
}

const call = { id: 'call_1', type: 'function', function: { name: 'look', arguments: '{}' } };
const toolLoop = [
  { role: 'assistant', content: null, tool_calls: [call] },
  { role: 'tool', tool_call_id: 'call_1', content: 'nothing' },
];
