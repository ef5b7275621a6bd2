/** The semantic cache end to end: evidence before hits, hits that say so, verdicts off the path, files that are refused. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { chatBody, type Overrides, post, startProxy, type TestProxy } from '../proxy-harness.ts';
import { type Asked, recordingServer, replyJson } from '../recording-server.ts';

const cities = [
  ...[
    'Peru',
    'Chile',
    'Spain',
    'Japan',
    'Norway',
    'Kenya',
    'Cuba',
    'Egypt',
    'Ghana',
    'Italy',
    'Nepal',
    'Oman',
    'Malta',
  ],
  ...['Brazil', 'Canada', 'Greece', 'Poland', 'Sweden', 'Turkey', 'Panama', 'Jordan'],
];
const one = (country: string) => `What is the capital of ${country}?`;
const other = (country: string) => `What's the capital of ${country}?`;

let answer: (prompt: string) => string = () => '';
const backend = await recordingServer((asked, response) => {
  const message = { role: 'assistant', content: answer(promptOf(asked)) };
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
  const choices = [{ index: 0, message, finish_reason: 'stop' }];
  replyJson(response, { id: 'c', object: 'chat.completion', created: 1, model: 'sim', choices, usage });
});

function promptOf({ body }: Asked): string {
  const { messages } = JSON.parse(body) as { messages: { content: string }[] };
  return messages.at(-1)?.content ?? '';
}

/** The same answer for everything that names the same country. */
const rightly = (prompt: string) => `The capital that was asked for: ${cities.find((city) => prompt.includes(city))}.`;

beforeEach(() => {
  answer = rightly;
  backend.asked.length = 0;
});

/** Also waits until the database of answers is open. */
async function restart(proxy: TestProxy): Promise<void> {
  await proxy.restart();
  await (await fetch(`${proxy.url}/admin/cache`)).arrayBuffer();
}

async function start(semantic: object = {}, more: Overrides = {}): Promise<TestProxy> {
  const own = { base_url: backend.url, max_retries: 0 };
  // A busy machine may take longer than the usual wait for the database.
  const cache = {
    exact: { store_wait_ms: 1_000 },
    semantic: { enabled: true, max_error: 0.5, verify_share: 0, compare: 'exact', ...semantic },
  };
  const proxy = await startProxy({ backends: { cheap: own, strong: own }, cache, ...more });
  const file = join(proxy.folder, 'routes', 'facts.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace('mode: exact', 'mode: semantic'));
  expect(await proxy.proxy.reload('test')).toBe(true);
  return proxy;
}

async function ask(proxy: TestProxy, prompt: string, extra: Record<string, unknown> = {}, headers = {}) {
  const body = chatBody(prompt, { temperature: 0, ...extra });
  const response = await post(`${proxy.url}/v1/chat/completions`, body, headers);
  const text = await response.text();
  return { cache: response.headers.get('x-shunt-cache'), response, text };
}

async function evidence(proxy: TestProxy) {
  const stats = (await (await fetch(`${proxy.url}/admin/cache`)).json()) as {
    semantic: { entries: number; evidence: { route: string; verified: number; wrong: number; served: object }[] };
  };
  const facts = stats.semantic.evidence.find(({ route }) => route === 'facts');
  return { entries: stats.semantic.entries, verified: facts?.verified ?? 0, wrong: facts?.wrong ?? 0 };
}

/** Asks prompts and then their paraphrases, until one of those is served; how many had been compared by then. */
async function teach(proxy: TestProxy, countries: readonly string[] = cities.slice(0, -2)): Promise<number> {
  for (const [at, country] of countries.entries()) {
    expect((await ask(proxy, one(country))).cache).toBe('miss');
    if ((await ask(proxy, other(country))).cache === 'semantic') return at;
    await expect.poll(async () => (await evidence(proxy)).verified, { timeout: 10_000 }).toBe(at + 1);
  }
  return countries.length;
}

/** Never taught. */
const [next, last] = cities.slice(-2);

describe('the semantic cache', () => {
  test('serves nothing before there is evidence, and then says what it serves', async () => {
    const proxy = await start();
    const verified = await teach(proxy);
    expect(verified).toBeGreaterThan(4);
    expect(await evidence(proxy)).toMatchObject({ entries: 2 * verified + 1, verified, wrong: 0 });
    const asked = backend.asked.length;

    expect((await ask(proxy, one(next))).cache).toBe('miss');
    const hit = await ask(proxy, other(next));
    expect(hit.cache).toBe('semantic');
    expect(hit.text).toContain(next);
    expect(backend.asked.length).toBe(asked + 1);
    expect(Object.fromEntries(hit.response.headers)).toMatchObject({
      'x-shunt-reason': 'semantic-hit',
      'x-shunt-route': 'facts',
      'x-shunt-model': 'small',
      age: '0',
      'x-shunt-cache-similarity': expect.stringMatching(/^0\.\d{4}$/) as string,
    });
    const streamed = await ask(proxy, other(next), { stream: true });
    expect(streamed.cache).toBe('semantic');
    expect(streamed.text).toContain('[DONE]');

    const id = hit.response.headers.get('x-shunt-request-id');
    const found = () => fetch(`${proxy.url}/v1/decisions/${id}`);
    await expect.poll(async () => (await found()).status, { timeout: 10_000 }).toBe(200);
    const decision = (await (await found()).json()) as Record<string, unknown>;
    expect(decision).toMatchObject({ cache: 'semantic', cost_nano_usd: '0', usage: { source: 'cached', output: 5 } });
    expect(Number(decision.fallback_cost_nano_usd)).toBeGreaterThan(0);
    const metrics = await (await fetch(`${proxy.url}/metrics`)).text();
    expect(metrics).toContain('shunt_cache_hits_total{kind="semantic"} 3');
    expect(metrics).toContain(`shunt_semantic_verified{route="facts",served="no",verdict="right"} ${verified}`);

    for (const [why, extra, headers] of [
      ['another country', { prompt: one(last) }, {}],
      ['another tenant', {}, { authorization: 'Bearer somebody' }],
      ['another system prompt', { messages: [{ role: 'system', content: 'Be brief.' }, user(other(next))] }, {}],
      ['another parameter', { max_tokens: 7 }, {}],
      ['no-cache', {}, { 'cache-control': 'no-cache' }],
    ] as const) {
      const { prompt = other(next), ...rest } = extra as { prompt?: string };
      expect([why, (await ask(proxy, prompt, rest, headers)).cache]).toEqual([why, 'miss']);
    }
    const explained = await post(`${proxy.url}/admin/cache/explain`, JSON.stringify({ text: `${other(next)} ` }));
    expect(await explained.json()).toMatchObject({ mode: 'semantic', outcome: 'semantic', semantic: { kind: 'hit' } });
  });

  test('serves nothing when the answers it would have given were wrong', async () => {
    const proxy = await start();
    answer = (prompt) => `An answer to: ${prompt}`;
    const verified = await teach(proxy);
    expect(verified).toBe(cities.length - 2);
    expect((await evidence(proxy)).wrong).toBe(verified);
  });

  test('goes on verifying hits: those that are drawn are asked for all the same', async () => {
    const proxy = await start({ verify_share: 1 });
    expect(await teach(proxy)).toBe(cities.length - 2);
    const served = /^shunt_semantic_verified\{route="facts",served="yes",verdict="right"\} [1-9]/m;
    expect(await (await fetch(`${proxy.url}/metrics`)).text()).toMatch(served);
  });

  test('compares by meaning, or asks a judge, whose calls are in the ledger', async () => {
    const byMeaning = await start({ compare: 'embedding' });
    answer = (prompt) => `${rightly(prompt)}${prompt.startsWith("What's") ? '  ' : ''}`;
    await teach(byMeaning, ['Peru']);
    expect((await evidence(byMeaning)).wrong).toBe(0);

    const judged = await start({ compare: 'judge', judge: 'large' });
    answer = (prompt) =>
      prompt.startsWith('Question:') ? (prompt.includes('Chile') ? 'No.' : 'Yes') : `An answer to: ${prompt}`;
    await teach(judged, ['Peru', 'Chile']);
    expect((await evidence(judged)).wrong).toBe(1);
    const calls = backend.asked.map(promptOf).filter((prompt) => prompt.startsWith('Question:'));
    expect(calls).toHaveLength(2);
    expect(calls[0]).toContain(other('Peru'));
    const metrics = await (await fetch(`${judged.url}/metrics`)).text();
    expect(metrics).toContain('shunt_decisions_total{route="facts",reason="cache-judge",model="large"} 2');
  });

  test('learns from labelled pairs at the start', async () => {
    const proxy = await start();
    const pairs = cities.slice(0, -2).map((country) => ({ a: one(country), b: other(country), same: true }));
    await writeFile(join(proxy.folder, 'pairs.jsonl'), pairs.map((pair) => `${JSON.stringify(pair)}\n`).join(''));
    const own = { base_url: backend.url, max_retries: 0 };
    const semantic = { enabled: true, max_error: 0.5, verify_share: 0, pairs: 'pairs.jsonl' };
    await proxy.reconfigure({ backends: { cheap: own, strong: own }, cache: { semantic } });
    await restart(proxy);
    await ask(proxy, one(next));
    expect((await ask(proxy, other(next))).cache).toBe('semantic');
  });
});

describe('the file of the semantic cache', () => {
  const files = async ({ folder }: TestProxy) => {
    const at = join(folder, '.shunt', 'semantic');
    return (await readdir(at).catch(() => [])).map((name) => join(at, name));
  };

  test('brings entries and evidence over a restart; without ledger.prompts: full only the evidence, and no prompt', async () => {
    const full = await start({}, { ledger: { prompts: 'full' } });
    await teach(full);
    await ask(full, one(next));
    await restart(full);
    expect((await ask(full, other(next))).cache).toBe('semantic');

    const hashed = await start();
    const verified = await teach(hashed);
    await ask(hashed, one(next));
    await restart(hashed);
    const [file] = await files(hashed);
    expect((await readFile(file)).includes('capital')).toBe(false);
    expect(await evidence(hashed)).toMatchObject({ entries: 0, verified });
    expect((await ask(hashed, other(next))).cache).toBe('miss');
    await ask(hashed, one(last));
    expect((await ask(hashed, other(last))).cache).toBe('semantic');
  });

  test('is refused when it was meddled with, and begins anew: no crash, and no wrong answer', async () => {
    const proxy = await start({}, { ledger: { prompts: 'full' } });
    await teach(proxy, cities.slice(0, 2));
    await proxy.proxy.stop();
    const [file] = await files(proxy);
    const bytes = (await readFile(file)).toString('latin1');
    await writeFile(file, Buffer.from(bytes.replaceAll('Peru', 'Cuba'), 'latin1'));
    await restart(proxy);
    expect(await evidence(proxy)).toMatchObject({ entries: 0, verified: 0 });
    expect((await ask(proxy, `${other('Cuba')} `)).text).not.toContain('Peru');
  });
});

function user(content: string) {
  return { role: 'user', content };
}
