/**
 * The semantic cache as a chat request sees it. It is asked after the match, which takes microseconds: only the match says
 * which model would answer, whose partition is to be looked in, and which route's evidence and promise count. The vector
 * is the request's one embedding, so the text that was embedded must be the last user text, whole and as it came.
 *
 *   place ─► look ─► hit, not drawn: the key of the stored answer
 *              └───► asked all the same (not yet proven, or drawn for verification) ─► store ─► compared off the hot path
 */
import type { CacheEntry } from '../cache/exact-cache.ts';
import { partitionOf } from '../cache/partition.ts';
import type { RouteCachePolicy } from '../cache/policy.ts';
import type { SemanticCache, SemanticFind, SemanticLook } from '../cache/semantic-contract.ts';
import type { Config } from '../config/schema.ts';
import { queryOf } from './pass-through.ts';
import type { PlannedChat } from './planned-chat.ts';
import { type Doubt, noRoute } from './verify-answers.ts';

export interface SemanticPlace {
  /** The stored answer that may be served; null: ask the backend. */
  look(): { readonly entryId: string; readonly similarity: number } | null;
  /** All that is known, for an operator's eyes. */
  explain(): SemanticLook;
  /** The backend's answer has been kept under `key`. */
  store(kept: { readonly key: string; readonly entry: CacheEntry; readonly ttlMs: number }): void;
}

export interface SemanticStep {
  /** null: the request has no text that may vary, or not the one that was embedded. */
  place(step: PlannedChat, policy: RouteCachePolicy): SemanticPlace | null;
}

export function createSemanticStep(options: {
  readonly config: Config;
  readonly cache: SemanticCache;
  /** Compares the stored answer and the fresh one, later. */
  readonly verify: (doubt: Doubt) => void;
}): SemanticStep {
  const { config, cache } = options;
  return {
    place(step, policy) {
      const { request, chat, plan, snapshot } = step;
      const { embedding } = plan;
      if (embedding === null || embedding.truncated) return null;
      const partition = partitionOf({
        fingerprint: snapshot.embedder.identity.fingerprint,
        tenant: request.tenant.id,
        endpoint: chat.dialect + queryOf(request.incoming),
        servedModel: servedModel(config, plan.target),
        bytes: chat.bytes,
        members: chat.members,
      });
      if (partition === null || partition.text !== plan.text) return null;
      const { text } = partition;
      const { vector } = embedding;
      const route = plan.route ?? noRoute;
      let doubted: SemanticFind | null = null;
      const explain = () => cache.look({ partition: partition.key, route, maxError: policy.maxError, text, vector });
      return {
        explain,
        look() {
          const found = explain();
          if (found.kind === 'miss') return null;
          if (found.verify) doubted = found;
          return found.kind === 'hit' && !found.verify ? found : null;
        },
        store({ key, entry, ttlMs }) {
          const { tenant, tags, storedAt } = entry;
          if (doubted !== null && doubted.entryId !== key) {
            const { tenant: asker } = request;
            options.verify({ route: plan.route, find: doubted, prompt: text, fresh: entry, tenant: asker, snapshot });
          }
          const own = { entryId: key, partition: partition.key, route, text, vector };
          cache.put({ ...own, tenant, tags, storedAt, expiresAt: storedAt + ttlMs });
        },
      };
    },
  };
}

/** Another model behind the same name gives other answers. */
function servedModel(config: Config, name: string): string {
  const { backend, model } = config.models[name];
  return `${name}\n${backend}\n${model}`;
}
