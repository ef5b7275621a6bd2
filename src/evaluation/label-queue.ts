/**
 * Which recorded prompts to label next. A label teaches most where the router may be wrong: where today's snapshot decides
 * otherwise than was decided (drifted), near the threshold, or with a small lead over the next route (uncertain). Every
 * tenth prompt is drawn at random, since the interesting ones alone would never show a confident mistake.
 */
import type { LedgerStore } from '../ledger/contract.ts';
import type { DecisionRecord } from '../ledger/record.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import type { Candidate, MatchResult } from '../routing/decision.ts';
import { match } from '../routing/match.ts';
import { chosenRoute, type Period, recordedPages, textOf, wasMatched } from './recorded.ts';
import { sameTextKey } from './same-text.ts';

export interface ToLabel {
  readonly id: string;
  readonly text: string;
  /** What was decided when it was asked; null: the fallback. */
  readonly decided: string | null;
  /** What today's snapshot decides. */
  readonly today: string | null;
  /** Today's, best first, at most nine. */
  readonly candidates: readonly Candidate[];
  readonly why: 'drifted' | 'near the threshold' | 'uncertain' | 'random';
}

export interface QueueTerms {
  readonly store: Pick<LedgerStore, 'page'>;
  readonly period: Period;
  readonly snapshot: Snapshot;
  readonly has: (id: string, text: string) => boolean;
  /** Prompts to choose. */
  readonly limit: number;
  /** In [0, 1). */
  readonly random: () => number;
}

export interface LabelQueue {
  readonly prompts: readonly ToLabel[];
  /** Matched decisions in the period, those with text, and of these the ones labelled already. */
  readonly decisions: number;
  readonly withText: number;
  readonly labelled: number;
}

const randomEvery = 10;
const embedBatch = 64;

/** Memory is bounded by a page and four times `limit`. */
export async function chooseForLabels(terms: QueueTerms): Promise<LabelQueue> {
  const { store, period, has, limit, random } = terms;
  const best = createBest(limit);
  const sample = createReservoir(Math.ceil(limit / randomEvery), random);
  const counts = { decisions: 0, withText: 0, labelled: 0 };
  for await (const page of recordedPages(store, period)) {
    const fresh = page.flatMap((record) => {
      if (!wasMatched(record)) return [];
      counts.decisions++;
      const text = textOf(record);
      if (text === null) return [];
      counts.withText++;
      if (!has(record.id, text)) return [{ record, text }];
      counts.labelled++;
      return [];
    });
    for (const ranked of await rankAll(terms.snapshot, fresh)) {
      best.add(ranked);
      sample.add(ranked);
    }
  }
  return { ...counts, prompts: interleave(best.list(), sample.list(), limit) };
}

interface Ranked {
  readonly prompt: ToLabel;
  readonly key: string;
  readonly interest: number;
}

async function rankAll(
  snapshot: Snapshot,
  fresh: readonly { readonly record: DecisionRecord; readonly text: string }[],
): Promise<Ranked[]> {
  const ranked: Ranked[] = [];
  for (let at = 0; at < fresh.length; at += embedBatch) {
    const batch = fresh.slice(at, at + embedBatch);
    const texts = batch.map(({ text }) => text);
    const embeddings = await snapshot.prompts.embed(texts, { role: 'query', lane: 'bulk' });
    for (const [i, { record, text }] of batch.entries()) {
      const result = match(snapshot.index, { text, vector: embeddings[i].vector }, { limit: 9 });
      const { interest, why } = interestOf(chosenRoute(record), result);
      const { id } = record;
      const prompt = {
        id,
        text,
        decided: chosenRoute(record),
        today: result.route,
        candidates: result.candidates,
        why,
      };
      ranked.push({ prompt, key: sameTextKey(text), interest });
    }
  }
  return ranked;
}

/** Scores and margins this far off are no longer interesting. */
const near = 0.25;

export function interestOf(
  decided: string | null,
  result: Pick<MatchResult, 'route' | 'score' | 'margin' | 'candidates'>,
): { interest: number; why: ToLabel['why'] } {
  const best = result.candidates.find(({ route }) => route === result.route) ?? result.candidates[0];
  const distance = best ? Math.abs(best.compared - best.threshold) : 1;
  const nearness = Math.max(0, 1 - distance / near);
  // A prompt far from every route has a small margin too, and nothing to be uncertain about.
  const doubt = Math.max(0, 1 - result.margin / near) * Math.min(1, 2 * result.score);
  const drifted = result.route !== decided;
  const interest = (drifted ? 1 : 0) + nearness + doubt;
  return { interest, why: drifted ? 'drifted' : nearness >= doubt ? 'near the threshold' : 'uncertain' };
}

/** The `limit` most interesting, each text once. */
function createBest(limit: number) {
  let kept = new Map<string, Ranked>();
  const sorted = () => [...kept.values()].sort((a, b) => b.interest - a.interest).slice(0, limit);
  return {
    add(ranked: Ranked): void {
      kept.set(ranked.key, ranked);
      if (kept.size > 4 * limit) kept = new Map(sorted().map((own) => [own.key, own]));
    },
    list: sorted,
  };
}

function createReservoir(size: number, random: () => number) {
  const kept: Ranked[] = [];
  let seen = 0;
  return {
    add(ranked: Ranked): void {
      const at = seen++ < size ? kept.length : Math.floor(random() * seen);
      if (at < size) kept[at] = ranked;
    },
    list: () => kept,
  };
}

function interleave(best: readonly Ranked[], sample: readonly Ranked[], limit: number): ToLabel[] {
  const drawn = new Map(sample.map((own) => [own.key, { ...own.prompt, why: 'random' as const }]));
  const others = best.filter(({ key }) => !drawn.has(key)).map(({ prompt }) => prompt);
  const mixed: ToLabel[] = [];
  const pool = [...drawn.values()];
  while (mixed.length < limit) {
    const isRandomsTurn = mixed.length % randomEvery === randomEvery - 1;
    const next = isRandomsTurn ? (pool.shift() ?? others.shift()) : (others.shift() ?? pool.shift());
    if (!next) break;
    mixed.push(next);
  }
  return mixed;
}
