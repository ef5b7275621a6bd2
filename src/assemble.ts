/**
 * Builds the proxy from its config, by hand, in one place: what stands for the life of the process here, what a reload
 * replaces in `runtime.ts`. Start, reload and stop are three functions of what is returned.
 */
import { join } from 'node:path';
import { createBreakerBoard } from './backend/breaker-board.ts';
import { breakerLine } from './backend/breaker-line.ts';
import { createConnectionPools } from './backend/connection-pools.ts';
import { systemClock } from './base/clock.ts';
import { messageOf, type ShuntError } from './base/errors.ts';
import { type OnLap, startStopwatch } from './base/stopwatch.ts';
import { withKeysFile } from './config/keys-file.ts';
import { needsRestart } from './config/needs-restart.ts';
import type { Config } from './config/schema.ts';
import { stateFolder } from './config/state-folder.ts';
import { requireGate } from './evaluation/require-gate.ts';
import { budgetWarnings } from './gateway/budget-warnings.ts';
import type { BudgetAlert } from './gateway/budget-words.ts';
import { createBudgets } from './gateway/budgets.ts';
import type { GatewayEvents } from './gateway/events.ts';
import { createOwners, ownerBounds } from './gateway/owners.ts';
import { createPinStore } from './gateway/pin.ts';
import { createQuota } from './gateway/quota.ts';
import { createSpendSync } from './gateway/spend-sync.ts';
import { createAdmission } from './http/admission.ts';
import { type Doors, openDoors } from './http/doors.ts';
import { createKeyRing } from './http/key-ring.ts';
import type { Listening } from './http/server.ts';
import { openLedger } from './ledger/open-ledger.ts';
import { createOutcomeWriter } from './ledger/outcome-writer.ts';
import { createPersonHash, createPromptKeeper } from './ledger/privacy.ts';
import { createTokenCounter } from './ledger/token-counter.ts';
import { prepareSnapshot } from './lifecycle/prepare.ts';
import { createSwitch } from './lifecycle/switch.ts';
import { openCaches } from './open-caches.ts';
import { buildRuntime, type Runtime, type Standing } from './runtime.ts';
import type { Log } from './telemetry/log.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { startTracing } from './telemetry/tracing.ts';
import { createWebhook } from './telemetry/webhook.ts';
import type { Crew } from './workers/crew.ts';
import type { CommonState } from './workers/shared-state.ts';

export interface RunningProxy {
  readonly listening: Listening;
  /** `server.admin_port`; null without one. */
  readonly admin: Listening | null;
  current(): Runtime;
  /** Reads config, cards, calibration and models again, and swaps; on a fault it is logged, and the old one serves on. */
  reload(why: string): Promise<boolean>;
  /** Lets open requests finish within `server.drain_ms`, then closes everything. */
  stop(): Promise<void>;
}

export interface AssembleOptions {
  readonly config: Config;
  /** Reads the config again, for a reload. */
  readonly readConfig: () => Promise<Config>;
  readonly log: Log;
  readonly version: string;
  readonly onProgress?: Parameters<typeof prepareSnapshot>[0]['onProgress'];
  /** Told how long each part of the start took. */
  readonly onLap?: OnLap | undefined;
  /** This process is one of several workers; null or absent: it is the only one. */
  readonly crew?: Crew | null;
}

/** Rejects with what keeps the proxy from starting: faults in files, a model that cannot be used, a port in use. */
export async function assemble(options: AssembleOptions): Promise<RunningProxy> {
  const { config, log } = options;
  const clock = systemClock;
  const state = stateFolder(config);
  const lap = startStopwatch(clock, options.onLap);
  const { crew } = options;
  const onLedgerError = (error: ShuntError) => logError(log, error, '');
  const ledger = await (crew ?? { openLedger }).openLedger({ config, clock, onError: onLedgerError });
  lap('ledger');
  const ownPins = createPinStore({ max: config.routing.pin_max, ttlMs: config.routing.pin_ttl });
  const ownOwners = createOwners(ownerBounds);
  const caches = openCaches({ config, clock, log, random: Math.random });
  const admission = createAdmission({
    maxInFlight: Math.ceil(config.server.max_in_flight / (crew?.size ?? 1)),
    maxQueued: Math.ceil(config.server.max_queued / (crew?.size ?? 1)),
    queueMs: config.server.queue_ms,
  });
  const keys = createKeyRing(config.auth.keys, config.keys_required);
  const ownQuota = createQuota({ keys: config.auth.keys, clock });
  const webhook = createWebhook({
    url: config.budgets.webhook ?? null,
    onError: (message) => log.warn('an alert could not be sent', { error: message }),
  });
  const onAlert = (alert: BudgetAlert) => {
    log.warn(`budget ${alert.level === 'soft' ? 'nearly used up' : 'used up'}`, { ...alert });
    webhook.post({ type: 'budget', ...alert });
  };
  const ownBudgets = createBudgets({ config, clock, onAlert: (alert) => crew?.hearing || onAlert(alert) });
  const own: CommonState = { pins: ownPins, owners: ownOwners, quota: ownQuota, budgets: ownBudgets };
  const { pins, owners, quota, budgets } = (await crew?.share(own)) ?? own;
  const spendSync = createSpendSync({
    budgets,
    store: ledger.store,
    flush: () => ledger.recorder.flush(),
    clock,
    onError: (error) => logError(log, error, ''),
  });
  await spendSync.refresh().catch((error: unknown) => {
    if (config.ledger.required) throw error;
    log.warn('budgets begin at zero: what was spent today is in the ledger', { error: messageOf(error) });
  });
  const hashSecret = { secret: config.ledger.hash_secret, secretFile: join(state, 'secret') };
  const keepPrompt = await createPromptKeeper({ mode: config.ledger.prompts, ...hashSecret });
  const hashPerson = config.ledger.url === 'none' ? () => null : await createPersonHash(hashSecret);
  const tracing = await startTracing({
    endpoint: config.telemetry.otlp,
    serviceVersion: options.version,
    onError: (error) => log.warn('traces could not be sent', { error: messageOf(error) }),
  });
  const metrics = createMetrics({
    version: options.version,
    gauges: {
      inFlight: () => admission.inFlight,
      queued: () => admission.queued,
      ledgerQueued: () => ledger.recorder.queued,
      ledgerDropped: () => ledger.recorder.dropped,
      pins: () => pins.size,
      cacheEntries: () => caches.memory.stats().entries,
      cacheBytes: () => caches.memory.stats().bytes,
      semantic: () => caches.semantic?.current?.stats() ?? null,
      breakers: () => [...(runtimes.current()?.backends.values() ?? [])].flatMap((backend) => backend.view()),
    },
  });
  const events: GatewayEvents = {
    requestFinished(record, { text, person }, traceparent) {
      ledger.recorder.record({
        ...record,
        prompt: text === '' ? null : keepPrompt(text),
        person: person === null ? null : hashPerson(person),
      });
      metrics.requestFinished(record);
      tracing.requestFinished(record, { traceparent });
      budgets.spend(record);
    },
    embedderFailed(error) {
      metrics.embedderFailed();
      log.warn('embedder failed; the request goes to the fallback', { error: messageOf(error) });
    },
  };
  const standing: Standing = {
    clock,
    pools: createConnectionPools(),
    breakers: createBreakerBoard({
      breakerMoved(place, breaker, from) {
        metrics.breakerMoved({ ...place, state: breaker.state });
        const { level, message, fields } = breakerLine({ place, breaker, from, clock });
        log[level](message, fields);
      },
      retryDenied: (backend) => metrics.retryDenied(backend),
    }),
    pins,
    owners,
    cache: caches.levels,
    semantic: caches.semantic,
    hashPerson,
    admission,
    keys,
    quota,
    budgets,
    tokens: createTokenCounter(),
    events,
    async findDecision(id) {
      const record = await ledger.recorder.find(id);
      return record === null ? null : { record, outcomes: await ledger.store.outcomes(id) };
    },
    tellOutcomes: createOutcomeWriter(ledger),
    metrics: crew?.metrics(metrics.families) ?? metrics.scrape,
    onError(error, requestId) {
      metrics.errorReplied(error.code);
      logError(log, error, requestId);
    },
    startedAt: Math.floor(clock.now() / 1_000),
  };

  const runtimes = createSwitch<Runtime>({
    async prepare(current) {
      const next = current === null ? config : await options.readConfig();
      for (const key of needsRestart(config, next)) log.warn(`${key} changed: it takes effect at the next start`);
      const onNotice = (message: string, fields: Record<string, unknown>) => log.info(message, fields);
      const snapshot = await prepareSnapshot(
        {
          config: next,
          checkTargets: true,
          onProgress: options.onProgress,
          onNotice,
          onLap: current === null ? options.onLap : undefined,
        },
        current?.snapshot,
      );
      try {
        if (current !== null && snapshot.id !== current.snapshot.id) await requireGate(next, snapshot, clock);
        for (const warning of budgetWarnings(next, new Set(snapshot.routes.keys()))) log.warn(warning);
        return await buildRuntime(next, snapshot, standing);
      } catch (error) {
        if (snapshot.embedder !== current?.snapshot.embedder) await snapshot.embedder.close();
        throw error;
      }
    },
    retire: (previous, next) => previous.retire(next),
    onRetireFailed: (error) => log.error('what a reload replaced could not be closed', { error: messageOf(error) }),
  });
  const closers = [
    () => runtimes.close(),
    async () => spendSync.close(),
    () => webhook.close(),
    () => caches.close(),
    () => ledger.recorder.close(),
    () => tracing.shutdown(),
  ];

  let doors: Doors;
  try {
    lap('budgets, secrets, telemetry');
    await runtimes.reload();
    lap('snapshot, in all');
    doors = await openDoors(config.server, {
      app: (request, env) => runtimes.use(({ app }) => app.fetch(request, env)),
      adminApp: (request, env) => runtimes.use(({ adminApp }) => adminApp.fetch(request, env)),
    });
    lap('listening');
  } catch (error) {
    await closeAll(closers, log);
    throw error;
  }

  return {
    listening: doors.listening,
    admin: doors.admin,
    current: serving,
    async reload(why) {
      try {
        const runtime = await runtimes.reload();
        await takeKeys(runtime.config);
        metrics.reloadFinished(true);
        log.info('reloaded', { why, snapshot: runtime.snapshot.id, routes: runtime.snapshot.routes.size });
        return true;
      } catch (error) {
        metrics.reloadFinished(false);
        log.error('reload refused; the old configuration serves on', { why, error: messageOf(error) });
        // A key that was revoked must not live on because something else is broken.
        const current = await withKeysFile(serving().config);
        if (current !== null) await takeKeys(current);
        return false;
      }
    },
    async stop() {
      await doors.shut(admission, log);
      await closeAll(closers, log);
    },
  };

  async function takeKeys(now: Config): Promise<void> {
    keys.replace(now.auth.keys, now.keys_required);
    quota.limit(now.auth.keys);
    budgets.limit(now);
    await spendSync.follow();
  }

  function serving(): Runtime {
    const runtime = runtimes.current();
    if (runtime === null) throw new Error('asked for the runtime before the first one was in');
    return runtime;
  }
}

async function closeAll(closers: readonly (() => Promise<void>)[], log: Log): Promise<void> {
  for (const close of closers) {
    await close().catch((error: unknown) => log.error('closing failed', { error: messageOf(error) }));
  }
}

function logError(log: Log, error: ShuntError, requestId: string): void {
  const fields = {
    request_id: requestId,
    code: error.code,
    ...(error.cause === undefined ? {} : { cause: messageOf(error.cause) }),
  };
  log[error.row.level](error.message, fields);
}
