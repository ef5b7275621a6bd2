/**
 * Route indexes on disk, so that a second start is fast: `<stateDir>/index/<key>.index`. A file is written beside its
 * place, synced and renamed, so a reader sees all of it or nothing; one that is damaged or foreign is built anew, with
 * the reason. A folder that cannot be written costs speed, never the start. Only the newest few files are kept.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { type BuildOptions, type BuildProgress, learnIndex, sourceDigest } from '../routing/build-index.ts';
import { type LearnedIndex, matcherVersion, type RouteIndex, withPolicies } from '../routing/route-index.ts';
import { decodeIndex, encodeIndex } from './index-file.ts';
import { type IndexIdentity, indexKey, refusal } from './manifest.ts';

export type IndexProgress = BuildProgress;

export interface IndexOptions extends BuildOptions {
  readonly stateDir: string;
}

export interface LoadedIndex {
  readonly index: RouteIndex;
  readonly built: boolean;
  /** Why the stored index was not used, or why the new one could not be stored; null when all is usual. */
  readonly reason: string | null;
  readonly ms: number;
}

const filesKept = 8;

export async function loadOrBuildIndex(options: IndexOptions): Promise<LoadedIndex> {
  const { routes, embedder, defaults, calibration, background, clock = systemClock } = options;
  const began = clock.monotonic();
  const wanted: IndexIdentity = {
    matcher: matcherVersion,
    fingerprint: embedder.identity.fingerprint,
    dimensions: embedder.identity.dimensions,
    sourceDigest: sourceDigest(routes, background),
  };
  const folder = join(options.stateDir, 'index');
  const file = join(folder, `${indexKey(wanted)}.index`);
  const stored = await readIndex(file, wanted);
  const finish = (learned: LearnedIndex, built: boolean, reason: string | null): LoadedIndex => ({
    index: withPolicies(learned, routes, defaults, calibration),
    built,
    reason,
    ms: clock.monotonic() - began,
  });
  if ('index' in stored) return finish(stored.index, false, null);
  const learned = await learnIndex(options);
  const problem = await writeIndex(folder, file, learned);
  return finish(learned, true, problem ?? stored.reason);
}

async function readIndex(
  file: string,
  wanted: IndexIdentity,
): Promise<{ readonly index: LearnedIndex } | { readonly reason: string | null }> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { reason: null };
    return { reason: `${file} could not be read: ${messageOf(error)}` };
  }
  const found = decodeIndex(bytes);
  if ('reason' in found) return { reason: `${file} was not used: ${found.reason}` };
  const refused = refusal(found.manifest, wanted);
  return refused === null ? { index: found } : { reason: `${file} was not used: ${refused}` };
}

/** Returns why the index could not be stored; null when it was. */
async function writeIndex(folder: string, file: string, index: LearnedIndex): Promise<string | null> {
  const draft = `${file}.${randomUUID()}.tmp`;
  try {
    await mkdir(folder, { recursive: true });
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(encodeIndex(index));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
    await dropOldest(folder);
    return null;
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    return `the index could not be stored in ${folder}: ${messageOf(error)}`;
  }
}

/** Also clears drafts that a killed process left behind an hour ago or more. */
async function dropOldest(folder: string): Promise<void> {
  const names = await readdir(folder);
  const files = await Promise.all(
    names.map(async (name) => ({ path: join(folder, name), at: (await stat(join(folder, name))).mtimeMs })),
  );
  const newest = Math.max(...files.map(({ at }) => at));
  const drafts = files.filter(({ path, at }) => path.endsWith('.tmp') && at < newest - 3_600_000);
  const stored = files.filter(({ path }) => path.endsWith('.index')).sort((a, b) => b.at - a.at);
  for (const { path } of [...drafts, ...stored.slice(filesKept)]) await rm(path, { force: true });
}
