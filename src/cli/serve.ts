/** `shunt serve`: the proxy, from start to the last request after a SIGTERM. */
import { basename, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { assemble, type RunningProxy } from '../assemble.ts';
import { systemClock } from '../base/clock.ts';
import { messageOf, ShuntError } from '../base/errors.ts';
import { isLoopback } from '../base/loopback.ts';
import { startStopwatch } from '../base/stopwatch.ts';
import type { Config } from '../config/schema.ts';
import { watchFiles } from '../config/watch.ts';
import { modelsFolder, routesFolder } from '../lifecycle/prepare.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { indexProgressLine } from './index-progress.ts';
import { readConfig, withConfigOption } from './read-config.ts';
import { packageVersion } from './version.ts';

interface ServeOptions {
  readonly host?: string;
  readonly port?: number;
  readonly monitor?: boolean;
  readonly timings?: boolean;
}

export function serveCommand(): Command {
  const command = new Command('serve')
    .description('Start the proxy and its API.')
    .option('-H, --host <HOST>', 'address to listen on, instead of server.host')
    .option('-p, --port <N>', 'port to listen on, instead of server.port; 0 takes a free one', parsePort)
    .option('--monitor', 'decide and record, but send everything to the fallback (routing.mode: monitor)')
    .option('--timings', 'print what the start took, part by part')
    .addHelpText(
      'after',
      `
Examples:
  $ shunt serve                      127.0.0.1:8080, shipped routes, simulated models: no key, no network
  $ shunt serve --port 9000 --monitor
  $ curl -s localhost:8080/v1/chat/completions -H 'content-type: application/json' \\
      -d '{"model":"auto","messages":[{"role":"user","content":"Translate to French: good morning"}]}' -i

SIGHUP, or a change of the config or of a route card, reloads. SIGTERM and SIGINT let open requests finish; a second one ends at once.`,
    );
  return withConfigOption(command).action((options: ServeOptions) => serve(command, options));
}

async function serve(command: Command, options: ServeOptions): Promise<void> {
  const readOwnConfig = async () => withFlags(await readConfig(command), options);
  const onLap = options.timings ? printLap : undefined;
  onLap?.('Node and modules', performance.now());
  const lap = startStopwatch(systemClock, onLap);
  const config = await readOwnConfig();
  lap('config');
  const log = createLog({ level: config.telemetry.log });
  const progress = indexProgressLine();
  // Before there is anything to reload: unheard, the signal would end the process.
  let reload: RunningProxy['reload'] | null = null;
  process.on('SIGHUP', () => void reload?.('SIGHUP'));
  const proxy = await assemble({
    config,
    readConfig: readOwnConfig,
    log,
    version: packageVersion(),
    onProgress: progress.update,
    onLap,
  });
  progress.end();
  const { routing } = config;
  const watching = new AbortController();
  if (routing.watch) await watchForReload(config, proxy, log, watching.signal);
  reload = proxy.reload;
  onLap?.('ready, since the process began', performance.now());
  // Last of all: whoever waits for this line finds everything in place.
  process.stdout.write(
    `shunt listens on ${proxy.listening.url} (routes: ${proxy.current().snapshot.routes.size}, routed names: ${routing.model_names.join(', ')}, ` +
      `fallback: ${routing.fallback}, mode: ${routing.mode})\n`,
  );
  await Promise.race([stopSignal(log), ownFault(log)]);
  watching.abort();
  await proxy.stop();
}

function printLap(part: string, ms: number): void {
  process.stderr.write(`${ms.toFixed(0).padStart(7)} ms  ${part}\n`);
}

function withFlags(config: Config, options: ServeOptions): Config {
  const server = {
    ...config.server,
    ...(options.host && { host: options.host }),
    ...(options.port !== undefined && { port: options.port }),
  };
  const routing = options.monitor ? { ...config.routing, mode: 'monitor' as const } : config.routing;
  if (!isLoopback(server.host) && !config.keys_required && !config.auth.anonymous) {
    throw new ShuntError(
      'bad_config',
      `--host ${server.host} would open the proxy to others without keys. Make one with shunt keys add NAME, or set auth.keys or auth.anonymous: true.`,
    );
  }
  return Object.freeze({ ...config, server, routing });
}

async function watchForReload(config: Config, proxy: RunningProxy, log: Log, signal: AbortSignal): Promise<void> {
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
      await proxy.reload(`${changed.map((file) => basename(file)).join(', ')} changed`);
    },
    onError: (error) => log.error('watching for changes failed; SIGHUP still reloads', { error: messageOf(error) }),
  });
}

/** Resolves at the first SIGTERM or SIGINT; the second one ends the process at once. */
function stopSignal(log: Log): Promise<void> {
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
function ownFault(log: Log): Promise<void> {
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

function parsePort(value: string): number {
  const port = Number(value);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('must be a whole number from 0 to 65535.');
}
