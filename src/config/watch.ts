/**
 * Tells when files that a user edits have changed: the config, and the folder of route cards with its calibration.
 * The folder above a file is watched, not the file, because editors and mounted ConfigMaps save by renaming a new file
 * into place, and a watch on the old one would see nothing more. Says which paths changed; reads nothing.
 *
 *   edit, edit, rename ──(quiet for debounceMs)──► onChange([paths])      never two onChange at once
 */

import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { watch } from 'chokidar';

export interface WatchOptions {
  /** Files, present or not, and folders. Of a folder, the cards and data files directly in it count. */
  readonly paths: readonly string[];
  /** Absolute paths that came, went or changed since the last call, sorted. A rejection goes to `onError`. */
  readonly onChange: (changed: readonly string[]) => void | Promise<void>;
  readonly onError: (error: unknown) => void;
  readonly debounceMs: number;
  /** Aborting it ends the watch. */
  readonly signal: AbortSignal;
}

export interface Watch {
  /** Settles when the watch has ended and no `onChange` is running. Never rejects. */
  readonly closed: Promise<void>;
}

/** Resolves when changes from now on will be seen. */
export async function watchFiles(options: WatchOptions): Promise<Watch> {
  const { paths, onError, signal } = options;
  if (signal.aborted) return { closed: Promise.resolve() };
  const wanted = await wantedPaths(paths);
  const batch = changeBatch(options);
  const watcher = watch([...wanted.folders], {
    depth: 0,
    ignoreInitial: true,
    ignored: (path) => !wanted.folders.has(resolve(path)) && !wanted.matches(resolve(path)),
  });
  watcher.on('all', (_event, path) => {
    if (wanted.matches(resolve(path))) batch.add(resolve(path));
  });
  watcher.on('error', onError);
  const closed = new Promise<void>((settle) => {
    signal.addEventListener('abort', () => {
      const ended = [batch.close(), watcher.close().catch(onError)];
      void Promise.all(ended).then(() => settle());
    });
  });
  await new Promise<void>((settle) => {
    watcher.once('ready', () => settle());
    signal.addEventListener('abort', () => settle());
  });
  return { closed };
}

async function wantedPaths(paths: readonly string[]) {
  const files = new Set<string>();
  const whole = new Set<string>();
  for (const path of paths.map((one) => resolve(one))) {
    if (await isFolder(path)) whole.add(path);
    else files.add(path);
  }
  const folders = new Set([...whole, ...[...files].map((file) => dirname(file))]);
  // Editors' swap files and locks begin with a dot or end otherwise.
  const isData = (path: string) => /^[^.].*\.(ya?ml|jsonl?)$/i.test(basename(path));
  return { folders, matches: (path: string) => files.has(path) || (whole.has(dirname(path)) && isData(path)) };
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // Not there yet: then it is a file to come.
    return false;
  }
}

/** Gathers paths until it has been quiet for a while; what comes during an `onChange` waits for its end. */
function changeBatch({ onChange, onError, debounceMs }: WatchOptions) {
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;
  let closed = false;
  return { add, close };

  function add(path: string): void {
    if (closed) return;
    changed.add(path);
    if (timer) clearTimeout(timer);
    timer = setTimeout(flush, debounceMs);
  }

  function flush(): void {
    timer = null;
    if (running || closed || changed.size === 0) return;
    const paths = [...changed].sort();
    changed.clear();
    running = (async () => onChange(paths))()
      .catch(onError)
      .then(() => {
        running = null;
        if (!timer) flush();
      });
  }

  async function close(): Promise<void> {
    closed = true;
    if (timer) clearTimeout(timer);
    await running;
  }
}
