/**
 * Prometheus metrics, in a registry of their own. One call per finished request, after the reply has ended.
 *
 * Labels are names from the config (route, model, backend) and words from fixed lists (reason, result), never a score, a
 * key or a prompt. As a last fence, the number of label sets that requests may create is bounded; past it they are
 * counted under `other`. Where OpenTelemetry's GenAI conventions name a metric, it has that name and those buckets.
 */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { addBreakerGauge, type BreakerSample, everyModel } from './breaker-metrics.ts';
import { type FinishedRequest, operationOf } from './finished-request.ts';
import { type MetricFamily, type MetricsPage, readFamilies } from './merge-metrics.ts';
import { createMeters } from './meters.ts';
import {
  type AnswerLabels,
  type AnswerTallies,
  countAnswer,
  countDecision,
  type DecisionLabels,
  type DecisionTallies,
  makeAnswerTallies,
  makeDecisionTallies,
} from './request-tallies.ts';
import { addSemanticGauges, type SemanticSample } from './semantic-metrics.ts';

export interface MetricsOptions {
  readonly version: string;
  /** Read at each scrape. */
  readonly gauges: {
    readonly inFlight: () => number;
    readonly queued: () => number;
    readonly ledgerQueued: () => number;
    readonly ledgerDropped: () => number;
    readonly pins: () => number;
    readonly cacheEntries: () => number;
    readonly cacheBytes: () => number;
    readonly breakers: () => readonly BreakerSample[];
    /** null: there is no semantic cache. */
    readonly semantic: () => SemanticSample | null;
  };
}

export interface Metrics {
  /** A few microseconds. */
  requestFinished(request: FinishedRequest): void;
  embedderFailed(): void;
  /** A request was answered with an error of our own: refused, or failed at every backend. */
  errorReplied(code: string): void;
  breakerMoved(breaker: BreakerSample): void;
  /** A retry that a backend's budget did not allow. */
  retryDenied(backend: string): void;
  reloadFinished(ok: boolean): void;
  scrape(): Promise<MetricsPage>;
  /** The same as data, to be merged with other processes'. */
  families(): Promise<readonly MetricFamily[]>;
}

const maxLabelSets = 2_000;

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  addGauges(registry, options);
  addBreakerGauge(registry, options.gauges.breakers);
  addSemanticGauges(registry, options.gauges.semantic);
  const meters = createMeters(registry);
  const decisions = new Map<string, DecisionTallies>();
  const answers = new Map<string, AnswerTallies>();
  const saved = new Map<string, { value: number }>();
  addSavedGauge(registry, saved);
  // A rate over a counter that does not exist yet misses its first step.
  for (const result of ['ok', 'failed']) meters.reloads(result);
  for (const kind of ['exact', 'semantic', 'coalesced']) {
    meters.cacheHits(kind);
    meters.cacheSaved(kind);
  }
  meters.embedderFailures();

  return {
    requestFinished(request) {
      countDecision(decisionTallies(request), request);
      if (request.model !== null && request.cache !== 'hit' && request.cache !== 'semantic')
        countAnswer(answerTallies(request, request.model), request);
    },
    breakerMoved: ({ backend, endpoint, model, state }) =>
      meters.breakerMoves(backend, endpoint, model ?? everyModel, state).add(1),
    retryDenied: (backend) => meters.retriesDenied(backend).add(1),
    errorReplied: (code) => meters.errors(code).add(1),
    embedderFailed: () => meters.embedderFailures().add(1),
    reloadFinished: (ok) => meters.reloads(ok ? 'ok' : 'failed').add(1),
    async scrape() {
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
    families: () => readFamilies(registry),
  };

  function decisionTallies(request: FinishedRequest): DecisionTallies {
    const route = request.route ?? 'fallback';
    const model = request.model ?? 'none';
    const status = statusClass(request.status);
    const key = `${route}\n${request.reason}\n${model}\n${status}\n${request.endpoint}\n${request.cache}\n${request.pin}`;
    const known = decisions.get(key);
    if (known !== undefined) return known;
    const labels: DecisionLabels =
      decisions.size < maxLabelSets
        ? {
            route,
            reason: request.reason,
            model,
            status,
            endpoint: request.endpoint,
            cache: request.cache,
            pin: request.pin,
          }
        : { route: 'other', reason: 'other', model: 'other', status, endpoint: 'other', cache: 'other', pin: 'other' };
    return remember(decisions, key, () =>
      makeDecisionTallies(
        meters,
        remember(saved, labels.route, () => ({ value: 0 })),
        labels,
      ),
    );
  }

  function answerTallies(request: FinishedRequest, model: string): AnswerTallies {
    const backend = request.backend ?? 'none';
    const error = request.errorCode ?? '';
    const key = `${model}\n${backend}\n${request.endpoint}\n${error}`;
    const known = answers.get(key);
    if (known !== undefined) return known;
    const labels: AnswerLabels =
      answers.size < maxLabelSets
        ? [operationOf(request.endpoint), model, backend, error]
        : ['other', 'other', 'other', ''];
    return remember(answers, key, () => makeAnswerTallies(meters, labels));
  }
}

function statusClass(status: number): string {
  return `${Math.floor(status / 100)}xx`;
}

function remember<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  // Past the bound, the tallies of `other` are found again in the meters: nothing is kept per request.
  if (map.size < maxLabelSets) map.set(key, made);
  return made;
}

function addSavedGauge(registry: Registry, saved: ReadonlyMap<string, { readonly value: number }>): void {
  new Gauge({
    name: 'shunt_saved_usd',
    help: 'Dollars saved since the start against sending everything to the fallback model; negative when it cost more.',
    labelNames: ['route'],
    registers: [registry],
    collect() {
      for (const [route, { value }] of saved) this.set({ route }, value);
    },
  });
}

function addGauges(registry: Registry, options: MetricsOptions): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number, aggregator: 'sum' | 'max' = 'sum') =>
    new Gauge({
      name,
      help,
      registers,
      aggregator,
      collect() {
        this.set(read());
      },
    });
  const { gauges } = options;
  gauge('shunt_in_flight_requests', 'Requests being worked on.', gauges.inFlight);
  gauge('shunt_queued_requests', 'Requests waiting for a place (server.max_in_flight).', gauges.queued);
  gauge('shunt_ledger_queued_records', 'Decision records waiting to be written.', gauges.ledgerQueued);
  gauge(
    'shunt_ledger_dropped_records',
    'Decision records lost since the start. Anything but 0 is a fault.',
    gauges.ledgerDropped,
  );
  // Each of several workers knows all of them.
  gauge('shunt_pins', 'Conversations pinned to a model.', gauges.pins, 'max');
  gauge('shunt_cache_entries', 'Answers in the exact cache.', gauges.cacheEntries);
  gauge('shunt_cache_bytes', 'Bytes that the exact cache holds.', gauges.cacheBytes);
  const info = { name: 'shunt_build_info', help: 'Always 1.', labelNames: ['version'], registers };
  new Gauge({ ...info, aggregator: 'first' }).set({ version: options.version }, 1);
}
