/**
 * Cost per accepted outcome: what a group of requests cost, all of it, divided by how many of its answers were accepted.
 * The cost is known to the nano-dollar; the number of accepted answers is known for those that somebody judged only:
 *
 *     answers ──┬── failed a check (error, empty, refused, cut, wrong JSON): rejected, unless feedback says otherwise
 *               └── open ──┬── labelled: accepted or rejected by feedback
 *                          └── unknown: never taken for accepted; the labelled ones are a sample that speaks for them
 *
 *     accepted ≈ accepted among the failed + open × (accepted ÷ labelled)
 *
 * The interval is about this period and these answers, not about future ones: exact hypergeometric bounds on the number
 * accepted (`hypergeometric.ts`), under which the known cost is divided. It takes the labels for a random sample of the
 * open answers; `representative.ts` tests that, and the re-weighted figure beside it takes them for random within strata
 * only, with Clopper–Pearson bounds at the effective number of labels (Korn & Graubard, Survey Methodology 24, 1998).
 */
import { shareLowerBound, shareUpperBound } from '../base/binomial.ts';
import { acceptedBounds } from '../base/hypergeometric.ts';
import type { NanoUsd } from '../base/money.ts';
import { type FeedbackCell, reweight } from './representative.ts';

/** With fewer labels there is an estimate of nothing. */
export const fewestLabels = 10;

const alpha = 0.05;

/** The answers of a group, counted. */
export interface AnswerCounts {
  /** Failed a check. */
  readonly failed: number;
  /** Of those, accepted by feedback nevertheless. */
  readonly failedAccepted: number;
  /** Did not fail one; each of them in one cell. */
  readonly cells: readonly FeedbackCell[];
  /** How many strata a cell is described by. */
  readonly dimensions: number;
}

/** How many answers of the group were accepted. */
export interface AcceptedCount {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface AcceptedEstimate {
  readonly raw: AcceptedCount;
  /** The labels of each stratum standing for its answers. */
  readonly reweighted: AcceptedCount;
}

/** null: too few labels to tell, unless everything is labelled. */
export function estimateAccepted(counts: AnswerCounts): AcceptedEstimate | null {
  const total = (value: (cell: FeedbackCell) => number) => counts.cells.reduce((sum, cell) => sum + value(cell), 0);
  const population = total(({ answers }) => answers);
  const labelled = total((cell) => cell.labelled);
  const accepted = total((cell) => cell.accepted);
  const known = counts.failedAccepted;
  if (labelled === population) {
    const exact = { value: known + accepted, low: known + accepted, high: known + accepted };
    return population + counts.failed === 0 ? null : { raw: exact, reweighted: exact };
  }
  if (labelled < fewestLabels) return null;
  const [low, high] = acceptedBounds({ population, labelled, accepted }, alpha);
  const raw = { value: known + (population * accepted) / labelled, low: known + low, high: known + high };
  const reweighted = reweightedCount(counts, { population, labelled, accepted });
  return { raw, reweighted: reweighted === null ? raw : shifted(reweighted, known) };
}

function reweightedCount(
  { cells, dimensions }: AnswerCounts,
  of: { population: number; labelled: number; accepted: number },
): AcceptedCount | null {
  const weighted = reweight(cells, dimensions);
  if (weighted === null) return null;
  // What was looked at needs no guessing: the finite population correction, as so many more labels.
  const labels = weighted.effectiveLabels / (1 - of.labelled / of.population);
  const seen = weighted.acceptedShare * labels;
  const within = (share: number) =>
    Math.min(of.population - (of.labelled - of.accepted), Math.max(of.accepted, share * of.population));
  return {
    value: within(weighted.acceptedShare),
    low: within(shareLowerBound(seen, labels, alpha / 2)),
    high: within(shareUpperBound(seen, labels, alpha / 2)),
  };
}

function shifted({ value, low, high }: AcceptedCount, by: number): AcceptedCount {
  return { value: value + by, low: low + by, high: high + by };
}

/** An amount per accepted outcome. `value` null: none was seen accepted; `high` null: without an upper end. */
export interface PerAccepted {
  readonly value: NanoUsd | null;
  readonly low: NanoUsd;
  readonly high: NanoUsd | null;
}

/** null when not even one answer can have been accepted. */
export function perAccepted(amount: NanoUsd, count: AcceptedCount): PerAccepted | null {
  const low = divided(amount, count.high);
  return low === null ? null : { value: divided(amount, count.value), low, high: divided(amount, count.low) };
}

function divided(amount: NanoUsd, count: number): NanoUsd | null {
  return count > 0 ? (BigInt(Math.round(Number(amount) / count)) as NanoUsd) : null;
}
