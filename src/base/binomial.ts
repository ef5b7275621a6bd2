/**
 * The binomial distribution and the exact (Clopper–Pearson) bounds on a share, through the regularised incomplete beta
 * function. Good to about 1e-12; nothing here is approximate in the statistical sense.
 *
 * Clopper & Pearson, Biometrika 26 (1934); the continued fraction is Lentz's (Numerical Recipes, 6.4).
 */

/** P(X ≤ k) for X ~ Binomial(n, p). */
export function binomialCdf(k: number, n: number, p: number): number {
  if (k < 0) return 0;
  if (k >= n || p <= 0) return 1;
  if (p >= 1) return 0;
  return incompleteBeta(1 - p, n - k, k + 1);
}

/** The largest share that `k` of `n` does not contradict at level `alpha`: a one-sided upper bound. */
export function shareUpperBound(k: number, n: number, alpha: number): number {
  if (n === 0 || k >= n) return 1;
  return bisect((share) => binomialCdf(k, n, share) <= alpha);
}

/** One-sided lower bound on a share of which `k` of `n` were seen. */
export function shareLowerBound(k: number, n: number, alpha: number): number {
  return 1 - shareUpperBound(n - k, n, alpha);
}

/** I_x(a, b). */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b));
  // The fraction converges fast on one side of the mean only; the other side is reached by symmetry.
  if (x < (a + 1) / (a + b + 2)) return Math.min(1, (front * continuedFraction(x, a, b)) / a);
  return Math.max(0, 1 - (front * continuedFraction(1 - x, b, a)) / b);
}

function continuedFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / awayFromZero(1 - ((a + b) * x) / (a + 1), tiny);
  let result = d;
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / awayFromZero(1 + even * d, tiny);
    c = awayFromZero(1 + even / c, tiny);
    result *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / awayFromZero(1 + odd * d, tiny);
    c = awayFromZero(1 + odd / c, tiny);
    const change = d * c;
    result *= change;
    if (Math.abs(change - 1) < 1e-14) break;
  }
  return result;
}

function awayFromZero(value: number, tiny: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** ln Γ(x) for x > 0. */
export function logGamma(x: number): number {
  const z = x - 1;
  let sum = lanczos[0];
  for (let i = 1; i < lanczos.length; i++) sum += lanczos[i] / (z + i);
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** The least value in [0, 1] for which `reached` holds, when it holds from some point upward. */
function bisect(reached: (value: number) => boolean): number {
  let low = 0;
  let high = 1;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (reached(middle)) high = middle;
    else low = middle;
  }
  return high;
}
