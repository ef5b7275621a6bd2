/**
 * `npm run bench:embeddings`: texts per second and core of the embedded model, by length; `/v1/embeddings` end to end,
 * as floats and as base64; and onnxruntime on the same graph, which is what loading the file as it is would give.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { createEmbedder } from '../src/embedding/create-embedder.ts';
import { openOnnxSession } from '../src/embedding/onnx-session.ts';
import { readTokenizer } from '../src/embedding/read-tokenizer.ts';
import { openRegistry } from '../src/lifecycle/registry.ts';
import { renderTable } from '../src/render/table.ts';
import { load } from './load.ts';
import { text64 } from './scenarios.ts';
import { startServer } from './servers.ts';

const { values: flags } = parseArgs({
  options: {
    texts: { type: 'string', default: '4000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (flags.help) {
  console.log('npm run bench:embeddings -- [--texts 4000] [--json]   (npm run build first)');
  process.exit(0);
}

interface Row {
  readonly what: string;
  readonly tokens: number;
  readonly batch: number;
  readonly perSecond: number;
}

const count = Number(flags.texts);
const root = resolve(import.meta.dirname, '..');
const registry = await openRegistry(join(root, 'models'));
const model = await registry.resolve('default');
const embedder = await createEmbedder(model, { alias: 'default', cacheMb: 0 });
const lengths = [16, 64, 256];
const rows: Row[] = [];
for (const tokens of lengths) rows.push(inline(tokens), ...(await bare(tokens)));
rows.push(...(await endToEnd()));
await embedder.close();
if (flags.json) console.log(JSON.stringify(rows, null, 2));
else {
  const right = (title: string) => ({ title, align: 'right' as const });
  console.log(
    renderTable(
      [{ title: '' }, right('tokens'), right('texts at once'), right('texts/s')],
      rows.map((row) => [row.what, String(row.tokens), String(row.batch), row.perSecond.toFixed(0)]),
    ),
  );
}

/** Words of one sentence in turn, with a number, so that no text comes twice. */
function textOf(tokens: number, seed: number): string {
  const words = text64.split(' ');
  return `${seed} ${Array.from({ length: Math.max(1, Math.floor(tokens * 0.8)) }, (_, i) => words[(seed + i) % words.length]).join(' ')}`;
}

function inline(tokens: number): Row {
  const { embedInline } = embedder;
  if (embedInline === null) throw new Error('the default model does not run inline');
  let read = 0;
  for (let i = 0; i < 500; i++) read += embedInline(textOf(tokens, i)).tokens;
  const began = process.cpuUsage();
  for (let i = 0; i < count; i++) embedInline(textOf(tokens, i + 1_000));
  return { what: 'Shunt, one core', tokens: Math.round(read / 500), batch: 1, perSecond: count / seconds(began) };
}

/** The session that serves models without a table of their own, with the tokens of the same tokenizer. */
async function bare(tokens: number): Promise<Row[]> {
  const tokenizer = await readTokenizer(model.spec);
  const session = await openOnnxSession(model.spec);
  const found: Row[] = [];
  for (const batch of [1, 32]) {
    let read = 0;
    const began = process.cpuUsage();
    for (let i = 0; i < count; i += batch) {
      const ids = Array.from({ length: batch }, (_, at) => {
        const encoded = tokenizer.encode(textOf(tokens, i + at + 1_000), model.spec.maxTokens);
        return encoded.ids.slice();
      });
      read = ids[0].length;
      await session.run(ids, tokenizer.padId);
    }
    found.push({ what: 'onnxruntime, same graph', tokens: read, batch, perSecond: count / seconds(began) });
  }
  await session.close();
  return found;
}

/** Texts per second of CPU of the whole proxy: HTTP, JSON and the ledger included. */
async function endToEnd(): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'shunt-bench-'));
  const file = join(folder, 'shunt.yaml');
  const routing = { routes: join(root, 'routes'), models_dir: join(root, 'models'), watch: false };
  await writeFile(file, stringify({ server: { port: 0 }, routing, telemetry: { log: 'warn' } }));
  const server = await startServer([join(root, 'dist/cli/main.js'), 'serve', '--config', file]);
  const found: Row[] = [];
  for (const encoding_format of ['float', 'base64']) {
    for (const batch of [1, 32]) {
      const body = (round: number, index: number) => {
        const input = Array.from({ length: batch }, (_, at) => textOf(64, round * 100_000 + index * batch + at));
        return JSON.stringify({ model: 'default', input, encoding_format });
      };
      const shape = { path: '/v1/embeddings', body };
      const requests = Math.max(100, Math.ceil(count / batch));
      await load(server, shape, { round: 0, count: 100, concurrency: 4 });
      const { cpu } = await load(server, shape, { round: 1, count: requests, concurrency: 4 });
      found.push({ what: `/v1/embeddings, ${encoding_format}`, tokens: 64, batch, perSecond: (1e6 / cpu) * batch });
    }
  }
  await server.stop();
  await rm(folder, { recursive: true, force: true });
  return found;
}

function seconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}
