/**
 * A rejected cheap answer that was asked again of the strong model costs both calls, and at most one outcome is accepted.
 * Where rows say what ran (route, model, reason), the second call would stand in the fallback's row: it is counted in
 * the row of the answer that it repairs. The fallback alone would not have been asked twice. Pure; sums in, sums out.
 */
import { type NanoUsd, zeroUsd } from '../base/money.ts';
import type { OutcomeSums, Reask } from './outcome.ts';

/** The same sums, with each second call in the group of the first. */
export function withReasks(sums: readonly OutcomeSums[], reasks: readonly Reask[]): readonly OutcomeSums[] {
  if (reasks.length === 0) return sums;
  return [...sums, ...reasks.flatMap(moved)];
}

function moved({ of, again }: Reask): OutcomeSums[] {
  const taken: OutcomeSums = {
    ...again,
    requests: -again.requests,
    unpriced: -again.unpriced,
    answers: -again.answers,
    cost: -again.cost as unknown as NanoUsd,
    comparable: -again.comparable,
    fallbackCost: -again.fallbackCost as unknown as NanoUsd,
  };
  return [taken, { ...again, group: of, fallbackCost: zeroUsd }];
}

/** What the fallback alone would not have cost: the second calls. */
export function askedTwice(reasks: readonly Reask[]): NanoUsd {
  return reasks.reduce<bigint>((sum, { again }) => sum + again.fallbackCost, zeroUsd) as NanoUsd;
}
