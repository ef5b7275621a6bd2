/**
 * `shunt serve --workers N`: one port, N processes that answer, and this one, which starts them, writes the ledger and
 * speaks for all. Requests never pass through it; connections do, each to the next worker in turn.
 *
 *   ports free? ─► ledger ─► first worker (finds every fault, builds the index) ─► the others ─► "shunt listens on …"
 *   a worker dies ─► its place is taken after a pause, while the others answer
 *   SIGTERM ─► every worker lets its requests finish and hands over its records ─► the ledger is closed
 */
import cluster, { type Worker } from 'node:cluster';
import { systemClock } from '../base/clock.ts';
import { messageOf, ShuntError } from '../base/errors.ts';
import { withKeysFile } from '../config/keys-file.ts';
import type { Config } from '../config/schema.ts';
import { createQuota } from '../gateway/quota.ts';
import { listen } from '../http/server.ts';
import { openLedger } from '../ledger/open-ledger.ts';
import type { Log } from '../telemetry/log.ts';
import { workerMark } from '../workers/crew.ts';
import { createDesk, type Desk, type Seat } from '../workers/desk.ts';
import type { WorkerReady } from '../workers/messages.ts';
import { ownFault, stopSignal, watchForReload } from './process-events.ts';

interface Member {
  readonly worker: Worker;
  readonly seat: Seat;
  readonly ended: Promise<void>;
  ready: boolean;
}

const nested =
  'Another program runs shunt as a worker of its own (pm2 in cluster mode does), which then cannot start workers. Leave out --workers and server.workers, or let that program run one process.';
const firstPauseMs = 250;
const longestPauseMs = 30_000;
/** Who has served for so long has not failed to start. */
const steadyMs = 60_000;
/** On top of `server.drain_ms`: cut requests end their calls and are recorded. */
const lastWordsMs = 10_000;

export async function serveWithWorkers(options: {
  readonly config: Config;
  readonly readConfig: () => Promise<Config>;
  readonly log: Log;
}): Promise<void> {
  const { config, log } = options;
  if (!cluster.isPrimary) throw new ShuntError('bad_config', nested, { param: 'server.workers' });
  const port = await freePort(config);
  const ledger = await openLedger({
    config,
    clock: systemClock,
    onError: (error) => log[error.row.level](error.message, { code: error.code }),
  });
  const desk = createDesk({
    ledger,
    quota: createQuota({ keys: config.auth.keys, clock: systemClock }),
    pins: { max: config.routing.pin_max, ttlMs: config.routing.pin_ttl },
  });
  const args = [...process.argv.slice(2), '--port', String(port)];
  cluster.setupPrimary({ args, serialization: 'advanced' });
  const crew = startCrew(desk, config, log);
  const watching = new AbortController();
  const reload = async (why: string) => {
    // A key that was revoked must not live on because something else is broken.
    const now = (await options.readConfig().catch(() => null)) ?? (await withKeysFile(config));
    if (now !== null) desk.limit(now.auth.keys);
    await crew.reload(why);
  };
  // Before there is anything to reload: unheard, the signal would end the process.
  process.on('SIGHUP', () => void reload('SIGHUP'));
  try {
    const ready = await crew.start();
    if (config.routing.watch) await watchForReload({ config, reload, log, signal: watching.signal });
    process.stdout.write(listeningLine(config, ready));
    await Promise.race([stopSignal(log), ownFault(log)]);
  } finally {
    watching.abort();
    await crew.stop();
    await ledger.recorder.close();
  }
}

export function listeningLine({ routing, server }: Config, { url, routes }: WorkerReady): string {
  const workers = server.workers > 1 ? `, workers: ${server.workers}` : '';
  return (
    `shunt listens on ${url} (routes: ${routes}, routed names: ${routing.model_names.join(', ')}, ` +
    `fallback: ${routing.fallback}, mode: ${routing.mode}${workers})\n`
  );
}

/** A port in use is said before anything is started; and a worker that is replaced must find the port it had. */
async function freePort({ server: { host, port, request_ms: requestMs } }: Config): Promise<number> {
  const probe = await listen(() => new Response(null, { status: 503 }), { host, port, requestMs });
  await probe.close();
  return probe.port;
}

function startCrew(desk: Desk, config: Config, log: Log) {
  const size = config.server.workers;
  const members = new Set<Member>();
  const pauses = new Set<NodeJS.Timeout>();
  let started = false;
  let stopping = false;
  let failures = 0;

  return {
    /** Rejects with what keeps a worker from starting. */
    async start(): Promise<WorkerReady> {
      const first = await hire();
      await Promise.all(Array.from({ length: size - 1 }, hire));
      started = true;
      return first;
    },
    /** One after the other: the first one builds what the others read. */
    async reload(why: string): Promise<void> {
      for (const { seat, ready } of [...members]) {
        if (!ready) continue;
        await seat.line.ask('reload', why).catch((error: unknown) => {
          log.error('a worker was not reloaded', { why, error: messageOf(error) });
        });
      }
    },
    async stop(): Promise<void> {
      stopping = true;
      for (const pause of pauses) clearTimeout(pause);
      const left = [...members];
      for (const { seat, ready, worker } of left) {
        if (ready) seat.line.ask('stop', null).catch(() => undefined);
        else worker.process.kill('SIGKILL');
      }
      const late = setTimeout(() => {
        log.warn('workers that have not ended are killed', { workers: members.size });
        for (const { worker } of members) worker.process.kill('SIGKILL');
      }, config.server.drain_ms + lastWordsMs);
      await Promise.all(left.map(({ ended }) => ended));
      clearTimeout(late);
    },
  };

  function hire(): Promise<WorkerReady> {
    const hiredAt = systemClock.monotonic();
    const worker = cluster.fork({ [workerMark]: String(size) });
    return new Promise((resolve, reject) => {
      const port = {
        send: (message: unknown) => void worker.send(message as object, () => undefined),
        onMessage: (listener: (message: unknown) => void) => worker.on('message', listener),
      };
      const seat = desk.seat(port, {
        ready(ready) {
          member.ready = true;
          log.info('a worker is ready', { pid: worker.process.pid });
          resolve(ready);
        },
        failed: (message) => reject(new ShuntError('bad_config', message)),
      });
      const ended = new Promise<void>((gone) => {
        worker.once('exit', (code, signal) => {
          const how = signal === null ? `exit code ${code}` : signal;
          members.delete(member);
          seat.leave(how);
          gone();
          reject(new ShuntError('bad_config', `A worker ended before it was ready (${how}).`));
          if (started && !stopping) replace(how, systemClock.monotonic() - hiredAt);
        });
      });
      const member: Member = { worker, seat, ended, ready: false };
      members.add(member);
      // What goes wrong with its channel shows in its exit.
      worker.on('error', () => undefined);
    });
  }

  function replace(how: string, livedMs: number): void {
    failures = livedMs >= steadyMs ? 1 : failures + 1;
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1));
    log.error('a worker has ended; another takes its place', { how, pause_ms: pauseMs, workers_left: members.size });
    const pause = setTimeout(() => {
      pauses.delete(pause);
      hire().catch((error: unknown) => log.error('a worker could not start', { error: messageOf(error) }));
    }, pauseMs);
    pauses.add(pause);
  }
}
