/**
 * What a report says about outcomes, for each of its rows, from the ledger's sums per group and stratum: how many answers
 * were judged and by whom, cost per accepted outcome with its interval, what the fallback alone would have cost for the
 * same accepted outcomes, and where the feedback is no fair sample. Pure.
 */
import { type NanoUsd, zeroUsd } from '../base/money.ts';
import { type AcceptedCount, estimateAccepted, type PerAccepted, perAccepted } from './accepted-cost.ts';
import type { OutcomeSums, Stratum } from './outcome.ts';
import { type FeedbackCell, type Leaning, leaningsOf } from './representative.ts';

/** What feedback is tested by, and re-weighted by. */
export const feedbackStrata = ['route', 'key', 'score', 'length'] as const satisfies readonly Stratum[];

export interface OutcomeFigures {
  /** Requests with a price whose answer can be accepted or rejected; embeddings and passed-through requests cannot. */
  readonly answers: number;
  /** By feedback. */
  readonly accepted: number;
  readonly rejected: number;
  /** Failed a check, and no feedback said that they will do nevertheless. */
  readonly failedChecks: number;
  readonly unknown: number;
  /** Answers with feedback ÷ answers. */
  readonly labelledShare: number | null;
  /** Answers by who judged them: words of feedback, and `check`. */
  readonly sources: Readonly<Record<string, number>>;
  /** Everything that the requests of this row cost, embedding included. */
  readonly cost: NanoUsd;
  /** How many answers were accepted; null: too few labels to tell. */
  readonly acceptedEstimate: AcceptedCount | null;
  readonly perAccepted: PerAccepted | null;
  /** With the labels of each stratum standing for its answers. */
  readonly reweighted: PerAccepted | null;
  /** The cost ÷ answers that feedback has accepted, as if no other had been: what needs no belief in the sample. */
  readonly perConfirmed: NanoUsd | null;
  /** The fallback alone for the same requests, per outcome accepted now; null where a request has no price for it. */
  readonly fallbackPerAccepted: PerAccepted | null;
  /** The same, were every answer of the fallback accepted: it cannot have been cheaper. */
  readonly fallbackAtBest: NanoUsd | null;
  /** Fallback alone minus what it costs now, per accepted outcome; negative where routing costs more. */
  readonly savingPerAccepted: NanoUsd | null;
  /** Where feedback is no fair sample of the answers; most telling first. */
  readonly bias: readonly FeedbackBias[];
}

export interface FeedbackBias {
  readonly stratum: (typeof feedbackStrata)[number];
  /** How often labels drawn at random would lean as far. */
  readonly chance: number;
  readonly spread: number;
  readonly most: Leaning['most'];
}

/** One row's sums, of all strata and outcomes. */
export interface OutcomeGroup {
  readonly sums: readonly OutcomeSums[];
  /** Of embedding the prompts of its requests. */
  readonly embeddingCost: NanoUsd;
}

/** Chance of one false alarm in a whole report. */
const biasLevel = 0.01;
/** Labelled shares that differ by less, relative to themselves, move no figure that a reader would act on. */
const leastSpread = 0.2;

/** In the order of `groups`. The sums must be split by `feedbackStrata`, in that order. */
export function outcomeFigures(groups: readonly OutcomeGroup[]): OutcomeFigures[] {
  const counted = groups.map(({ sums }) => countAnswers(sums));
  const biases = biasOf(counted.map(({ cells }) => leaningsOf(cells, feedbackStrata.length)));
  return groups.map((group, i) => figuresOf(group, { counts: counted[i], bias: biases[i] }));
}

type Counts = ReturnType<typeof countAnswers>;

function figuresOf(group: OutcomeGroup, of: { counts: Counts; bias: readonly FeedbackBias[] }): OutcomeFigures {
  const { counts, bias } = of;
  const estimate = estimateAccepted({ ...counts, dimensions: feedbackStrata.length });
  const cost = (group.sums.reduce<bigint>((sum, row) => sum + row.cost, 0n) + group.embeddingCost) as NanoUsd;
  const fallback = fallbackCost(group.sums);
  const per = (amount: NanoUsd | null, count: AcceptedCount | undefined) =>
    amount === null || count === undefined ? null : perAccepted(amount, count);
  const now = per(cost, estimate?.raw);
  const alone = per(fallback, estimate?.raw);
  return {
    answers: counts.answers,
    accepted: counts.accepted,
    rejected: counts.rejected,
    failedChecks: counts.failedChecks,
    unknown: counts.answers - counts.accepted - counts.rejected - counts.failedChecks,
    labelledShare: counts.answers === 0 ? null : (counts.accepted + counts.rejected) / counts.answers,
    sources: counts.sources,
    cost,
    acceptedEstimate: estimate?.raw ?? null,
    perAccepted: now,
    reweighted: per(cost, estimate?.reweighted),
    perConfirmed: each(cost, counts.accepted),
    fallbackPerAccepted: alone,
    fallbackAtBest: fallback === null ? null : each(fallback, counts.answers),
    savingPerAccepted: difference(alone?.value, now?.value),
    bias,
  };
}

function difference(a: NanoUsd | null | undefined, b: NanoUsd | null | undefined): NanoUsd | null {
  return typeof a === 'bigint' && typeof b === 'bigint' ? ((a - b) as NanoUsd) : null;
}

function countAnswers(rows: readonly OutcomeSums[]) {
  const cells = new Map<string, FeedbackCell>();
  const sources = new Map<string, number>();
  const counts = { answers: 0, accepted: 0, rejected: 0, failedChecks: 0, failed: 0, failedAccepted: 0 };
  for (const row of rows) {
    const { answers } = row;
    if (answers === 0) continue;
    const failed = row.check !== null && row.check !== 'passed';
    const source = row.outcome === 'unknown' ? (failed ? 'check' : null) : (row.source ?? 'feedback');
    if (source !== null) sources.set(source, (sources.get(source) ?? 0) + answers);
    counts.answers += answers;
    if (row.outcome !== 'unknown') counts[row.outcome] += answers;
    if (failed) {
      counts.failed += answers;
      if (row.outcome === 'accepted') counts.failedAccepted += answers;
      if (row.outcome === 'unknown') counts.failedChecks += answers;
      continue;
    }
    addToCell(cells, row);
  }
  // A second call that was moved to another row has left nothing here.
  const judges = Object.fromEntries([...sources].filter(([, count]) => count > 0));
  return { ...counts, sources: judges, cells: [...cells.values()] };
}

function addToCell(cells: Map<string, FeedbackCell>, { stratum, outcome, answers }: OutcomeSums): void {
  const name = stratum.join('\u001f');
  const known = cells.get(name) ?? { stratum, answers: 0, labelled: 0, accepted: 0 };
  cells.set(name, {
    stratum,
    answers: known.answers + answers,
    labelled: known.labelled + (outcome === 'unknown' ? 0 : answers),
    accepted: known.accepted + (outcome === 'accepted' ? answers : 0),
  });
}

/** null when some request has a price, but none for the fallback: a sum over the others would flatter routing or the fallback. */
function fallbackCost(rows: readonly OutcomeSums[]): NanoUsd | null {
  if (rows.some(({ requests, unpriced, comparable }) => comparable < requests - unpriced)) return null;
  return rows.reduce<bigint>((sum, row) => sum + row.fallbackCost, zeroUsd) as NanoUsd;
}

function each(amount: NanoUsd, count: number): NanoUsd | null {
  return count === 0 ? null : (BigInt(Math.round(Number(amount) / count)) as NanoUsd);
}

/** Holm's procedure over all rows and strata: however many are looked at, one false alarm in a hundred reports. */
function biasOf(leanings: readonly (readonly Leaning[])[]): readonly FeedbackBias[][] {
  const all = leanings.flat().sort((a, b) => a.chance - b.chance);
  const tests = all.length;
  const passed = all.findIndex(({ chance }, i) => chance > biasLevel / (tests - i));
  const telling = new Set(all.slice(0, passed === -1 ? tests : passed).filter(({ spread }) => spread >= leastSpread));
  return leanings.map((row) =>
    row
      .filter((leaning) => telling.has(leaning))
      .sort((a, b) => b.spread - a.spread)
      .map(({ dimension, chance, spread, most }) => ({ stratum: feedbackStrata[dimension], chance, spread, most })),
  );
}
