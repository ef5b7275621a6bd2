/**
 * A backend as the gateway sees it: one service with one or more endpoints (addresses, keys), each with a breaker per
 * model and one for its key. It says over which endpoint an attempt goes, and keeps the backend's retry budget; what to
 * do when there is no way, or after a failure, is the gateway's affair.
 *
 *   enter(model) ─► endpoints that are not left alone, not tried yet ─► less loaded of two ─► passage
 *              └──► none: those tried already ─► nobody else can answer: whichever is back first ─► else null
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { BackendConfig } from '../config/schema.ts';
import type { BreakerBoard } from './breaker-board.ts';
import { choose } from './choose.ts';
import type { ConnectionPools } from './connection-pools.ts';
import type { Backend } from './contract.ts';
import { createHttpBackend } from './http.ts';
import { type Lane, Passage } from './passage.ts';
import { createRetryBudget } from './retry-budget.ts';
import { createSimulatedBackend } from './simulated.ts';

export interface Endpoints {
  /** The backend's name in the config. */
  readonly name: string;
  /** A way for an attempt; null when every way is left alone. */
  enter(model: string, aim: EntryAim): Passage | null;
  /** Whether an endpoint that is not in `tried` would take an attempt now. */
  hasOther(model: string, tried: readonly string[]): boolean;
  /** Milliseconds until a rate limit or an open breaker lets somebody through; 0: now. */
  waitMs(model: string): number;
  /** Whether another attempt at what was sent already is within the backend's budget; if so, it is spent. */
  takeRetry(): boolean;
  /** A row for each endpoint's key, and one for each model over it. */
  view(): LaneView[];
  close(): Promise<void>;
}

export interface EntryAim {
  /** Names of the endpoints that this request has been to. */
  readonly tried: readonly string[];
  /** The only endpoint that will do, as long as there is one of that name; null: any. */
  readonly only: string | null;
  /** Nobody else can answer: an endpoint that should be left alone is better than none. */
  readonly lastResort: boolean;
}

export interface LaneView {
  readonly backend: string;
  readonly endpoint: string;
  /** null: the endpoint's key. */
  readonly model: string | null;
  readonly state: Lane['model']['state'];
  readonly cause: Lane['model']['cause'];
  readonly failures: number;
  readonly inFlight: number;
  /** On the monotonic clock; null when closed. */
  readonly until: number | null;
}

export interface EndpointsOptions {
  readonly clock: Clock;
  readonly pools: ConnectionPools;
  readonly breakers: BreakerBoard;
  readonly random: () => number;
  /** Config names of the models on this backend. */
  readonly models: readonly string[];
  /**
   * How many requests may wait for a model that is left alone: when a backend hangs, those who have no other choice must
   * not fill the proxy, and shut out those whose backends work.
   */
  readonly mostAtLeftAlone: number;
}

export function openEndpoints(name: string, config: BackendConfig, options: EndpointsOptions): Endpoints {
  const { clock, random, breakers, mostAtLeftAlone } = options;
  const budget = createRetryBudget({ share: config.retry_budget, clock });
  const open = endpointConfigs(name, config).map((endpoint) => openEndpoint(name, endpoint, options));
  const lanes = new Map(options.models.map((model) => [model, open.map((endpoint) => endpoint.lane(model))]));
  const passageOptions = { clock, clientsKey: config.credentials === 'client' };

  function lanesOf(model: string): readonly Lane[] {
    const known = lanes.get(model);
    if (known === undefined) throw new Error(`model '${model}' is not on backend '${name}'`);
    return known;
  }

  function lanesFor(model: string, only: string | null): readonly Lane[] {
    const all = lanesOf(model);
    if (only === null) return all;
    const bound = all.filter(({ endpoint }) => endpoint === only);
    return bound.length > 0 ? bound : all;
  }

  function admitting(all: readonly Lane[], tried: readonly string[]): readonly Lane[] {
    const now = clock.monotonic();
    if (all.length === 1) return admits(all[0], now) && !tried.includes(all[0].endpoint) ? all : [];
    return all.filter((lane) => !tried.includes(lane.endpoint) && admits(lane, now));
  }

  /** Those that come back first, unless too many wait for them already. */
  function lastResort(all: readonly Lane[]): readonly Lane[] {
    const waitable = all.filter((lane) => lane.model.inFlight < mostAtLeftAlone);
    const first = Math.min(...waitable.map(opensAt));
    return waitable.filter((lane) => opensAt(lane) === first);
  }

  return {
    name,
    enter(model, { tried, only, lastResort: anyway }) {
      const all = lanesFor(model, only);
      let ways = admitting(all, tried);
      if (ways.length === 0 && tried.length > 0) ways = admitting(all, []);
      if (ways.length === 0 && anyway) ways = lastResort(all);
      if (ways.length === 0) return null;
      if (tried.length === 0) budget.sent();
      return new Passage(choose(ways, random), passageOptions);
    },
    hasOther: (model, tried) => admitting(lanesOf(model), tried).length > 0,
    waitMs(model) {
      const now = clock.monotonic();
      const all = lanesOf(model);
      if (all.some((lane) => admits(lane, now))) return 0;
      return Math.max(0, Math.min(...all.map(opensAt)) - now);
    },
    takeRetry() {
      if (budget.take()) return true;
      breakers.events.retryDenied(name);
      return false;
    },
    view: () => open.flatMap((endpoint) => endpoint.view(options.models)),
    async close() {
      await Promise.all(open.map((endpoint) => endpoint.close()));
    },
  };
}

function admits(lane: Lane, now: number): boolean {
  return lane.key.admits(now) && lane.model.admits(now);
}

function opensAt({ key, model }: Lane): number {
  return Math.max(key.state === 'closed' ? 0 : key.until, model.state === 'closed' ? 0 : model.until);
}

interface EndpointConfig extends BackendConfig {
  readonly label: string;
  /** For messages of failures. */
  readonly shown: string;
  readonly weight: number;
}

/** Each endpoint as if it were a backend of its own; the backend itself where none are listed. */
function endpointConfigs(backend: string, config: BackendConfig): EndpointConfig[] {
  const { endpoints, ...common } = config;
  if (endpoints === undefined) return [{ ...common, label: '1', shown: backend, weight: 1 }];
  return endpoints.map(({ name, weight, ...own }, at) => {
    const label = name ?? String(at + 1);
    const given = Object.entries(own).filter(([, value]) => value !== undefined);
    return { ...common, ...Object.fromEntries(given), label, shown: `${backend}/${label}`, weight };
  });
}

function openEndpoint(backend: string, config: EndpointConfig, options: EndpointsOptions) {
  const { clock, pools, breakers } = options;
  const transport: Backend =
    config.kind === 'simulated'
      ? createSimulatedBackend(config.shown, config, clock)
      : createHttpBackend(config.shown, config, { clock, pools });
  // Whatever is edited of a backend may be its cure: an edited one starts afresh. A digest, since the key is in it.
  const id = createHash('sha256')
    .update(JSON.stringify([backend, config]))
    .digest('base64url');
  const lease = (model: string | null) =>
    breakers.lease(`${id} ${model ?? ''}`, config.breaker, { backend, endpoint: config.label, model });
  const key = lease(null);
  const models = new Map(options.models.map((model) => [model, lease(model)]));

  function rowOf(model: string | null): LaneView {
    const { breaker } = (model === null ? null : models.get(model)) ?? key;
    const { state, cause, failures, inFlight } = breaker;
    const until = state === 'closed' ? null : breaker.until;
    return { backend, endpoint: config.label, model, state, cause, failures, inFlight, until };
  }

  return {
    lane(model: string): Lane {
      const breaker = models.get(model)?.breaker ?? key.breaker;
      return {
        endpoint: config.label,
        weight: config.weight,
        backend: transport,
        model: breaker,
        key: key.breaker,
        get inFlight() {
          return key.breaker.inFlight;
        },
      };
    },
    view: (names: readonly string[]) => [rowOf(null), ...names.map(rowOf)],
    async close() {
      key.release();
      for (const { release } of models.values()) release();
      await transport.close();
    },
  };
}
