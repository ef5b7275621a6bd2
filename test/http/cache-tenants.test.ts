/**
 * The property that must never break: no tenant is ever told what another was told. 10,000 mixed requests of two tenants,
 * equal prompts and paraphrases, streamed and not, many at once; the backend signs each answer with who asked.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startProxy, type TestProxy } from '../proxy-harness.ts';
import { type RecordingServer, recordingServer, replyEvents, replyJson } from '../recording-server.ts';

const tenants = ['alice', 'bob'] as const;
type Tenant = (typeof tenants)[number];

const prompts = [
  'What is the capital of Peru?',
  "What's the capital of Peru?",
  'In which year did the Berlin Wall fall?',
  'When did the Berlin Wall fall?',
  'How many legs does a spider have?',
  'How many legs do spiders have?',
  'Translate to French: good morning',
  'Prove that the square root of 2 is irrational',
];
const controls = [null, null, null, 'no-cache', 'no-store', 'max-age=1', 'only-if-cached'];

const asked = fc.record({
  tenant: fc.constantFrom(...tenants),
  prompt: fc.constantFrom(...prompts),
  stream: fc.boolean(),
  usage: fc.boolean(),
  seed: fc.integer({ min: 1, max: 3 }),
  temperature: fc.constantFrom(0, 0.5),
  control: fc.constantFrom(...controls),
});
type Asked = typeof asked extends fc.Arbitrary<infer T> ? T : never;

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
let backend: RecordingServer;
let proxy: TestProxy;

beforeAll(async () => {
  backend = await recordingServer(({ headers, body }, response) => {
    const content = `signed ${String(headers.authorization)}`;
    const head = { id: 'c', created: 1, model: 'sim' };
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
    if (!(JSON.parse(body) as { stream?: boolean }).stream) {
      const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }];
      replyJson(response, { ...head, object: 'chat.completion', choices, usage });
      return;
    }
    const chunk = (delta: object, finish_reason: string | null) => {
      const choices = [{ index: 0, delta, finish_reason }];
      return `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices })}\n\n`;
    };
    const last = `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices: [], usage })}\n\n`;
    replyEvents(response, [chunk({ content }, null), chunk({}, 'stop'), last, 'data: [DONE]\n\n']);
  });
  const own = { base_url: backend.url, credentials: 'client', max_retries: 0 };
  const folder = await mkdtemp(join(tmpdir(), 'shunt-pairs-'));
  const countries = ['Chile', 'Spain', 'Japan', 'Norway', 'Kenya', 'Cuba', 'Egypt', 'Ghana', 'Italy', 'Nepal', 'Malta'];
  const pairs = [...countries, 'Brazil', 'Canada', 'Greece', 'Poland', 'Sweden', 'Turkey', 'Panama'].map((country) => {
    const [a, b] = [`What is the capital of ${country}?`, `What's the capital of ${country}?`];
    return `${JSON.stringify({ a, b, same: true })}\n`;
  });
  await writeFile(join(folder, 'pairs.jsonl'), pairs.join(''));
  const semantic = { enabled: true, max_error: 0.5, verify_share: 0.1, pairs: join(folder, 'pairs.jsonl') };
  proxy = await startProxy({
    backends: { cheap: own, strong: own },
    cache: { semantic, fallback: { mode: 'semantic', max_temperature: 2 } },
  });
  await rm(folder, { recursive: true });
  const card = join(proxy.folder, 'routes', 'facts.yaml');
  await writeFile(card, (await readFile(card, 'utf8')).replace('mode: exact', 'mode: semantic'));
  expect(await proxy.proxy.reload('test')).toBe(true);
});

afterAll(() => agent.destroy());

function ask(one: Asked): Promise<{ readonly status: number; readonly cache: string; readonly body: string }> {
  const body = JSON.stringify({
    model: 'auto',
    messages: [{ role: 'user', content: one.prompt }],
    seed: one.seed,
    temperature: one.temperature,
    stream: one.stream,
    ...(one.stream && one.usage ? { stream_options: { include_usage: true } } : {}),
  });
  const headers: Record<string, string> = { authorization: `Bearer ${one.tenant}`, 'content-type': 'application/json' };
  if (one.control !== null) headers['cache-control'] = one.control;
  return new Promise((resolve, reject) => {
    const sent = request(`${proxy.url}/v1/chat/completions`, { method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        const cache = String(response.headers['x-shunt-cache']);
        resolve({ status: response.statusCode ?? 0, cache, body: text });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const other = (tenant: Tenant) => (tenant === 'alice' ? 'bob' : 'alice');

test('10,000 mixed requests of two tenants share nothing across them', async () => {
  const all = fc.sample(asked, { numRuns: 10_000, seed: 9 });
  const counts: Record<string, number> = {};
  const wrong: Asked[] = [];
  const queue = all.values();
  const worker = async () => {
    for (const one of queue) {
      const { status, cache, body } = await ask(one);
      counts[cache] = (counts[cache] ?? 0) + 1;
      const told = status === 200 ? body.includes(`signed Bearer ${one.tenant}`) : one.control === 'only-if-cached';
      if (!told || body.includes(`signed Bearer ${other(one.tenant)}`)) wrong.push(one);
    }
  };
  await Promise.all(Array.from({ length: 48 }, worker));
  expect(wrong).toEqual([]);
  expect(counts.hit).toBeGreaterThan(5_000);
  expect(counts.miss).toBeGreaterThan(100);
  expect(counts.semantic).toBeGreaterThan(10);
}, 120_000);
