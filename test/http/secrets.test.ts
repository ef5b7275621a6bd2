/**
 * Secrets and prompts stay where they belong. A proxy as a process, with everything on that writes (log at debug, ledger,
 * traces, metrics), is given words that occur nowhere else, and then everything that it wrote is searched for them.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { runSource } from '../cli/source-process.ts';
import { chatBody, post } from '../proxy-harness.ts';
import { recordingServer, replyEvents, replyJson } from '../recording-server.ts';

/** No shape that a recogniser of credentials would know: what holds them back must not be the recogniser. */
const canaries = {
  clientKey: 'qanaryclientq',
  adminKey: 'qanaryadminq',
  wrongKey: 'qanarywrongq',
  backendKey: 'qanarybackendq',
  backendHeader: 'qanaryheaderq',
  addressPassword: 'qanarypasswordq',
  webhookPath: 'qanarywebhookq',
  prompt: 'qanarypromptq',
  tool: 'qanarytoolq',
  answer: 'qanaryanswerq',
};
const hashOf = (key: string) => `sha256:${createHash('sha256').update(key).digest('hex')}`;
const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function writtenBy(prompts: 'none' | 'hash'): Promise<Record<string, string>> {
  const traces = await recordingServer((_asked, response) => replyJson(response, {}));
  const hook = await recordingServer((_asked, response) => replyJson(response, {}, 500));
  const choice = { message: { role: 'assistant', content: canaries.answer }, finish_reason: 'stop' };
  const backend = await recordingServer((asked, response) => {
    if (asked.body.includes('"stream":true')) {
      const delta = { choices: [{ delta: { content: canaries.answer } }] };
      replyEvents(response, [`data: ${JSON.stringify(delta)}\n\n`]);
    } else replyJson(response, { choices: [choice], usage: { prompt_tokens: 100_000, completion_tokens: 1 } });
  });
  const folder = await mkdtemp(join(tmpdir(), 'shunt-secrets-'));
  folders.push(folder);
  const price = { input: 2.5, output: 15 };
  const config = {
    auth: {
      keys: [
        { name: 'app', hash: hashOf(canaries.clientKey), budget_usd_per_day: 1, on_exceeded: 'warn' },
        { name: 'boss', hash: hashOf(canaries.adminKey), admin: true },
      ],
    },
    budgets: { soft_at: 0.01, webhook: `${hook.url}/${canaries.webhookPath}` },
    backends: {
      good: { base_url: backend.url, api_key: `\${BACKEND_KEY}`, headers: { 'x-extra': canaries.backendHeader } },
      gone: { base_url: `http://user:${canaries.addressPassword}@127.0.0.1:9/v1`, max_retries: 0 },
    },
    models: {
      small: { backend: 'good', model: 'small', usd_per_million: price, abilities: ['tools'] },
      large: { backend: 'good', model: 'large', usd_per_million: price, abilities: ['tools'] },
      dead: { backend: 'gone', model: 'dead' },
    },
    routing: { routes: resolve(import.meta.dirname, '../fixtures/routes') },
    ledger: { prompts, flush_ms: 5 },
    telemetry: { log: 'debug', otlp: traces.url.replace('/v1', '') },
  };
  await writeFile(join(folder, 'shunt.yaml'), stringify(config));
  const env = { ...process.env, BACKEND_KEY: canaries.backendKey, OTEL_BSP_SCHEDULE_DELAY: '50' };
  const proxy = runSource(folder, ['serve', '--port', '0'], env);
  const base = await proxy.url;

  const ask = async (body: string, key = canaries.clientKey) => {
    const answer = await post(`${base}/v1/chat/completions`, body, { authorization: `Bearer ${key}` });
    const text = await answer.text().catch(() => '');
    return { status: answer.status, text, headers: JSON.stringify([...answer.headers]) };
  };
  const get = async (path: string, key: string) =>
    (await fetch(base + path, { headers: { authorization: `Bearer ${key}` } })).text();
  const tools = [{ type: 'function', function: { name: canaries.tool, parameters: {} } }];
  const served = await ask(chatBody(`Translate to French: ${canaries.prompt}`, { tools }));
  await ask(chatBody(canaries.prompt, { stream: true }));
  const refused = [
    await ask(chatBody(canaries.prompt), canaries.wrongKey),
    await ask(chatBody(canaries.prompt, { model: 'dead' })),
    await ask(chatBody(canaries.prompt, { model: 'none-such' })),
    await ask(chatBody(canaries.prompt, { messages: canaries.prompt })),
    await ask(`{"${canaries.prompt}`),
  ];
  expect(served.status).toBe(200);
  expect(refused.map(({ status }) => status)).toEqual([401, 502, 404, 400, 400]);
  const id = /"x-shunt-request-id","([^"]+)"/.exec(served.headers)?.[1] ?? '';
  await expect.poll(() => get(`/v1/decisions/${id}`, canaries.adminKey), { timeout: 20_000 }).toContain('translation');
  await expect.poll(() => traces.asked.length, { timeout: 20_000 }).toBeGreaterThan(0);
  await expect.poll(() => hook.asked.length, { timeout: 20_000 }).toBeGreaterThan(0);
  const written = {
    decision: await get(`/v1/decisions/${id}`, canaries.adminKey),
    metrics: await get('/metrics', canaries.adminKey),
    readiness: await get('/readyz?verbose', canaries.adminKey),
    models: await get('/v1/models', canaries.adminKey),
    errors: refused.map(({ text, headers }) => text + headers).join('\n'),
    headers: served.headers,
    alerts: hook.asked.map(({ body }) => body).join('\n'),
  };
  proxy.child.kill('SIGTERM');
  const { stdout, stderr } = await proxy.ended;
  const state = join(folder, '.shunt');
  const files = await readdir(state, { recursive: true, withFileTypes: true });
  const contents = files
    .filter((file) => file.isFile())
    .map(async (file) => [file.name, await readFile(join(file.parentPath, file.name), 'latin1')] as const);
  return {
    ...written,
    stdout,
    stderr,
    traces: traces.asked.map(({ body }) => body).join('\n'),
    ...Object.fromEntries(await Promise.all(contents)),
  };
}

test.each(['none', 'hash'] as const)(
  'with ledger.prompts: %s nothing that is written holds a key, a password or a word of a prompt or an answer',
  { timeout: 180_000 },
  async (prompts) => {
    const written = await writtenBy(prompts);
    // Everything that could tell something was written.
    expect(written.stderr).toContain('budget');
    for (const place of ['ledger.db', 'traces', 'metrics'])
      expect(written[place].includes('translation'), place).toBe(true);
    const told = Object.entries(canaries).flatMap(([what, canary]) =>
      Object.entries(written).flatMap(([where, text]) => (text.includes(canary) ? [`${what} in ${where}`] : [])),
    );
    expect(told).toEqual([]);
  },
);
