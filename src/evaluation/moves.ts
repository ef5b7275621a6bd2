/** What a change of thresholds would do: the same rows decided before and after, by the matcher with all its rules. */
import { match } from '../routing/match.ts';
import type { RouteIndex, RoutePolicy } from '../routing/route-index.ts';
import type { TuneRow } from './scored-rows.ts';

export interface MovedRow {
  readonly text: string;
  readonly truth: string | null;
  readonly from: string | null;
  readonly to: string | null;
}

export interface PolicyChange {
  readonly route: string;
  readonly from: number;
  readonly to: number;
  readonly promise: 'route' | 'pooled' | 'none';
  /** The precision kept; null without a promise. */
  readonly precision: number | null;
  /** What the card asks for, where that could not be proven. */
  readonly asked: number | null;
}

export interface Side {
  readonly accepted: number;
  readonly right: number;
}

export interface Moves {
  readonly rows: number;
  readonly before: Side;
  readonly after: Side;
  readonly thresholds: readonly PolicyChange[];
  readonly moved: readonly MovedRow[];
}

export function movesOf(rows: readonly TuneRow[], before: RouteIndex, after: RouteIndex): Moves {
  // A row that built a prototype would be decided by itself.
  const judged = rows.filter((row) => !row.crossFitted);
  const decide = (index: RouteIndex) =>
    judged.map(({ text, vector }) => match(index, { text, vector }, { limit: 1 }).route);
  const from = decide(before);
  const to = decide(after);
  const side = (routes: readonly (string | null)[]): Side => ({
    accepted: routes.filter((route) => route !== null).length,
    right: routes.filter((route, at) => route !== null && route === judged[at].truth).length,
  });
  return {
    rows: judged.length,
    before: side(from),
    after: side(to),
    thresholds: before.names.map((route, at) => changeOf(route, before.policies[at], after.policies[at])),
    moved: judged.flatMap((row, at): MovedRow[] =>
      from[at] === to[at] ? [] : [{ text: row.excerpt, truth: row.truth, from: from[at], to: to[at] }],
    ),
  };
}

function changeOf(route: string, before: RoutePolicy, after: RoutePolicy): PolicyChange {
  const { scope, precision, asked, missingRows } = after.promise;
  const unproven = scope === 'none' && missingRows !== null ? precision : null;
  return {
    route,
    from: before.threshold,
    to: after.threshold,
    promise: scope,
    precision: scope === 'none' ? null : precision,
    asked: asked ?? unproven,
  };
}
