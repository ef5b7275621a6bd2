/**
 * How many of a finite population are accepted, when a random part of it was looked at: exact bounds, by inverting the
 * hypergeometric test (equal tails). They never cover less than they say, know that what was looked at needs no
 * guessing, and close on the count itself when everything was looked at.
 *
 * Konijn, Statistical Theory of Sample Survey Design and Analysis (1973), ch. 4; Wright, JASA 92 (1997).
 */
import { logGamma } from './binomial.ts';

export interface Sample {
  readonly population: number;
  /** How many of it were looked at. */
  readonly labelled: number;
  /** How many of those were accepted. */
  readonly accepted: number;
}

/** The least and the greatest number of accepted in the population that the sample does not contradict at `alpha`. */
export function acceptedBounds(sample: Sample, alpha: number): readonly [low: number, high: number] {
  const { population, labelled, accepted } = sample;
  const rejected = { population, labelled, accepted: labelled - accepted };
  return [leastAccepted(sample, alpha / 2), population - leastAccepted(rejected, alpha / 2)];
}

/** One-sided: the least count at which as many or more accepted labels would be seen more often than `alpha`. */
function leastAccepted({ population, labelled, accepted }: Sample, alpha: number): number {
  let low = accepted;
  let high = population - (labelled - accepted);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (chanceOfAtLeast(accepted, { population, labelled, accepted: middle }) > alpha) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** P(X ≥ k), X being the accepted among the labelled when the whole population holds `inAll.accepted`. */
function chanceOfAtLeast(k: number, inAll: Sample): number {
  const mean = (inAll.labelled * inAll.accepted) / inAll.population;
  // From the far side of the mean the terms shrink from the first on, and none of them underflows that matters.
  return k > mean ? tail(k, 1, inAll) : 1 - tail(k - 1, -1, inAll);
}

/** Sum of the probabilities from `k` outward, `step` by `step`. */
function tail(k: number, step: 1 | -1, { population, labelled, accepted }: Sample): number {
  const least = Math.max(0, labelled - (population - accepted));
  const most = Math.min(labelled, accepted);
  if (k < least || k > most) return 0;
  let term = Math.exp(
    logChoose(accepted, k) + logChoose(population - accepted, labelled - k) - logChoose(population, labelled),
  );
  let sum = 0;
  for (let i = k; i >= least && i <= most && term > sum * 1e-17; i += step) {
    sum += term;
    const up = step === 1 ? i : i - 1;
    const ratio = ((accepted - up) * (labelled - up)) / ((up + 1) * (population - accepted - labelled + up + 1));
    term *= step === 1 ? ratio : 1 / ratio;
  }
  return sum;
}

function logChoose(n: number, k: number): number {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
}
