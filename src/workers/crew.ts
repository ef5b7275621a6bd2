/**
 * A worker's side of a proxy of several processes. `assemble` builds the same proxy as ever; what must be one thing for
 * all workers comes from here: a ledger that the primary writes, state that is shared, metrics of all.
 */
import cluster from 'node:cluster';
import type { Clock } from '../base/clock.ts';
import { messageOf, type ShuntError } from '../base/errors.ts';
import type { Config } from '../config/schema.ts';
import type { LedgerStore } from '../ledger/contract.ts';
import type { OpenLedger } from '../ledger/open-ledger.ts';
import { createRecorder, type Recorder } from '../ledger/recorder.ts';
import { type MetricFamily, type MetricsPage, mergeMetrics } from '../telemetry/merge-metrics.ts';
import { type Line, openLine } from './line.ts';
import type { ToPrimary, ToWorker, WorkerReady } from './messages.ts';
import { type CommonState, hearNews, shareState } from './shared-state.ts';

/** Set for the workers that this program starts: another process manager may have its own. */
export const workerMark = 'SHUNT_WORKER';

export interface Crew {
  /** Workers in all. */
  readonly size: number;
  /** What others tell is being done now: they have said of it what there is to say. */
  readonly hearing: boolean;
  openLedger(options: {
    readonly config: Pick<Config, 'ledger'>;
    readonly clock: Clock;
    readonly onError: (error: ShuntError) => void;
  }): OpenLedger;
  /** Resolves when the worker knows what the others know. */
  share(local: CommonState): Promise<CommonState>;
  /** The metrics of all processes; `own` reads this one's. */
  metrics(own: () => Promise<readonly MetricFamily[]>): () => Promise<MetricsPage>;
  ready(ready: WorkerReady): Promise<void>;
  failed(error: unknown): Promise<void>;
  onReload(reload: (why: string) => Promise<boolean>): void;
  /** Resolves when this worker is to let its requests finish and end. */
  readonly asked: Promise<void>;
  /** The last word: the process ends. */
  leave(): void;
}

const metricsMs = 3_000;
/** A primary that hangs must not hold requests for ever. */
const enterMs = 5_000;
const firstWordMs = 10_000;

/** null: this process is the only one. */
export function joinCrew(env: NodeJS.ProcessEnv): Crew | null {
  const size = Number(env[workerMark]);
  if (!cluster.isWorker || !(size > 1)) return null;
  let local: CommonState | null = null;
  let recorder: Recorder | null = null;
  let readOwn: () => Promise<readonly MetricFamily[]> = () => Promise.resolve([]);
  let reload: (why: string) => Promise<boolean> = () => Promise.resolve(false);
  let hearing = false;
  let stop: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const line: Line<ToPrimary> = openLine<ToPrimary, ToWorker>(
    {
      // A primary that is gone takes its workers with it: there is nobody to tell that a message was lost.
      send: (message) => void process.send?.(message, undefined, undefined, () => undefined),
      onMessage: (listener) => process.on('message', listener),
    },
    {
      hear: (news) => {
        if (local !== null) heard(local, news);
      },
      answers: {
        metrics: () => readOwn(),
        async flush() {
          await recorder?.flush();
          return null;
        },
        reload: (why) => reload(why),
        stop() {
          stop();
          return null;
        },
      },
    },
  );
  // A terminal signals its whole group: what that means is the primary's to say. SIGTERM to one worker is meant for it.
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);
  process.on('SIGTERM', stop);

  return {
    size,
    get hearing() {
      return hearing;
    },
    openLedger({ config, clock, onError }) {
      const store = remoteStore(line);
      const { flush_ms: flushMs } = config.ledger;
      // The spill file is the primary's; what it has been given it does not lose.
      recorder = createRecorder({ store, flushMs, maxQueued: 100_000, spill: null, clock, onError });
      return { store, recorder };
    },
    async share(state) {
      local = state;
      for (const news of await line.ask('hello', null, firstWordMs)) heard(state, news);
      return shareState(state, { tell: line.tell, enter: (key) => line.ask('enter', key, enterMs) });
    },
    metrics(own) {
      readOwn = own;
      return async () => mergeMetrics(await line.ask('metrics', null, metricsMs));
    },
    ready: async (ready) => {
      await line.ask('ready', ready);
    },
    failed: async (error) => {
      await line.ask('failed', { message: messageOf(error) }, firstWordMs).catch(() => undefined);
    },
    onReload(reloadAll) {
      reload = reloadAll;
    },
    asked,
    leave: () => process.disconnect(),
  };

  function heard(state: CommonState, news: Parameters<typeof hearNews>[1]): void {
    hearing = true;
    try {
      hearNews(state, news);
    } finally {
      hearing = false;
    }
  }
}

/** The primary's store. It answers as it would there, a turn later. */
function remoteStore(line: Line<ToPrimary>): LedgerStore {
  type Method = ToPrimary['ledger']['input']['method'];
  const remote = <M extends Method>(method: M): LedgerStore[M] =>
    ((...args: readonly unknown[]) => line.ask('ledger', { method, args })) as LedgerStore[M];
  return {
    // Workers tell each other what they spend.
    shared: false,
    append: async (records) => {
      await line.ask('append', records);
    },
    find: remote('find'),
    spentSince: remote('spentSince'),
    summarise: remote('summarise'),
    page: remote('page'),
    tell: remote('tell'),
    outcomes: remote('outcomes'),
    countOutcomes: remote('countOutcomes'),
    outcomeSums: remote('outcomeSums'),
    reasks: remote('reasks'),
    prune: remote('prune'),
    countSelected: remote('countSelected'),
    erase: remote('erase'),
    close: () => Promise.resolve(),
  };
}
