/** The plots of a report that have days along them: cost by route against the fallback alone, and how match scores drift. */
import { formatUsd, usdNumber } from '../base/money.ts';
import type { Trends } from '../ledger/report-trends.ts';
import { dayPlot } from './plot-days.ts';
import { fills } from './plot-legend.ts';
import { dollarTick, scaleFor } from './plot-scale.ts';

export function costByDay({ days, routes, fallbackOnly }: Trends): string {
  if (days.length === 0) return '';
  const alone = fallbackOnly.map(usdNumber);
  const costs = routes.map(({ name, costs }) => ({
    name: name === '(none)' ? 'no route' : name,
    values: costs.map(usdNumber),
  }));
  const layers = [...costs.slice(0, fills.length - 1), ...together(costs.slice(fills.length - 1), days.length)];
  const totals = days.map((_, day) => layers.reduce((sum, { values }) => sum + values[day], 0));
  const scale = scaleFor(Math.max(...totals, ...alone));
  const spent = days.map((_, day) => routes.reduce<bigint>((sum, { costs }) => sum + costs[day], 0n));
  const usd = (amount: bigint) => formatUsd(amount as never, 4);
  return dayPlot({
    title: 'Cost by day and route',
    description: `What each of ${routes.length} routes cost on each of ${days.length} days, and what the fallback alone would have cost; ${usd(spent.reduce((sum, amount) => sum + amount, 0n))} in all.`,
    days,
    layers,
    line: { name: 'the fallback alone', values: alone },
    scale,
    tick: dollarTick(scale),
    words: (day) => `${days[day]}: ${usd(spent[day])}, fallback alone ${usd(fallbackOnly[day])}`,
  });
}

interface Layer {
  readonly name: string;
  readonly values: readonly number[];
}

/** The cheaper routes have no colour of their own. */
function together(rest: readonly Layer[], days: number): Layer[] {
  if (rest.length === 0) return [];
  if (rest.length === 1) return [...rest];
  const values = Array.from({ length: days }, (_, day) => rest.reduce((sum, layer) => sum + layer.values[day], 0));
  return [{ name: `${rest.length} other routes`, values }];
}

/** What moves when prompts change, or the model that reads them: a route's examples then no longer say what it means. */
export function scoreDrift({ days, scores }: Trends): string {
  if (scores.length === 0) return '';
  const totals = days.map((_, day) => scores.reduce((sum, { requests }) => sum + requests[day], 0));
  const share = (requests: readonly number[]) =>
    requests.map((count, day) => (totals[day] > 0 ? count / totals[day] : 0));
  const bands = bandsOf(scores);
  return dayPlot({
    title: 'Match scores by day',
    description: `Shares of requests by their match score on each of ${days.length} days.`,
    days,
    layers: bands.map(({ name, requests }, i) => ({ name, values: share(requests), style: `shade-${i}` })),
    scale: { top: 1, ticks: [0, 0.25, 0.5, 0.75, 1] },
    tick: (value) => `${value * 100}%`,
    words: (day) =>
      `${days[day]}: ${bands.map(({ name, requests }) => `${name}: ${((100 * requests[day]) / (totals[day] || 1)).toFixed(0)}%`).join(', ')}`,
  });
}

const bandEnds = [0, 0.5, 0.7, 0.8, 0.9] as const;

function bandsOf(scores: Trends['scores']): { readonly name: string; readonly requests: readonly number[] }[] {
  return bandEnds.map((from, i) => {
    const to = bandEnds[i + 1] ?? Number.POSITIVE_INFINITY;
    const within = scores.filter((score) => Number(score.from) >= from && Number(score.from) < to);
    const requests = scores[0].requests.map((_, day) => within.reduce((sum, band) => sum + band.requests[day], 0));
    return {
      name: i === 0 ? 'below 0.5' : to === Number.POSITIVE_INFINITY ? `from ${from}` : `${from} to ${to}`,
      requests,
    };
  });
}
