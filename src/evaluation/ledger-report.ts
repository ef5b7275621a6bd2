/**
 * An evaluation of what was decided in production. Of every decision: where it went, why, and how the answer ended. Of
 * those with a label (by request id, or by text): all figures of an evaluation, about the decision that was made then. Of
 * those whose text the ledger keeps: what today's snapshot would decide. Memory grows with the labelled rows only.
 */
import type { LedgerStore } from '../ledger/contract.ts';
import type { DecisionRecord } from '../ledger/record.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import { match } from '../routing/match.ts';
import { type EvaluatedRow, excerptLength } from './evaluated-row.ts';
import type { Labels } from './labels.ts';
import {
  askedForRoute,
  candidatesOf,
  chosenRoute,
  type Period,
  recordedPages,
  textOf,
  wasMatched,
} from './recorded.ts';
import type { EvaluationReport } from './report.ts';
import { rowKey } from './same-text.ts';

export interface RecordedRoute {
  /** Decisions for this route, those that were sent elsewhere too. */
  readonly decisions: number;
  /** Of them, sent to the fallback: monitor mode, a failure, an ability that lacks. */
  readonly diverted: number;
  /** Answers with status 400 and above; a client that went away is none. */
  readonly errors: number;
  readonly truncated: number;
  /** Scores in twentieths. */
  readonly scores: readonly number[];
  readonly mean_score: number | null;
}

export interface DriftGroup {
  readonly from: string | null;
  readonly to: string | null;
  readonly rows: number;
  readonly prompts: readonly string[];
}

export interface LedgerReport {
  readonly report: 'shunt-ledger-evaluation';
  readonly version: 1;
  readonly since: string;
  readonly until: string;
  readonly decisions: number;
  readonly asked: number;
  /** Sent to a route ÷ asked; chosen by the router ÷ asked: more than that in monitor mode, or when targets fail. */
  readonly coverage: number | null;
  readonly coverage_chosen: number | null;
  /** Why prompts went to the fallback. */
  readonly fallback_reasons: Readonly<Record<string, number>>;
  readonly per_route: Readonly<Record<string, RecordedRoute>>;
  readonly outcomes: {
    readonly errors: number;
    readonly truncated: number;
    readonly retried: number;
    readonly error_codes: Readonly<Record<string, number>>;
    readonly finish_reasons: Readonly<Record<string, number>>;
  };
  readonly with_text: number;
  readonly labelled: number;
  /** The labelled decisions, as they were made; null without any. */
  readonly agreement: EvaluationReport | null;
  /** null: the ledger keeps no text. */
  readonly drift: {
    readonly compared: number;
    readonly changed: number;
    readonly snapshot: string;
    /** Decisions by a snapshot that is not today's. */
    readonly other_snapshots: number;
    readonly groups: readonly DriftGroup[];
  } | null;
}

export interface LedgerEvaluation {
  readonly store: Pick<LedgerStore, 'page'>;
  readonly period: Period;
  readonly snapshot: Snapshot;
  readonly labels: Labels | null;
  /** The figures about labelled decisions. */
  readonly figuresOf: (rows: readonly EvaluatedRow[]) => EvaluationReport;
  readonly onProgress?: (decisions: number) => void;
}

export async function evaluateLedger(evaluation: LedgerEvaluation): Promise<LedgerReport> {
  const { store, period, snapshot, labels, onProgress } = evaluation;
  const tally = createTally();
  const drift = createDrift(snapshot);
  const rows: EvaluatedRow[] = [];
  for await (const page of recordedPages(store, period)) {
    for (const record of page) {
      tally.add(record);
      const truth = labels && wasMatched(record) ? labels.of(record.id, textOf(record)) : undefined;
      if (truth !== undefined) rows.push(rowOf(record, truth));
    }
    await drift.compare(page);
    onProgress?.(tally.counts.decisions);
  }
  const { counts, fallbackReasons, routes, errorCodes, finishReasons } = tally;
  return {
    report: 'shunt-ledger-evaluation',
    version: 1,
    since: new Date(period.sinceMs).toISOString(),
    until: new Date(period.untilMs).toISOString(),
    decisions: counts.decisions,
    asked: counts.asked,
    coverage: ratio(counts.sent, counts.asked),
    coverage_chosen: ratio(counts.chosen, counts.asked),
    fallback_reasons: byCount(fallbackReasons),
    per_route: Object.fromEntries(
      [...routes]
        .sort((a, b) => b[1].decisions - a[1].decisions)
        .map(([name, { sum, scored, ...route }]) => [name, { ...route, mean_score: ratio(sum, scored) }]),
    ),
    outcomes: {
      errors: counts.errors,
      truncated: counts.truncated,
      retried: counts.retried,
      error_codes: byCount(errorCodes),
      finish_reasons: byCount(finishReasons),
    },
    with_text: drift.withText(),
    labelled: rows.length,
    agreement: rows.length === 0 ? null : evaluation.figuresOf(rows),
    drift: drift.result(),
  };
}

const bins = 20;

function createTally() {
  const counts = { decisions: 0, asked: 0, sent: 0, chosen: 0, errors: 0, truncated: 0, retried: 0 };
  const fallbackReasons = new Map<string, number>();
  const errorCodes = new Map<string, number>();
  const finishReasons = new Map<string, number>();
  const empty = () => ({ decisions: 0, diverted: 0, errors: 0, truncated: 0, sum: 0, scored: 0, scores: zeros() });
  const zeros = () => new Array<number>(bins).fill(0);
  const routes = new Map<string, ReturnType<typeof empty>>();

  function add(record: DecisionRecord): void {
    const failed = record.status >= 400 && record.status !== 499;
    counts.decisions++;
    if (failed) counts.errors++;
    if (record.truncated) counts.truncated++;
    if (record.attempts > 1) counts.retried++;
    if (record.errorCode !== null) count(errorCodes, record.errorCode);
    if (record.finishReason !== null) count(finishReasons, record.finishReason);
    if (!askedForRoute(record)) return;
    counts.asked++;
    if (record.route !== null) counts.sent++;
    else count(fallbackReasons, record.reason);
    const chosen = chosenRoute(record);
    if (chosen === null) return;
    counts.chosen++;
    const own = routes.get(chosen) ?? empty();
    routes.set(chosen, own);
    own.decisions++;
    if (record.route === null) own.diverted++;
    if (failed) own.errors++;
    if (record.truncated) own.truncated++;
    if (record.score === null) return;
    own.sum += record.score;
    own.scored++;
    own.scores[Math.min(bins - 1, Math.max(0, Math.floor(record.score * bins)))]++;
  }
  return { counts, fallbackReasons, errorCodes, finishReasons, routes, add };
}

const shownPrompts = 3;
const embedBatch = 64;

function createDrift(snapshot: Snapshot) {
  const groups = new Map<string, { from: string | null; to: string | null; rows: number; prompts: string[] }>();
  let withText = 0;
  let changed = 0;
  let otherSnapshots = 0;

  async function compare(page: readonly DecisionRecord[]): Promise<void> {
    const readable = page.flatMap((record) => {
      const text = wasMatched(record) ? textOf(record) : null;
      return text === null ? [] : [{ record, text }];
    });
    for (let at = 0; at < readable.length; at += embedBatch) {
      const batch = readable.slice(at, at + embedBatch);
      const texts = batch.map(({ text }) => text);
      const embeddings = await snapshot.prompts.embed(texts, { role: 'query', lane: 'bulk' });
      for (const [i, { record, text }] of batch.entries()) {
        const { route: to } = match(snapshot.index, { text, vector: embeddings[i].vector }, { limit: 1 });
        note(record, text, to);
      }
    }
  }

  function note(record: DecisionRecord, text: string, to: string | null): void {
    withText++;
    if (record.snapshot !== snapshot.id) otherSnapshots++;
    const from = chosenRoute(record);
    if (from === to) return;
    changed++;
    const key = JSON.stringify([from, to]);
    const group = groups.get(key) ?? { from, to, rows: 0, prompts: [] };
    groups.set(key, group);
    group.rows++;
    if (group.prompts.length < shownPrompts) group.prompts.push(text.slice(0, excerptLength));
  }

  function result(): LedgerReport['drift'] {
    if (withText === 0) return null;
    const sorted = [...groups.values()].sort((a, b) => b.rows - a.rows);
    return { compared: withText, changed, snapshot: snapshot.id, other_snapshots: otherSnapshots, groups: sorted };
  }
  return { compare, result, withText: () => withText };
}

/** The decision as it was made then, beside its label. */
function rowOf(record: DecisionRecord, truth: string | null): EvaluatedRow {
  const text = textOf(record) ?? '';
  return {
    file: 'ledger',
    line: 0,
    excerpt: text.slice(0, excerptLength) || record.id,
    key: text === '' ? record.id : rowKey(text),
    extra: { snapshot: record.snapshot, ...(record.key === null ? {} : { key: record.key }) },
    inputTokens: record.usage.input,
    outputTokens: record.usage.source === 'none' ? null : record.usage.output,
    truth,
    candidates: candidatesOf(record),
    accepted: chosenRoute(record),
    reason: record.reason,
    latencyMs: record.latency.embedMs + record.latency.matchMs,
    trivial: null,
  };
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function byCount(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1]));
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
