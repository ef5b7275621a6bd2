/**
 * Opens what answers are stored in, for the life of the process: memory, the ledger's database beneath it, and the index of
 * the semantic cache, which goes with an embedding model.
 */
import type { Clock } from './base/clock.ts';
import { messageOf } from './base/errors.ts';
import { createExactCache, type ExactCache } from './cache/exact-cache.ts';
import { type AnswerLevels, createAnswerLevels } from './cache/exact-levels.ts';
import type { Config } from './config/schema.ts';
import { stateFolder } from './config/state-folder.ts';
import { openAnswerStore } from './ledger/open-answer-store.ts';
import { createSemanticShelf, type SemanticShelf } from './lifecycle/semantic-shelf.ts';
import type { Log } from './telemetry/log.ts';

export interface Caches {
  readonly memory: ExactCache;
  readonly levels: AnswerLevels;
  /** null: `cache.semantic.enabled` is false. */
  readonly semantic: SemanticShelf | null;
  /** Writes what waits, and closes the database. */
  close(): Promise<void>;
}

const megabyte = 1_048_576;
/** A database that fails would say so with every request. */
const complaintMs = 60_000;
const saveEveryMs = 300_000;

interface OpenCachesOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
}

export function openCaches(options: OpenCachesOptions): Caches {
  const { config, clock, log } = options;
  const { exact } = config.cache;
  const memory = createExactCache({ maxBytes: Math.round(exact.max_mb * megabyte), clock });
  const keepsAnswers = exact.max_mb > 0 && exact.store_mb > 0;
  const store = keepsAnswers ? openAnswerStore(config.ledger.url, { folder: config.folder }) : null;
  let complainedAt = Number.NEGATIVE_INFINITY;
  const levels = createAnswerLevels({
    memory,
    store,
    storeBytes: Math.round(exact.store_mb * megabyte),
    waitMs: exact.store_wait_ms,
    keepMs: config.ledger.keep_days * 86_400_000,
    clock,
    onError(error) {
      if (clock.monotonic() - complainedAt < complaintMs) return;
      complainedAt = clock.monotonic();
      log.warn('stored answers cannot be read or written; there are fewer cache hits', { error: messageOf(error) });
    },
  });
  const semantic = config.cache.semantic.enabled ? openShelf(options) : null;
  return {
    memory,
    levels,
    semantic,
    async close() {
      await semantic?.close();
      await levels.flush();
      await store?.close();
    },
  };
}

function openShelf({ config, clock, log, random }: OpenCachesOptions): SemanticShelf {
  const { semantic } = config.cache;
  return createSemanticShelf({
    stateDir: stateFolder(config),
    keepsPrompts: config.ledger.prompts === 'full',
    saveEveryMs,
    maxBytes: Math.round(semantic.max_mb * megabyte),
    verifyShare: semantic.verify_share,
    now: () => clock.now(),
    random,
    onNotice: (message, fields) => log.warn(message, fields),
  });
}
