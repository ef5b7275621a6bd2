/**
 * One question about one threshold: do these counts prove, at this level, that accepted rows are right at least as often
 * as promised? Exact tests; no normal approximation.
 *
 * One stratum (the rows are a sample of the traffic): Clopper–Pearson on the accepted rows.
 *
 * Two strata (in-scope and out-of-scope rows were collected apart, and the traffic holds a declared share π of the
 * latter). With α the share of in-scope prompts accepted, q the share of those that are right, and c the share of
 * out-of-scope prompts accepted,
 *
 *     precision = (1−π)·α·q / ((1−π)·α + π·c)   and   precision < p   ⇔   q < p + κ·c/α,   κ = p·π/(1−π).
 *
 * Nobody knows how a broken promise would split between wrong routes (q) and accepted strangers (c), so the test takes
 * the worst split: the p-value is the largest chance, over all pairs (q, c) at which the promise is just broken, of a
 * weighted error K + ρ·J as small as the one seen (Buehler, JASA 1957; Clopper–Pearson is its one-stratum case).
 * α is replaced by its own lower bound, for which a tenth of the level is set aside.
 */
import { binomialCdf, shareLowerBound } from '../base/binomial.ts';

export interface AcceptedCounts {
  /** In-scope rows accepted, and those of them on a wrong route. */
  readonly accepted: number;
  readonly errors: number;
  /** In-scope rows altogether, accepted or not. */
  readonly inScopeRows: number;
  /** Out-of-scope rows accepted, and altogether. */
  readonly oosAccepted: number;
  readonly oosRows: number;
}

export interface PromiseTerms {
  readonly precision: number;
  /** Declared share of out-of-scope prompts in the traffic; null: the rows are a sample of the traffic as it is. */
  readonly oosShare: number | null;
}

/** True when the counts contradict, at `level`, that precision is below `terms.precision`. */
export function provesPromise(counts: AcceptedCounts, terms: PromiseTerms, level: number): boolean {
  const { precision, oosShare } = terms;
  if (oosShare === null) {
    const accepted = counts.accepted + counts.oosAccepted;
    return binomialCdf(counts.errors + counts.oosAccepted, accepted, 1 - precision) <= level && accepted > 0;
  }
  if (oosShare === 0) return counts.accepted > 0 && binomialCdf(counts.errors, counts.accepted, 1 - precision) <= level;
  if (counts.oosRows === 0 || counts.accepted === 0 || oosShare >= 1) return false;
  return worstSplit({ counts, precision, oosShare, coverageLevel: level * 0.1, giveUp: level * 0.9 }) <= level * 0.9;
}

const splits = 128;

interface SplitQuestion {
  readonly counts: AcceptedCounts;
  readonly precision: number;
  readonly oosShare: number;
  readonly coverageLevel: number;
  /** Nothing is gained by knowing a p-value above this exactly. */
  readonly giveUp: number;
}

/** The p-value of the two-strata test, given that α is at least its lower bound at `coverageLevel`. */
function worstSplit({ counts, precision, oosShare, coverageLevel, giveUp }: SplitQuestion): number {
  const { accepted, errors, inScopeRows, oosAccepted, oosRows } = counts;
  const coverage = shareLowerBound(accepted, inScopeRows, coverageLevel);
  const kappa = (precision * oosShare) / (1 - oosShare);
  // What one accepted stranger weighs in units of one misrouted in-scope row.
  const rho = oosShare / oosRows / ((1 - oosShare) / inScopeRows);
  const seen = errors + rho * oosAccepted;
  let worst = 0;
  for (let i = 0; i < splits; i++) {
    // Between two grid points the chance is at most that of the smaller error rate with the smaller accept rate.
    const strangers = Math.min(1, ((1 - precision) * (i / splits) * coverage) / kappa);
    const wrong = (1 - precision) * (1 - (i + 1) / splits);
    const chance = chanceOfAtMost(seen, rho, { n: accepted, share: wrong }, { n: oosRows, share: strangers });
    if (chance > worst) worst = chance;
    if (worst > giveUp) return worst;
  }
  return worst;
}

interface Stratum {
  readonly n: number;
  readonly share: number;
}

/** P(K + ρ·J ≤ seen) for independent binomial K and J, summed over J from 0 up. */
function chanceOfAtMost(seen: number, rho: number, wrong: Stratum, strangers: Stratum): number {
  const most = Math.min(strangers.n, Math.floor(seen / rho + slack));
  if (strangers.share >= 1) return most < strangers.n ? 0 : atMost(seen - rho * strangers.n, wrong);
  const odds = strangers.share / (1 - strangers.share);
  let total = 0;
  let chance = Math.exp(strangers.n * Math.log1p(-strangers.share));
  for (let j = 0; j <= most; j++) {
    // Chances below this add nothing; skipping them keeps large samples fast.
    if (chance > 1e-12) total += chance * atMost(seen - rho * j, wrong);
    chance *= ((strangers.n - j) / (j + 1)) * odds;
  }
  return Math.min(1, total);
}

/** Against rounding: a sum that is equal on paper counts as equal. */
const slack = 1e-9;

function atMost(errors: number, { n, share }: Stratum): number {
  return binomialCdf(Math.floor(errors + slack), n, share);
}
