/**
 * What a reload replaces as a whole: the config with everything built from it, and the snapshot. A request that has
 * begun keeps the runtime it began with. What must outlive a reload (pins, cache, ledger, metrics, the door) is handed in.
 */
import type { BreakerBoard } from './backend/breaker-board.ts';
import type { ConnectionPools } from './backend/connection-pools.ts';
import { type Endpoints, openEndpoints } from './backend/endpoints.ts';
import type { Clock } from './base/clock.ts';
import type { ShuntError } from './base/errors.ts';
import type { AnswerLevels } from './cache/exact-levels.ts';
import type { Config } from './config/schema.ts';
import type { Embedder } from './embedding/contract.ts';
import { createEmbedder } from './embedding/create-embedder.ts';
import { createAllowance } from './gateway/allowance.ts';
import type { Budgets } from './gateway/budgets.ts';
import { createCacheAdmin } from './gateway/cache-admin.ts';
import { createChatHandler } from './gateway/chat.ts';
import { createChatCache } from './gateway/chat-cache.ts';
import type { GatewayEvents } from './gateway/events.ts';
import type { Owners } from './gateway/owners.ts';
import type { PinStore } from './gateway/pin.ts';
import { createPlanner } from './gateway/plan.ts';
import type { Quota } from './gateway/quota.ts';
import { createRejections } from './gateway/rejections.ts';
import type { Admission } from './http/admission.ts';
import { type App, createAdminApp, createApp } from './http/app.ts';
import { createAuthenticate } from './http/authenticate.ts';
import { createCors } from './http/cors.ts';
import type { KeyRing } from './http/key-ring.ts';
import type { Services } from './http/services.ts';
import type { TokenCounter } from './ledger/token-counter.ts';
import { modelsFolder } from './lifecycle/prepare.ts';
import { openRegistry } from './lifecycle/registry.ts';
import type { SemanticShelf } from './lifecycle/semantic-shelf.ts';
import type { Snapshot } from './lifecycle/snapshot.ts';
import { semanticStep, takeSemantic } from './open-semantic.ts';

/** What outlives a reload. */
export interface Standing {
  readonly clock: Clock;
  readonly pools: ConnectionPools;
  readonly breakers: BreakerBoard;
  readonly pins: PinStore;
  readonly owners: Owners;
  readonly cache: AnswerLevels;
  readonly semantic: SemanticShelf | null;
  /** The name that ledger and caches have for a person; null where none is kept. */
  readonly hashPerson: (person: string) => string | null;
  readonly admission: Admission;
  readonly keys: KeyRing;
  readonly quota: Quota;
  readonly budgets: Budgets;
  readonly tokens: TokenCounter;
  readonly events: GatewayEvents;
  readonly findDecision: Services['findDecision'];
  readonly tellOutcomes: Services['tellOutcomes'];
  readonly metrics: Services['metrics'];
  readonly onError: (error: ShuntError, requestId: string) => void;
  readonly startedAt: number;
}

export interface Runtime {
  readonly config: Config;
  readonly snapshot: Snapshot;
  readonly backends: ReadonlyMap<string, Endpoints>;
  readonly app: App;
  readonly adminApp: App;
  /** Closes what `next` does not go on using. */
  retire(next: Runtime | null): Promise<void>;
}

export async function buildRuntime(config: Config, snapshot: Snapshot, standing: Standing): Promise<Runtime> {
  // What can fail without leaving anything open comes first.
  const embedders = await openEmbedders(config, snapshot);
  const similar = await takeSemantic(standing.semantic, { config, snapshot });
  // The first requests need not wait for it: they find nothing there until it is open.
  if (snapshot.anyRouteCaches || config.cache.fallback.mode !== 'none') void standing.cache.ready();
  const backends = openBackends(config, standing);
  const { owners } = standing;
  const rejections = createRejections({ clock: standing.clock });
  const { budgets, quota } = standing;
  const allowance = createAllowance({ config, budgets, quota, rejections, clock: standing.clock });
  const planner = createPlanner({
    config,
    pins: standing.pins,
    owners,
    rejections,
    clock: standing.clock,
    onEmbedderError: standing.events.embedderFailed,
  });
  const { clock, cache, events, hashPerson } = standing;
  const semantic = similar === null ? null : semanticStep(similar, { ...standing, config, backends });
  const chatCache = createChatCache({ config, cache, semantic, clock, hashPerson });
  const services: Services = {
    config,
    clock,
    cacheAdmin: createCacheAdmin({ config, snapshot, clock, levels: cache, chatCache, semantic: similar, hashPerson }),
    snapshot: () => snapshot,
    chat: createChatHandler({
      config,
      snapshot: () => snapshot,
      planner,
      backends,
      cache: chatCache,
      clock,
      random: Math.random,
      events,
      owners,
      rejections,
      allowance,
      tokens: standing.tokens,
    }),
    owners,
    backends,
    allowance,
    events,
    embedder: embedders.find,
    embeddingNames: () => embedders.names,
    findDecision: standing.findDecision,
    tellOutcomes: standing.tellOutcomes,
    metrics: standing.metrics,
    startedAt: standing.startedAt,
  };
  const cors = createCors(config);
  const frame = {
    admission: standing.admission,
    authenticate: createAuthenticate({ config, keys: standing.keys, cors, clock }),
    cors,
    quota,
    budgets,
    clock,
    bodyLimitBytes: Math.round(config.server.body_limit_mb * 1_048_576),
    requestMs: config.server.request_ms,
    onError: standing.onError,
  };
  return {
    config,
    snapshot,
    backends,
    app: createApp(frame, services),
    adminApp: createAdminApp(frame, services),
    async retire(next) {
      await Promise.all([...backends.values()].map((backend) => backend.close()));
      await embedders.close();
      if (next?.snapshot.embedder !== snapshot.embedder) await snapshot.embedder.close();
    },
  };
}

function openBackends(config: Config, { clock, pools, breakers }: Standing): Map<string, Endpoints> {
  const backends = new Map<string, Endpoints>();
  const models = Object.entries(config.models);
  try {
    for (const [name, backend] of Object.entries(config.backends)) {
      const opened = openEndpoints(name, backend, {
        clock,
        pools,
        breakers,
        random: Math.random,
        models: models.filter(([, model]) => model.backend === name).map(([model]) => model),
        mostAtLeftAlone: Math.ceil(config.server.max_in_flight / 2),
      });
      backends.set(name, opened);
    }
  } catch (error) {
    // A config that is refused must not leave connections behind.
    for (const opened of backends.values()) void opened.close();
    throw error;
  }
  return backends;
}

interface Embedders {
  readonly names: readonly string[];
  readonly find: (name: string) => Promise<Embedder | null>;
  close(): Promise<void>;
}

/** The embedding models that `/v1/embeddings` serves: the snapshot's at once, others when they are first asked for. */
async function openEmbedders(config: Config, snapshot: Snapshot): Promise<Embedders> {
  const registry = await openRegistry(modelsFolder(config));
  const listed = await registry.list();
  const names = listed.flatMap((model) => [...model.aliases, `${model.name}@${model.version}`]);
  const known = new Set([...names, ...listed.map((model) => model.name)]);
  const opened = new Map<string, Promise<Embedder>>();

  async function open(name: string): Promise<Embedder> {
    const model = await registry.resolve(name);
    const serving = snapshot.embedder;
    return model.fingerprint === serving.identity.fingerprint ? serving : createEmbedder(model, { alias: name });
  }

  return {
    names,
    async find(name) {
      if (!known.has(name)) return null;
      let embedder = opened.get(name);
      if (embedder === undefined) {
        embedder = open(name);
        opened.set(name, embedder);
        embedder.catch(() => opened.delete(name));
      }
      return embedder;
    },
    async close() {
      const embedders = await Promise.allSettled(opened.values());
      for (const result of embedders) {
        if (result.status === 'fulfilled' && result.value !== snapshot.embedder) await result.value.close();
      }
    },
  };
}
