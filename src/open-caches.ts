/** Opens what answers are stored in, for the life of the process: memory, and the ledger's database beneath it. */
import type { Clock } from './base/clock.ts';
import { messageOf } from './base/errors.ts';
import { createExactCache, type ExactCache } from './cache/exact-cache.ts';
import { type AnswerLevels, createAnswerLevels } from './cache/exact-levels.ts';
import type { Config } from './config/schema.ts';
import { openAnswerStore } from './ledger/open-answer-store.ts';
import type { Log } from './telemetry/log.ts';

export interface Caches {
  readonly memory: ExactCache;
  readonly levels: AnswerLevels;
  /** Writes what waits, and closes the database. */
  close(): Promise<void>;
}

const megabyte = 1_048_576;
/** A database that fails would say so with every request. */
const complaintMs = 60_000;

export function openCaches(options: { readonly config: Config; readonly clock: Clock; readonly log: Log }): Caches {
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
  return {
    memory,
    levels,
    async close() {
      await levels.flush();
      await store?.close();
    },
  };
}
