/**
 * Labelled rows → evaluated rows, by the very snapshot and `match` that serve. Rows equal to an example are counted and,
 * unless wanted, left out: a router that has seen the answer is not measured by it. Keeps of each row only what figures
 * need, so that a large file costs a bounded amount a row.
 */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import type { UnitVector } from '../base/vector.ts';
import { estimateUsage } from '../ledger/usage.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import { match } from '../routing/match.ts';
import type { DataRow } from './dataset.ts';
import { type EvaluatedRow, excerptLength } from './evaluated-row.ts';
import { rowKey, sameTextKey } from './same-text.ts';
import { trivialRouter } from './trivial.ts';

export interface RunOptions {
  readonly snapshot: Pick<Snapshot, 'embedder' | 'prompts' | 'index' | 'routes'>;
  readonly rows: AsyncIterable<DataRow>;
  readonly clock: Clock;
  readonly keepDuplicates: boolean;
  readonly onProgress?: ((rows: number) => void) | undefined;
}

export interface EvaluationRun {
  readonly rows: readonly EvaluatedRow[];
  readonly rowsRead: number;
  /** Rows equal to an example. */
  readonly duplicates: number;
}

export async function runEvaluation(options: RunOptions): Promise<EvaluationRun> {
  const { snapshot, clock } = options;
  const examples = exampleKeys(snapshot);
  const trivial = trivialRouter([...snapshot.routes.values()]);
  const rows: EvaluatedRow[] = [];
  let rowsRead = 0;
  let duplicates = 0;
  for await (const { row, vector, embedMs } of embedRows(options, (row) => {
    rowsRead++;
    const seen = examples.has(sameTextKey(row.text));
    if (seen) duplicates++;
    return !seen || options.keepDuplicates;
  })) {
    const began = clock.monotonic();
    const result = match(snapshot.index, { text: row.text, vector });
    const latencyMs = embedMs === null ? null : embedMs + clock.monotonic() - began;
    const candidates = result.candidates.map(({ route, score }) => ({ route, score }));
    const decision = { candidates, accepted: result.route, reason: result.reason, latencyMs };
    rows.push({ ...keptOf(row), ...decision, trivial: trivial?.(row.text) ?? null });
    options.onProgress?.(rowsRead);
  }
  return { rows, rowsRead, duplicates };
}

export function exampleKeys(snapshot: Pick<Snapshot, 'routes'>): Set<string> {
  const keys = new Set<string>();
  for (const route of snapshot.routes.values()) for (const text of route.examples) keys.add(sameTextKey(text));
  return keys;
}

interface EmbeddedRow {
  readonly row: DataRow;
  readonly vector: UnitVector;
  readonly embedMs: number | null;
}

const batchSize = 32;
/** Rows that a model in a worker embeds one by one, to measure what one request waits; the rest go in batches. */
const timedRows = 100;
/** Decisions before the first that is timed: cold code is not what serves. */
const warmUps = 30;

async function* embedRows(options: RunOptions, wanted: (row: DataRow) => boolean): AsyncGenerator<EmbeddedRow> {
  const { snapshot, clock } = options;
  const { prompts } = snapshot;
  let count = 0;
  let batch: DataRow[] = [];
  for await (const row of options.rows) {
    if (!wanted(row)) continue;
    if (count === 0) await warmUp(options, row.text);
    count++;
    // A gate is checked while the proxy serves: requests get their turn between rows.
    if (count % batchSize === 0) await setImmediate();
    if (prompts.embedInline || count <= timedRows) {
      const began = clock.monotonic();
      const vector = prompts.embedInline
        ? prompts.embedInline(row.text, 'query').vector
        : (await prompts.embed([row.text], { role: 'query' }))[0].vector;
      yield { row, vector, embedMs: clock.monotonic() - began };
      continue;
    }
    batch.push(row);
    if (batch.length < batchSize) continue;
    yield* embedBatch(options, batch);
    batch = [];
  }
  yield* embedBatch(options, batch);
}

async function* embedBatch({ snapshot }: RunOptions, batch: readonly DataRow[]): AsyncGenerator<EmbeddedRow> {
  if (batch.length === 0) return;
  const texts = batch.map((row) => row.text);
  const embeddings = await snapshot.prompts.embed(texts, { role: 'query', lane: 'bulk' });
  for (const [at, { vector }] of embeddings.entries()) yield { row: batch[at], vector, embedMs: null };
}

async function warmUp({ snapshot }: RunOptions, text: string): Promise<void> {
  for (let i = 0; i < warmUps; i++) {
    // Another text each time: the embedder remembers texts.
    const warm = `${text.slice(0, 500)} ${i}`;
    const [{ vector }] = await snapshot.prompts.embed([warm], { role: 'query' });
    match(snapshot.index, { text: warm, vector });
  }
}

const longestValue = 40;

function keptOf(row: DataRow) {
  const extra: Record<string, string> = {};
  for (const [name, value] of Object.entries(row.extra)) {
    if (typeof value !== 'string' && typeof value !== 'boolean' && typeof value !== 'number') continue;
    const text = String(value);
    if (text.length <= longestValue && name !== 'id') extra[name] = text;
  }
  return {
    file: row.file,
    line: row.line,
    // A slice would keep the whole line alive.
    excerpt: Buffer.from(row.text.slice(0, excerptLength), 'utf8').toString('utf8'),
    key: rowKey(row.text),
    extra,
    inputTokens: tokensOf(row.extra.input_tokens) ?? estimateUsage(Buffer.byteLength(row.text), 0).input,
    outputTokens: tokensOf(row.extra.output_tokens),
    truth: row.route,
  };
}

function tokensOf(value: unknown): number | null {
  const tokens = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof tokens === 'number' && Number.isFinite(tokens) && tokens >= 0 ? Math.round(tokens) : null;
}
