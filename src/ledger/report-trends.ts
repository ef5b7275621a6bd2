/** How a period went day by day, from the ledger's sums: what each route cost beside the fallback alone, and how scores drift. Pure. */
import { type NanoUsd, zeroUsd } from '../base/money.ts';
import type { OutcomeSums } from './outcome.ts';

export interface Trends {
  /** UTC, from the first day with a request to the last, quiet ones between them too. */
  readonly days: readonly string[];
  /** The dearest first. `(none)`: what no route took. */
  readonly routes: readonly { readonly name: string; readonly costs: readonly NanoUsd[] }[];
  /** What the fallback alone would have cost, over requests that have both prices. */
  readonly fallbackOnly: readonly NanoUsd[];
  /** Requests by tenth of the match score, the lowest first; those without a score are in none. */
  readonly scores: readonly { readonly from: string; readonly requests: readonly number[] }[];
}

/** `byRoute`: grouped by day, split by route; `byScore`: grouped by day, split by score. */
export function trendsOf(byRoute: readonly OutcomeSums[], byScore: readonly OutcomeSums[]): Trends {
  const days = everyDay(byRoute.map(({ group }) => group));
  const at = new Map(days.map((day, i) => [day, i]));
  const routes = new Map<string, NanoUsd[]>();
  const fallbackOnly = days.map(() => zeroUsd);
  for (const { group, stratum, cost, fallbackCost } of byRoute) {
    addTo(
      lineOf(routes, stratum[0], () => days.map(() => zeroUsd)),
      { at: at.get(group), amount: cost },
    );
    addTo(fallbackOnly, { at: at.get(group), amount: fallbackCost });
  }
  const scores = new Map<string, number[]>();
  for (const { group, stratum, requests } of byScore) {
    const day = at.get(group);
    if (stratum[0] === '(none)' || day === undefined) continue;
    lineOf(scores, stratum[0], () => days.map(() => 0))[day] += requests;
  }
  return {
    days,
    routes: [...routes]
      .map(([name, costs]) => ({ name, costs }))
      .sort((a, b) => Number(sum(b.costs) - sum(a.costs)) || (a.name < b.name ? -1 : 1)),
    fallbackOnly,
    scores: [...scores].map(([from, requests]) => ({ from, requests })).sort((a, b) => Number(a.from) - Number(b.from)),
  };
}

function lineOf<T>(lines: Map<string, T[]>, name: string, make: () => T[]): T[] {
  const line = lines.get(name) ?? make();
  lines.set(name, line);
  return line;
}

function addTo(line: NanoUsd[], { at, amount }: { at: number | undefined; amount: NanoUsd }): void {
  if (at !== undefined) line[at] = (line[at] + amount) as NanoUsd;
}

function sum(amounts: readonly NanoUsd[]): bigint {
  return amounts.reduce<bigint>((total, amount) => total + amount, 0n);
}

const dayMs = 86_400_000;

function everyDay(seen: readonly string[]): string[] {
  if (seen.length === 0) return [];
  const sorted = [...new Set(seen)].sort();
  const first = Date.parse(sorted[0]);
  const count = Math.round((Date.parse(sorted[sorted.length - 1]) - first) / dayMs) + 1;
  return Array.from({ length: count }, (_, i) => new Date(first + i * dayMs).toISOString().slice(0, 10));
}
