/**
 * A month of traffic whose cost and quality are known: routes of known quality on each model, prices that change on the
 * sixteenth day, streams and plain answers, failures and fail-overs, cache hits, calls without a price, rejected answers
 * that are asked again of the strong model, and feedback on a part of it all.
 *
 *   simulated API ─bytes─► answer reader ─usage─► chat record ─price─► recorder ─► ledger ─► report
 *         │                └─────────────── the code that serves, on a clock of its own ──────────┘
 *         └─bytes─► counted here, with prices written out once more as plain numbers
 */
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { simulatedReply } from '../src/backend/simulation/api.ts';
import { faultsOf } from '../src/backend/simulation/faults.ts';
import { loadConfig } from '../src/config/load.ts';
import type { Config } from '../src/config/schema.ts';
import { createAnswerReader } from '../src/gateway/answer-reader.ts';
import { chatRecord } from '../src/gateway/chat-record.ts';
import { parseChatRequest } from '../src/gateway/chat-request.ts';
import { dialects } from '../src/gateway/dialect.ts';
import { type ExchangeResult, nothingSent, readingOf, replayedResult } from '../src/gateway/exchange-result.ts';
import { emptyPlan } from '../src/gateway/plan-form.ts';
import type { LedgerStore } from '../src/ledger/contract.ts';
import type { SummaryDimension } from '../src/ledger/dimension.ts';
import type { ToldOutcome } from '../src/ledger/outcome.ts';
import { createRecorder } from '../src/ledger/recorder.ts';
import { countBytes } from '../src/ledger/token-counter.ts';
import type { Snapshot } from '../src/lifecycle/snapshot.ts';
import type { MatchResult } from '../src/routing/decision.ts';
import { type Random, seeded } from '../src/routing/seeded.ts';

export const start = Date.UTC(2026, 0, 1);
const dayMs = 86_400_000;
const priceChange = start + 15 * dayMs;

const written = `
backends: { sim: { kind: simulated } }
models:
  small:  { backend: sim, model: demo-small, usd_per_million: { input: 0.10, output: 0.40, later: [ { from: 2026-01-16, input: 0.075, output: 0.30 } ] } }
  large:  { backend: sim, model: demo-large, usd_per_million: { input: 2.50, output: 15.00, per_request: 0.0001, above: [ { input_tokens: 150, input: 5.00, output: 22.50, per_request: 0.0001 } ] } }
  secret: { backend: sim, model: demo-secret }
routing: { fallback: large, default_target: small }
`;

/** The same prices, in nano-dollars, by hand. null: nobody told. */
function handPrice(model: string, input: number, at: number): { input: number; output: number; each: number } | null {
  if (model === 'small')
    return at < priceChange ? { input: 100, output: 400, each: 0 } : { input: 75, output: 300, each: 0 };
  if (model === 'secret') return null;
  return input > 150
    ? { input: 5_000, output: 22_500, each: 100_000 }
    : { input: 2_500, output: 15_000, each: 100_000 };
}

/** Chance that an answer is a good one. */
const quality: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  translation: { small: 0.95, large: 0.97 },
  faq: { small: 0.85, large: 0.93 },
  summary: { small: 0.7, large: 0.9 },
  fallback: { small: 0.5, large: 0.88, secret: 0.9 },
};
const routes = ['translation', 'translation', 'faq', 'faq', 'faq', 'summary', null, null, null] as const;
const keys = ['app-a', 'app-a', 'app-b', null] as const;
const words = 'please say what this sentence means in plain words and why it matters to those who read it'.split(' ');

export interface MoneyOptions {
  readonly requests: number;
  readonly seed: number;
  /** Share of answers that somebody judges. */
  readonly feedback: number;
  readonly folder: string;
  readonly store: LedgerStore;
}

/** What the simulation counted for itself. */
export interface Counted {
  /** Nano-dollars by group, for each way to group; '' is everything. */
  readonly costs: ReadonlyMap<SummaryDimension | 'all', ReadonlyMap<string, bigint>>;
  readonly unpriced: number;
  /** Good answers with a price, by route; the truth that feedback shows a part of. */
  readonly accepted: ReadonlyMap<string, number>;
  readonly requests: number;
  readonly told: number;
}

export async function simulateMonth(options: MoneyOptions): Promise<Counted> {
  const { store, folder, requests } = options;
  const file = join(folder, 'shunt.yaml');
  await writeFile(file, written);
  const config = await loadConfig(file, { env: {}, explicit: true });
  const random = seeded(options.seed);
  const counting = createCount();
  let now = start;
  const clock = { now: () => now, monotonic: () => now };
  const fail = (error: Error) => {
    throw error;
  };
  const recorder = createRecorder({ store, spill: null, flushMs: 60_000, maxQueued: 50_000, clock, onError: fail });
  const told: ToldOutcome[] = [];
  let again: Prompt | null = null;
  for (let i = 0; i < requests; i++) {
    now = start + Math.floor((i / requests) * 30 * dayMs);
    const prompt: Prompt = again ?? drawPrompt(random);
    const { record, cost } = serve({ id: `r${i}`, at: now, prompt, config, random });
    recorder.record({ ...record, person: null, prompt: null });
    const route = record.route ?? (record.reason === 'explicit-model' ? '(explicit)' : 'fallback');
    const good = record.status === 200 && random() < (quality[record.route ?? 'fallback']?.[record.model ?? ''] ?? 0);
    counting.add({ record, route, cost, good });
    const judged = random() < options.feedback;
    if (judged) told.push(toldOf(record.id, now, good));
    again = !good && record.model === 'small' && random() < 0.3 ? { ...prompt, explicit: 'large' } : null;
    if (i % 10_000 === 9_999) await recorder.flush();
  }
  await recorder.flush();
  await store.tell(told);
  return { ...counting.counted(), requests, told: told.length };
}

interface Prompt {
  readonly text: string;
  readonly route: string | null;
  readonly key: string | null;
  readonly tags: string;
  /** The model named by the client; null: routed. */
  readonly explicit: string | null;
}

function drawPrompt(random: Random): Prompt {
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)];
  const length = Math.ceil(4 * 2 ** (6 * random()));
  return {
    text: Array.from({ length }, () => pick(words)).join(' '),
    route: pick(routes),
    key: pick(keys),
    tags: pick(['', 'batch', 'batch, night']),
    explicit: random() < 0.02 ? 'secret' : null,
  };
}

interface Serving {
  readonly id: string;
  readonly at: number;
  readonly prompt: Prompt;
  readonly config: Config;
  readonly random: Random;
}

function serve({ id, at, prompt, config, random }: Serving) {
  const stream = random() < 0.2;
  const body = { model: 'auto', messages: [{ role: 'user', content: prompt.text }], stream };
  const bytes = Buffer.from(JSON.stringify(stream ? { ...body, stream_options: { include_usage: true } } : body));
  const chat = parseChatRequest(bytes);
  const target = prompt.explicit ?? (prompt.route === null ? 'large' : 'small');
  const luck = random();
  // One in a hundred cheap calls fails and falls over; one in two hundred requests fails altogether.
  const model = luck < 0.005 ? null : target === 'small' && luck < 0.015 ? 'large' : target;
  const cached = luck > 0.96 && prompt.explicit === null;
  const answered = model === null ? null : ask({ model, chat: body, outputTokens: 10 + Math.floor(random() * 80), at });
  const result = resultOf({ model, answered, cached, failedOver: model !== target });
  const plan = {
    ...emptyPlan,
    route: prompt.explicit === null ? prompt.route : null,
    reason: prompt.explicit !== null ? 'explicit-model' : prompt.route === null ? 'below-threshold' : 'matched',
    target,
    fallback: 'large',
    match: {
      score: prompt.route === null ? 0.3 + 0.3 * random() : 0.7 + 0.3 * random(),
      candidates: [],
    } as unknown as MatchResult,
    embedMs: 0.2 + random(),
  };
  const incoming = { headers: { 'x-shunt-tags': prompt.tags } } as unknown as IncomingMessage;
  const tenant = {
    id: `key:${prompt.key}`,
    key: prompt.key,
    mayForce: false,
    admin: false,
    allowedRoutes: null,
    allowedModels: null,
    tags: [],
  };
  const request = {
    id,
    incoming,
    outgoing: null as unknown as ServerResponse,
    body: bytes,
    tenant,
    signal: new AbortController().signal,
    receivedAt: at,
    receivedMonotonic: at,
  };
  const record = chatRecord(
    { config },
    {
      request,
      chat,
      snapshot: { id: 'simulated' } as unknown as Snapshot,
      plan,
      result,
      addedMs: plan.embedMs + 0.3,
      totalMs: 400,
      count: countBytes,
      cache: cached ? 'hit' : 'miss',
      verdict: model === null ? 'error' : null,
      verdict: null,
    },
  );
  return { record, cost: cached || model === null ? 0n : handCost({ model, usage: answered?.usage, at }) };
}

type Body = { readonly stream: boolean; readonly [key: string]: unknown };

/** The answer as the proxy reads it, and its tokens as they stand in the bytes. */
function ask({ model, chat, outputTokens, at }: { model: string; chat: Body; outputTokens: number; at: number }) {
  const faults = { ...quiet, outputTokens };
  const body = Buffer.from(
    JSON.stringify({
      ...chat,
      model: `demo-${model}`,
      ...(chat.stream ? { stream_options: { include_usage: true } } : {}),
    }),
  );
  const reply = simulatedReply({
    method: 'POST',
    path: '/chat/completions',
    contentType: 'application/json',
    body,
    created: Math.floor(at / 1_000),
    faults,
  });
  const reader = createAnswerReader({
    form: chat.stream ? dialects.chat.form : null,
    stripUsage: false,
    parse: true,
    keepBytes: 0,
  });
  let text = '';
  for (const frame of reply.frames) {
    text += frame.toString('utf8');
    reader.push(frame);
  }
  reader.flush();
  const said = (name: string) =>
    Number(new RegExp(`"${name}":(\\d+)`).exec(text.slice(text.lastIndexOf('"usage":{')))?.[1]);
  return { reader, usage: { input: said('prompt_tokens'), output: said('completion_tokens') } };
}

const quiet = faultsOf(
  null,
  { seed: 1, latency_ms: 0, token_ms: 0, output_tokens: 16, error_rate: 0, error_status: 500, truncation_rate: 0 },
  () => 1,
);

function resultOf(of: {
  model: string | null;
  answered: ReturnType<typeof ask> | null;
  cached: boolean;
  failedOver: boolean;
}): ExchangeResult {
  const { model, answered, cached, failedOver } = of;
  if (model === null || answered === null) return { ...nothingSent, attempts: 2, errorCode: 'backend_error' };
  const reading = readingOf(answered.reader);
  if (cached) return replayedResult(model, { usage: reading.usage ?? null, stream: false });
  return {
    ...nothingSent,
    ...reading,
    model,
    backend: 'sim',
    status: 200,
    attempts: failedOver ? 2 : 1,
    failures: failedOver ? ['small: 503'] : [],
    firstByteMs: model === 'small' ? 120 : 340,
  };
}

function handCost(of: {
  model: string;
  usage: { input: number; output: number } | undefined;
  at: number;
}): bigint | null {
  const { model, usage, at } = of;
  if (usage === undefined) return 0n;
  const price = handPrice(model, usage.input, at);
  return price === null ? null : BigInt(usage.input * price.input + usage.output * price.output + price.each);
}

function toldOf(id: string, time: number, accepted: boolean): ToldOutcome {
  return {
    reference: { by: 'request', id, mayWait: false },
    tenant: null,
    outcome: { time, source: 'feedback', accepted, score: null, reason: null, actor: null, metadata: null },
  };
}

type Recorded = ReturnType<typeof serve>['record'];

function createCount() {
  const costs = new Map<SummaryDimension | 'all', Map<string, bigint>>();
  const accepted = new Map<string, number>();
  let unpriced = 0;
  const addTo = (by: SummaryDimension | 'all', name: string, cost: bigint) => {
    const groups = costs.get(by) ?? new Map<string, bigint>();
    costs.set(by, groups.set(name, (groups.get(name) ?? 0n) + cost));
  };
  return {
    add({ record, route, cost, good }: { record: Recorded; route: string; cost: bigint | null; good: boolean }): void {
      if (cost === null) unpriced++;
      addTo('all', '', cost ?? 0n);
      addTo('route', route, cost ?? 0n);
      addTo('model', record.model ?? '(none)', cost ?? 0n);
      addTo('key', record.key ?? '(anonymous)', cost ?? 0n);
      addTo('day', new Date(record.time).toISOString().slice(0, 10), cost ?? 0n);
      addTo('reason', record.reason, cost ?? 0n);
      for (const tag of record.tags.length === 0 ? ['(untagged)'] : record.tags) addTo('tag', tag, cost ?? 0n);
      if (good && cost !== null) {
        for (const name of [route, 'total']) accepted.set(name, (accepted.get(name) ?? 0) + 1);
      }
    },
    counted: () => ({ costs, accepted, unpriced }),
  };
}

/** Every group whose cost in the ledger's report is not what the simulation counted; empty when they agree. */
export async function disagreements(store: LedgerStore, counted: Counted): Promise<string[]> {
  const found: string[] = [];
  for (const [by, groups] of counted.costs) {
    if (by === 'all') continue;
    const summary = await store.summarise({ sinceMs: start, untilMs: start + 30 * dayMs, by });
    const all = counted.costs.get('all')?.get('');
    if (summary.total.cost !== all) found.push(`by ${by}, in all: ${summary.total.cost} in the report, ${all} counted`);
    const reported = new Map(summary.groups.map(({ name, cost }) => [name, cost as bigint]));
    for (const name of new Set([...groups.keys(), ...reported.keys()])) {
      if (reported.get(name) === groups.get(name)) continue;
      found.push(`by ${by}, ${name}: ${reported.get(name)} in the report, ${groups.get(name)} counted`);
    }
  }
  return found;
}
