/**
 * The promise behind `max_error`: from which score on are semantic hits wrong in no more than that share, with 95%
 * confidence that holds however often one looks? Evidence comes one verdict at a time, so no test of a fixed size fits.
 *
 *   score   1.0 ├──────┼────┼────┼──────┼────┤ 0.5      verdicts are counted in the cells between thresholds
 *           λ0     λ1     λ2    λ3   …                  H(λ): among finds that score λ or more, wrong ÷ all ≥ max_error
 *
 * For each threshold a bet is kept against H: with k wrong of n, the mixture Σ w·(q/ε)^k·((1−q)/(1−ε))^(n−k) over shares
 * q < ε. Under H its expectation never grows, so that it ever reaches 20 has a chance of at most 5% (Ville; Ramdas et al.,
 * Statistical Science 2023). Several thresholds are searched as `routing/calibrate.ts` does: if the share first reaches ε
 * at λi, it stays there below, so every bet from i on is one against a true hypothesis, and so is their average. λj is
 * proven when that average is 20 or more for each i ≤ j.
 *
 * Assumed: verdicts are right; what is verified is drawn blindly of its score (the caller's sampling); finds to come are
 * like those seen; and the share wrong does not fall again below a threshold at which it was too high. Against the third
 * failing, served hits are watched: when their verdicts speak against the promise, all evidence is dropped.
 */
import { shareLowerBound, shareUpperBound } from '../base/binomial.ts';
import type { RouteEvidence } from './semantic-contract.ts';

/** Best first, close together where equal prompts score (.995). Finds below the last are never served. */
export const thresholds: readonly number[] = [
  0.9945, 0.994, 0.993, 0.991, 0.9875, 0.98, 0.97, 0.95, 0.9, 0.8, 0.65, 0.5,
];
const enough = 20;
/** A false alarm once in so many verified hits, or rarer. */
const alarm = 1_000;
/** Verdicts of a generation; the one before it still counts, those before that are forgotten. */
const generationSize = 4_000;

/** Shares that are bet on, as parts of ε, and what is put on each. */
const bets: readonly (readonly [part: number, stake: number])[] = [
  [0, 0.3],
  [1 / 8, 0.15],
  [1 / 4, 0.2],
  [1 / 2, 0.2],
  [3 / 4, 0.15],
];

/** Verdicts by cell, wrong and right; plain numbers, so that they can be stored. */
export interface Verdicts {
  readonly wrong: readonly number[];
  readonly right: readonly number[];
}

export interface EvidenceState {
  readonly current: Verdicts;
  readonly previous: Verdicts;
  readonly servedWrong: number;
  readonly servedRight: number;
  readonly suspicion: number;
  readonly restarts: number;
}

export class ErrorEvidence {
  #current = noVerdicts();
  #previous = noVerdicts();
  #servedWrong = 0;
  #servedRight = 0;
  /** The bet that served hits are wrong twice as often as promised; never below 1, so that any moment may be its start. */
  #suspicion = 1;
  #restarts = 0;
  /** Promise → threshold, until the next verdict. */
  readonly #known = new Map<number, number | null>();

  static from(state: EvidenceState): ErrorEvidence {
    const evidence = new ErrorEvidence();
    evidence.#current = copyOf(state.current);
    evidence.#previous = copyOf(state.previous);
    evidence.#servedWrong = state.servedWrong;
    evidence.#servedRight = state.servedRight;
    evidence.#suspicion = state.suspicion;
    evidence.#restarts = state.restarts;
    return evidence;
  }

  /** `served`: the promise under which it was served; null when it was not. */
  add(score: number, right: boolean, served: number | null): void {
    const cell = thresholds.findIndex((threshold) => score >= threshold);
    if (cell < 0) return;
    if (sizeOf(this.#current) >= generationSize) {
      this.#previous = this.#current;
      this.#current = noVerdicts();
    }
    (right ? this.#current.right : this.#current.wrong)[cell]++;
    this.#known.clear();
    if (served !== null) this.#watch(right, served);
  }

  /** The least score that the verdicts cover at this promise; null: none. */
  threshold(maxError: number): number | null {
    const known = this.#known.get(maxError);
    if (known !== undefined) return known;
    const found = provenThreshold(sumOf(this.#current, this.#previous), maxError);
    // Promises are few: one per route. A stranger's variety must not grow this.
    if (this.#known.size > 8) this.#known.clear();
    this.#known.set(maxError, found);
    return found;
  }

  figures(): Omit<RouteEvidence, 'route'> {
    const all = sumOf(this.#current, this.#previous);
    const verified = this.#servedWrong + this.#servedRight;
    return {
      verified: sizeOf(all),
      wrong: total(all.wrong),
      served: { verified, wrong: this.#servedWrong, interval: shareInterval(this.#servedWrong, verified) },
      restarts: this.#restarts,
    };
  }

  state(): EvidenceState {
    return {
      current: this.#current,
      previous: this.#previous,
      servedWrong: this.#servedWrong,
      servedRight: this.#servedRight,
      suspicion: this.#suspicion,
      restarts: this.#restarts,
    };
  }

  #watch(right: boolean, maxError: number): void {
    if (right) this.#servedRight++;
    else this.#servedWrong++;
    const feared = Math.min(0.5, 2 * maxError);
    this.#suspicion = Math.max(1, this.#suspicion) * (right ? (1 - feared) / (1 - maxError) : feared / maxError);
    if (this.#suspicion < alarm) return;
    this.#current = noVerdicts();
    this.#previous = noVerdicts();
    this.#suspicion = 1;
    this.#restarts++;
  }
}

/** Two-sided 95% (Clopper–Pearson); null without rows. */
export function shareInterval(wrong: number, of: number): readonly [number, number] | null {
  return of === 0 ? null : [shareLowerBound(wrong, of, 0.025), shareUpperBound(wrong, of, 0.025)];
}

export function provenThreshold({ wrong, right }: Verdicts, maxError: number): number | null {
  let k = 0;
  let n = 0;
  const wealth = thresholds.map((_, cell) => {
    k += wrong[cell];
    n += wrong[cell] + right[cell];
    return wealthOf(k, n, maxError);
  });
  let proven: number | null = null;
  for (let i = 0; i < wealth.length; i++) {
    if (wealthAgainst(wealth, i) < enough) return proven;
    proven = thresholds[i];
  }
  return proven;
}

/** Of all that is bet on the share being right at λi or, if not there, at some λ below it: most on the first and the last. */
function wealthAgainst(wealth: readonly number[], i: number): number {
  const last = wealth.length - 1;
  if (i === last) return wealth[last];
  const between = wealth.slice(i + 1, last);
  const shared = between.length === 0 ? wealth[last] : total(between) / between.length;
  return 0.3 * wealth[i] + 0.4 * wealth[last] + 0.3 * shared;
}

function wealthOf(wrong: number, n: number, maxError: number): number {
  let sum = 0;
  for (const [part, stake] of bets) {
    if (part === 0 && wrong > 0) continue;
    const logWrong = wrong === 0 ? 0 : wrong * Math.log(part);
    sum += stake * Math.exp(logWrong + (n - wrong) * Math.log((1 - part * maxError) / (1 - maxError)));
  }
  return sum;
}

interface MutableVerdicts {
  readonly wrong: number[];
  readonly right: number[];
}

function noVerdicts(): MutableVerdicts {
  return { wrong: thresholds.map(() => 0), right: thresholds.map(() => 0) };
}

function copyOf({ wrong, right }: Verdicts): MutableVerdicts {
  return { wrong: [...wrong], right: [...right] };
}

function sumOf(one: Verdicts, other: Verdicts): Verdicts {
  return {
    wrong: one.wrong.map((count, cell) => count + other.wrong[cell]),
    right: one.right.map((count, cell) => count + other.right[cell]),
  };
}

function sizeOf({ wrong, right }: Verdicts): number {
  return total(wrong) + total(right);
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
