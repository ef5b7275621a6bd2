/**
 * Finds out whether a semantic hit was right, or would have been: the stored answer and the fresh one are compared, off
 * every request's path, and the verdict goes to the semantic cache as evidence.
 *
 *   exact      the same words, but for space and case: stricter than need be, and never too kind
 *   embedding  alike enough for the serving embedding model, and the same numbers in both
 *   judge      a configured model says so (`judge.ts`)
 *
 * Few are compared at once; what comes on top is left out at random moments, not by what it says, so that the sample
 * stays honest. No verdict is no evidence.
 */
import { dot } from '../base/vector.ts';
import { answerText } from '../cache/answer-form.ts';
import type { CacheEntry } from '../cache/exact-cache.ts';
import type { AnswerLevels } from '../cache/exact-levels.ts';
import type { SemanticCache, SemanticFind } from '../cache/semantic-contract.ts';
import type { Config } from '../config/schema.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import type { Judge } from './judge.ts';
import type { Tenant } from './tenant.ts';

/** A finding of the semantic cache, and the fresh answer to the prompt that it was found for. */
export interface Doubt {
  /** null: the fallback's. */
  readonly route: string | null;
  readonly find: SemanticFind;
  readonly prompt: string;
  readonly fresh: CacheEntry;
  readonly tenant: Tenant;
  readonly snapshot: Snapshot;
}

export interface VerifyOptions {
  readonly config: Config;
  readonly cache: AnswerLevels;
  readonly semantic: SemanticCache;
  readonly judge: Judge | null;
  readonly onError: (error: unknown) => void;
}

/** How routes are named where the fallback stands in for one. */
export const noRoute = 'fallback';

const mostAtOnce = 8;
/** Cosine of two answers that say the same; below it the embedding cannot tell. */
const alike = 0.9;

export function createVerifier(options: VerifyOptions): (doubt: Doubt) => void {
  const { cache, semantic } = options;
  const { compare } = options.config.cache.semantic;
  let underWay = 0;

  return (doubt) => {
    if (underWay >= mostAtOnce) return;
    underWay++;
    // After the reply has gone.
    setImmediate(() => {
      verify(doubt)
        .catch(options.onError)
        .finally(() => {
          underWay--;
        });
    });
  };

  async function verify(doubt: Doubt): Promise<void> {
    const { find, route } = doubt;
    const entry = cache.get(find.entryId) ?? (await cache.find(find.entryId));
    const stored = entry === null ? null : answerText(entry);
    const fresh = answerText(doubt.fresh);
    if (stored === null || fresh === null) return;
    const right = await sameAnswer(doubt, stored, fresh);
    if (right !== null) semantic.judge(route ?? noRoute, find, right);
  }

  async function sameAnswer(doubt: Doubt, stored: string, fresh: string): Promise<boolean | null> {
    if (plain(stored) === plain(fresh)) return true;
    if (compare === 'exact') return false;
    if (compare === 'embedding') return closeInMeaning(doubt.snapshot, stored, fresh);
    const { route, prompt, tenant, snapshot } = doubt;
    return options.judge?.({ prompt, stored, fresh, route, tenant, snapshot: snapshot.id }) ?? null;
  }
}

async function closeInMeaning({ embedder }: Snapshot, stored: string, fresh: string): Promise<boolean> {
  if (numbersOf(stored) !== numbersOf(fresh)) return false;
  const [one, other] = await embedder.embed([stored, fresh], { role: 'document', lane: 'bulk' });
  return dot(one.vector, other.vector) >= alike;
}

function plain(text: string): string {
  return text.normalize('NFKC').replace(/\s+/g, ' ').trim().toLowerCase();
}

function numbersOf(text: string): string {
  return (text.match(/\d+(?:[.,]\d+)*/g) ?? []).sort().join(' ');
}
