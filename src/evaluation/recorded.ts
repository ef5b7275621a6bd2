/**
 * Recorded decisions, out of the ledger a page at a time, and what can be read from one: the route that the router chose
 * (also where monitor mode or a failure sent the request elsewhere) and the text, where the ledger keeps it.
 */
import { explicitReasons, type LedgerStore } from '../ledger/contract.ts';
import type { DecisionRecord } from '../ledger/record.ts';
import type { RankedRoute } from './evaluated-row.ts';

export interface Period {
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

const pageSize = 500;

/** Pages of the period, oldest first; memory is bounded by one of them. */
export async function* recordedPages(
  store: Pick<LedgerStore, 'page'>,
  period: Period,
): AsyncGenerator<readonly DecisionRecord[]> {
  for (let after: DecisionRecord | null = null; ; ) {
    const page = await store.page({ ...period, limit: pageSize, after });
    if (page.length === 0) return;
    yield page;
    after = page[page.length - 1];
  }
}

const unasked = new Set<string>([...explicitReasons, 'pass-through', 'own-embedding']);

/** It asked to be routed: it named no model itself and is of a kind that is routed. */
export function askedForRoute({ reason }: DecisionRecord): boolean {
  return !unasked.has(reason);
}

/** The matcher looked at it: not pinned, forced, out of time. Only such a decision can be right, wrong or drift. */
export function wasMatched(record: DecisionRecord): boolean {
  return askedForRoute(record) && record.score !== null;
}

/** What the router chose; null: the fallback. */
export function chosenRoute({ route, wouldRoute }: DecisionRecord): string | null {
  return route ?? wouldRoute;
}

/** null: the ledger keeps none of this prompt, or only its hash. */
export function textOf({ prompt }: DecisionRecord): string | null {
  return prompt === null || /^hmac:[\w-]{43}$/.test(prompt) || prompt.trim() === '' ? null : prompt;
}

export function candidatesOf({ candidates, route, wouldRoute, score }: DecisionRecord): readonly RankedRoute[] {
  try {
    const parsed: unknown = JSON.parse(candidates ?? '[]');
    if (Array.isArray(parsed) && parsed.length > 0) return parsed.filter(isRanked);
  } catch {
    // A column that another program wrote: the score alone is left.
  }
  const name = route ?? wouldRoute;
  return name === null ? [] : [{ route: name, score: score ?? 0 }];
}

function isRanked(value: unknown): value is RankedRoute {
  if (typeof value !== 'object' || value === null) return false;
  return 'route' in value && typeof value.route === 'string' && 'score' in value && typeof value.score === 'number';
}
