/**
 * What an operator may ask of the caches: what is in them, what they would do with a prompt, and that answers go. Explaining
 * matches a prompt as a request does, but reads and writes no pin, calls no backend and leaves no evidence.
 */
import type { Clock } from '../base/clock.ts';
import { ShuntError } from '../base/errors.ts';
import type { Purge } from '../cache/exact-cache.ts';
import { isMeant } from '../cache/exact-cache.ts';
import type { AnswerLevels, LevelStats } from '../cache/exact-levels.ts';
import { type CacheRefusal, noCacheControl, storeRefusalAhead, wayRefusal } from '../cache/policy.ts';
import type { SemanticCache, SemanticEntryFacts, SemanticLook, SemanticStats } from '../cache/semantic-contract.ts';
import type { Config } from '../config/schema.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import type { CachePlace, ChatCache } from './chat-cache.ts';
import { type ChatRequest, parseChatRequest } from './chat-request.ts';
import type { ClientRequest } from './client-request.ts';
import { explain } from './explain.ts';
import { emptyPlan, type Plan } from './plan-form.ts';
import type { PlannedChat } from './planned-chat.ts';
import { promptText } from './prompt-text.ts';

export interface CacheAdmin {
  stats(): Promise<{ readonly exact: LevelStats; readonly semantic: SemanticStats | null }>;
  /** `chat`: a whole request, in whose name `request` asks. */
  explain(request: ClientRequest, chat: ChatRequest): Promise<CacheExplanation>;
  /** `person` as the client named it. */
  purge(which: Purge): Promise<{ readonly answers: number; readonly semantic: number }>;
}

export interface CacheExplanation {
  readonly route: string | null;
  readonly target: string;
  readonly reason: string;
  readonly mode: 'none' | 'exact' | 'semantic';
  /** Why neither a stored answer would be taken nor a fresh one stored; null when both may be. */
  readonly refusal: CacheRefusal | 'fixed-answer' | 'not-cacheable' | null;
  /** What the cache would do: answer, or let the backend be asked. */
  readonly outcome: 'hit' | 'semantic' | 'miss' | 'bypass';
  readonly exact: {
    readonly key: string;
    readonly found: boolean;
    readonly age_seconds: number | null;
    readonly model: string | null;
  } | null;
  /** null: the semantic cache would not be asked. */
  readonly semantic: SemanticLook | null;
}

export function createCacheAdmin(options: {
  readonly config: Config;
  readonly snapshot: Snapshot;
  readonly clock: Clock;
  readonly levels: AnswerLevels;
  readonly chatCache: ChatCache;
  readonly semantic: SemanticCache | null;
  readonly hashPerson: (person: string) => string | null;
}): CacheAdmin {
  const { config, snapshot, clock, levels, chatCache, semantic, hashPerson } = options;
  return {
    async stats() {
      return { exact: await levels.stats(), semantic: semantic?.stats() ?? null };
    },
    async purge(which) {
      const { person, ...rest } = which;
      const named = person === undefined ? which : { ...rest, person: hashPerson(person) ?? unknownPerson() };
      const gone = await levels.purge(named);
      // Entries do not say for whom they are; those whose answers are gone are of no use to anybody.
      const isGone = (entry: SemanticEntryFacts) => gone.has(entry.entryId);
      const isNamed = (entry: SemanticEntryFacts) => person === undefined && isMeant(rest, { ...entry, person: null });
      const similar = semantic?.purge((entry) => isGone(entry) || isNamed(entry)) ?? 0;
      return { answers: gone.size, semantic: similar };
    },
    async explain(request, chat) {
      const plan = await planOf(chat);
      const step = { request, chat, snapshot, plan };
      const { route, target, reason } = plan;
      const base = { route, target, reason, mode: chatCache.policyFor(step)?.mode ?? 'none' } as const;
      const lookup = { key: chatCache.keyFor(step), control: noCacheControl, hit: null };
      const place = chatCache.place(step, lookup);
      if (place === null) {
        return { ...base, refusal: refusalOf(step), outcome: 'bypass', exact: null, semantic: null };
      }
      return { ...base, refusal: null, ...(await found(step, place)) };
    },
  };

  async function planOf(chat: ChatRequest): Promise<Plan> {
    const text = promptText(chat.messages, config.routing.text);
    const { route, target, fallback, reason } = await explain({ config, snapshot, clock }, { text, chat });
    const [embedding] = await snapshot.prompts.embed([text], { role: 'query' });
    const answer = route === null ? null : (snapshot.routes.get(route)?.answer ?? null);
    const aim = { route, target, fallback, reason, answer, way: 'matched', routed: true } as const;
    return { ...emptyPlan, ...aim, text, embedding };
  }

  function refusalOf(step: PlannedChat): CacheExplanation['refusal'] {
    const policy = chatCache.policyFor(step);
    if (step.plan.answer !== null) return 'fixed-answer';
    if (policy === null) return 'route-does-not-cache';
    const refusal = wayRefusal(step.plan.way, policy) ?? storeRefusalAhead(step.chat, noCacheControl, policy);
    return refusal ?? 'not-cacheable';
  }

  async function found(step: PlannedChat, place: CachePlace) {
    const { key } = place;
    const hit = await chatCache.find(step, { ...place, semantic: null });
    const entry = hit?.entry ?? null;
    const age = entry === null ? null : Math.floor((clock.now() - entry.storedAt) / 1_000);
    const exact = { key, found: entry !== null, age_seconds: age, model: entry?.model ?? null };
    const similar = place.semantic?.explain() ?? null;
    const outcome = entry !== null ? 'hit' : similar?.kind === 'hit' ? 'semantic' : 'miss';
    return { exact, semantic: similar, outcome } as const;
  }
}

function unknownPerson(): never {
  const message = 'Answers do not say for whom they are, since nothing names persons here (ledger.url: none).';
  throw new ShuntError('invalid_request', message, { param: 'person' });
}

/** A prompt alone, as a request that caching would take: the one that `shunt cache warm` sends for it. */
export function plainChat(model: string, text: string): ChatRequest {
  const body = { model, messages: [{ role: 'user', content: text }], temperature: 0 };
  return parseChatRequest(Buffer.from(JSON.stringify(body)));
}
