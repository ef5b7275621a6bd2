/**
 * Which of several endpoints takes a request: the less loaded of two drawn by weight ("the power of two choices",
 * Mitzenmacher 2001), which is nearly as even as asking all of them, and does not send every request of a moment to the
 * one that is idle. Load is requests in flight per weight; at equal load the first drawn wins, so that a quiet backend
 * is used by its weights.
 */

export interface Choosable {
  readonly weight: number;
  readonly inFlight: number;
}

/** One of `candidates`, which must not be empty. */
export function choose<T extends Choosable>(candidates: readonly T[], random: () => number): T {
  if (candidates.length === 1) return candidates[0];
  const first = draw(candidates, random, null);
  const second = draw(candidates, random, first);
  return second.inFlight / second.weight < first.inFlight / first.weight ? second : first;
}

function draw<T extends Choosable>(candidates: readonly T[], random: () => number, except: T | null): T {
  let total = 0;
  for (const one of candidates) if (one !== except) total += one.weight;
  let left = random() * total;
  let last = candidates[0];
  for (const one of candidates) {
    if (one === except) continue;
    last = one;
    left -= one.weight;
    if (left < 0) break;
  }
  return last;
}
