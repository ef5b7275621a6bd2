/**
 * Where the semantic cache lives between two starts: `.shunt/semantic/<model>.cache`, one file for each embedding model.
 * A file is written beside its place, synced and renamed, so a reader sees all of it or nothing. One that is damaged, half
 * written or foreign is refused, with the reason, and the cache begins anew; a folder that cannot be written costs what was
 * learned, never the start.
 *
 * The entries hold prompts. Where those may not be kept, only the evidence is written: it holds none.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { createSemanticCache, openSemanticCache } from '../cache/semantic-cache.ts';
import type { SemanticCache, SemanticCacheOptions } from '../cache/semantic-contract.ts';
import type { EmbeddingIdentity } from '../embedding/contract.ts';

export interface SemanticShelf {
  /** The cache for the vectors of this model: the one that is open, the one on disk, or a new one, once it is taught. */
  take(identity: EmbeddingIdentity, teach?: (made: SemanticCache) => Promise<void>): Promise<SemanticCache>;
  /** The one that was taken last. */
  readonly current: SemanticCache | null;
  /** Writes it, when something has changed since. Never rejects. */
  save(): Promise<void>;
  close(): Promise<void>;
}

export interface ShelfOptions extends Omit<SemanticCacheOptions, 'fingerprint' | 'dimensions'> {
  /** `.shunt`. */
  readonly stateDir: string;
  /** Prompts may be on the disk. */
  readonly keepsPrompts: boolean;
  readonly saveEveryMs: number;
  readonly onNotice: (message: string, fields: Record<string, unknown>) => void;
}

export function createSemanticShelf(options: ShelfOptions): SemanticShelf {
  const { onNotice } = options;
  let shelved: Shelved | null = null;
  let saving: Promise<void> = Promise.resolve();
  let written = '';
  const timer = setInterval(() => void save(), options.saveEveryMs);
  timer.unref();

  async function take(
    identity: EmbeddingIdentity,
    teach?: (made: SemanticCache) => Promise<void>,
  ): Promise<SemanticCache> {
    const { fingerprint, dimensions } = identity;
    if (shelved?.fingerprint === fingerprint) return shelved.cache;
    await save();
    const file = join(
      options.stateDir,
      'semantic',
      `${createHash('sha256').update(fingerprint).digest('hex').slice(0, 24)}.cache`,
    );
    const own: SemanticCacheOptions = { ...options, fingerprint, dimensions };
    const found = await readShelved(file, own);
    if ('reason' in found && found.reason !== null) {
      onNotice('the stored semantic cache was refused and begins anew', { file, reason: found.reason });
    }
    const cache = 'cache' in found ? found.cache : createSemanticCache(own);
    if (!('cache' in found)) await teach?.(cache);
    shelved = { fingerprint, cache, own, file };
    written = stampOf(cache);
    return cache;
  }

  /** One write at a time. */
  function save(): Promise<void> {
    saving = saving.then(saveNow);
    return saving;
  }

  async function saveNow(): Promise<void> {
    if (shelved === null || stampOf(shelved.cache) === written) return;
    const { cache, file } = shelved;
    const stamp = stampOf(cache);
    try {
      await writeShelved(file, options.keepsPrompts ? cache.encode() : withoutPrompts(shelved));
      written = stamp;
    } catch (error) {
      onNotice('the semantic cache could not be written', { file, error: messageOf(error) });
    }
  }

  /** A copy of which nothing is left but its evidence. */
  function withoutPrompts({ cache, own }: Shelved): Buffer {
    const copy = openSemanticCache(own, cache.encode());
    copy.purge(() => true);
    return copy.encode();
  }

  return {
    take,
    get current() {
      return shelved?.cache ?? null;
    },
    save,
    async close() {
      clearInterval(timer);
      await save();
    },
  };
}

interface Shelved {
  readonly fingerprint: string;
  readonly cache: SemanticCache;
  readonly own: SemanticCacheOptions;
  readonly file: string;
}

/** Changes whenever there is something new to write. */
function stampOf(cache: SemanticCache): string {
  const { entries, bytes, evidence } = cache.stats();
  return JSON.stringify([entries, bytes, evidence]);
}

async function readShelved(
  file: string,
  own: SemanticCacheOptions,
): Promise<{ readonly cache: SemanticCache } | { readonly reason: string | null }> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { reason: null };
    return { reason: messageOf(error) };
  }
  try {
    return { cache: openSemanticCache(own, bytes) };
  } catch (error) {
    return { reason: messageOf(error) };
  }
}

async function writeShelved(file: string, bytes: Buffer): Promise<void> {
  const draft = `${file}.${randomUUID()}.tmp`;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  try {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}
