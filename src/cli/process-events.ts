/** What comes to a serving process from outside, and from within: changed files, signals, an exception nobody has caught. */
import { basename, resolve } from 'node:path';
import { messageOf } from '../base/errors.ts';
import type { Config } from '../config/schema.ts';
import { watchFiles } from '../config/watch.ts';
import { modelsFolder, routesFolder } from '../lifecycle/prepare.ts';
import type { Log } from '../telemetry/log.ts';

/** Until `signal` is aborted. */
export async function watchForReload(options: {
  readonly config: Config;
  readonly reload: (why: string) => Promise<unknown>;
  readonly log: Log;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { config, reload, log, signal } = options;
  await watchFiles({
    paths: [
      config.file,
      config.keys_file,
      routesFolder(config),
      `${modelsFolder(config)}/aliases.yaml`,
      ...(config.prices.file === undefined ? [] : [resolve(config.folder, config.prices.file)]),
    ],
    signal,
    debounceMs: 300,
    onChange: async (changed) => {
      await reload(`${changed.map((file) => basename(file)).join(', ')} changed`);
    },
    onError: (error) => log.error('watching for changes failed; SIGHUP still reloads', { error: messageOf(error) }),
  });
}

/** Resolves at the first SIGTERM or SIGINT; the second one ends the process at once. */
export function stopSignal(log: Log): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (asked) process.exit(1);
      asked = true;
      log.info('stopping: open requests may finish', { signal });
      resolve();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

/**
 * Resolves at the first exception that nobody has caught. The process cannot be trusted with new requests, but those that
 * are open had nothing to do with it: they may finish, and their decisions are written. Who runs us must start us again.
 */
export function ownFault(log: Log): Promise<void> {
  return new Promise((resolve) => {
    let known = false;
    process.on('uncaughtException', (error) => {
      log.error('a fault of our own: the proxy stops, open requests may finish', {
        error: messageOf(error),
        stack: error.stack,
      });
      if (known) process.exit(1);
      known = true;
      process.exitCode = 1;
      resolve();
    });
  });
}
