/** `shunt serve`: the proxy, from start to the last request after a SIGTERM. */
import { Command, InvalidArgumentError } from 'commander';
import { assemble, type RunningProxy } from '../assemble.ts';
import { systemClock } from '../base/clock.ts';
import { ShuntError } from '../base/errors.ts';
import { isLoopback } from '../base/loopback.ts';
import { startStopwatch } from '../base/stopwatch.ts';
import type { Config } from '../config/schema.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { type Crew, joinCrew } from '../workers/crew.ts';
import { indexProgressLine } from './index-progress.ts';
import { ownFault, stopSignal, watchForReload } from './process-events.ts';
import { readConfig, withConfigOption } from './read-config.ts';
import { packageVersion } from './version.ts';
import { listeningLine, serveWithWorkers } from './workers.ts';

const mostWorkers = 64;

interface ServeOptions {
  readonly host?: string;
  readonly port?: number;
  readonly workers?: number;
  readonly monitor?: boolean;
  readonly timings?: boolean;
}

export function serveCommand(): Command {
  const command = new Command('serve')
    .description('Start the proxy and its API.')
    .option('-H, --host <HOST>', 'address to listen on, instead of server.host')
    .option('-p, --port <N>', 'port to listen on, instead of server.port; 0 takes a free one', parsePort)
    .option('-w, --workers <N>', 'processes that share the port, instead of server.workers', parseWorkers)
    .option('--monitor', 'decide and record, but send everything to the fallback (routing.mode: monitor)')
    .option('--timings', 'print what the start took, part by part')
    .addHelpText(
      'after',
      `
Examples:
  $ shunt serve                      127.0.0.1:8080, shipped routes, simulated models: no key, no network
  $ shunt serve --port 9000 --monitor
  $ shunt serve --workers 4          four processes on one port, one ledger
  $ curl -s localhost:8080/v1/chat/completions -H 'content-type: application/json' \\
      -d '{"model":"auto","messages":[{"role":"user","content":"Translate to French: good morning"}]}' -i

SIGHUP, or a change of the config or of a route card, reloads. SIGTERM and SIGINT let open requests finish; a second one ends at once.`,
    );
  return withConfigOption(command).action((options: ServeOptions) => serve(command, options));
}

async function serve(command: Command, options: ServeOptions): Promise<void> {
  const crew = joinCrew(process.env);
  const readOwnConfig = async () => withFlags(await readConfig(command), options);
  const onLap = options.timings ? printLap : undefined;
  onLap?.('Node and modules', performance.now());
  const lap = startStopwatch(systemClock, onLap);
  const config = await readOwnConfig();
  lap('config');
  const log = createLog({ level: config.telemetry.log });
  if (config.server.workers > 1 && crew === null) return serveWithWorkers({ config, readConfig: readOwnConfig, log });
  const progress = indexProgressLine();
  // Before there is anything to reload: unheard, the signal would end the process.
  let reload: RunningProxy['reload'] | null = null;
  process.on('SIGHUP', () => void reload?.('SIGHUP'));
  const assembling = assemble({
    config,
    readConfig: readOwnConfig,
    log,
    version: packageVersion(),
    onProgress: progress.update,
    onLap,
    crew,
  }).finally(progress.end);
  if (crew !== null) return serveInCrew(crew, assembling, log);
  const proxy = await assembling;
  const watching = new AbortController();
  if (config.routing.watch) await watchForReload({ config, reload: proxy.reload, log, signal: watching.signal });
  reload = proxy.reload;
  onLap?.('ready, since the process began', performance.now());
  // Last of all: whoever waits for this line finds everything in place.
  process.stdout.write(listeningLine(config, { url: proxy.listening.url, routes: routesOf(proxy) }));
  await Promise.race([stopSignal(log), ownFault(log)]);
  watching.abort();
  await proxy.stop();
}

/** One of several workers: the primary process speaks to the user, to the files and to the terminal. */
async function serveInCrew(crew: Crew, assembling: Promise<RunningProxy>, log: Log): Promise<void> {
  try {
    const proxy = await assembling;
    crew.onReload(proxy.reload);
    await crew.ready({ url: proxy.listening.url, routes: routesOf(proxy) });
    await Promise.race([crew.asked, ownFault(log)]);
    await proxy.stop();
  } catch (error) {
    await crew.failed(error);
  }
  crew.leave();
}

function routesOf(proxy: RunningProxy): number {
  return proxy.current().snapshot.routes.size;
}

function printLap(part: string, ms: number): void {
  process.stderr.write(`${ms.toFixed(0).padStart(7)} ms  ${part}\n`);
}

function withFlags(config: Config, options: ServeOptions): Config {
  const server = {
    ...config.server,
    ...(options.host && { host: options.host }),
    ...(options.port !== undefined && { port: options.port }),
    ...(options.workers !== undefined && { workers: options.workers }),
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

function parsePort(value: string): number {
  const port = Number(value);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('must be a whole number from 0 to 65535.');
}

function parseWorkers(value: string): number {
  const workers = Number(value);
  if (Number.isInteger(workers) && workers >= 1 && workers <= mostWorkers) return workers;
  throw new InvalidArgumentError(`must be a whole number from 1 to ${mostWorkers}.`);
}
