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
import { join } from 'node:path';
import { loadConfig } from '../src/config/load.ts';
import type { LedgerStore } from '../src/ledger/contract.ts';
import type { SummaryDimension } from '../src/ledger/dimension.ts';
import type { ToldOutcome } from '../src/ledger/outcome.ts';
import { createRecorder } from '../src/ledger/recorder.ts';
import { type Random, seeded } from '../src/routing/seeded.ts';
import { type Prompt, pricesWritten, serve, start } from './money-serving.ts';

const dayMs = 86_400_000;

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
  await writeFile(file, pricesWritten);
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
