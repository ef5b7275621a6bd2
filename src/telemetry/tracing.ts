/**
 * Traces over OTLP/HTTP, when an endpoint is set. The spans of a request are made after its reply has ended, from its
 * record, with their times given: nothing of OpenTelemetry runs while a client waits, and without an endpoint it is not
 * even loaded.
 *
 *     caller's span (traceparent) ──► SERVER  POST /v1/chat/completions     shunt.*: route, reason, scores, cost
 *                                       └──► CLIENT  chat large             gen_ai.*: model, tokens, finish reason
 *
 * One CLIENT span stands for all attempts of a request. Prompt and answer text is never in a span.
 */
import type { Attributes, Context, Tracer } from '@opentelemetry/api';
import type { tracing } from '@opentelemetry/sdk-node';
import { messageOf, ShuntError } from '../base/errors.ts';
import { type FinishedRequest, operationOf } from './finished-request.ts';

export interface Tracing {
  requestFinished(request: FinishedRequest, parent: { readonly traceparent: string | null }): void;
  /** Sends what is left, then stops. Never rejects: a collector that is down must not hold up a shutdown. */
  shutdown(): Promise<void>;
}

export interface TracingOptions {
  /** Base URL of an OTLP/HTTP collector (`http://host:4318`), or empty: no tracing. */
  readonly endpoint: string;
  readonly serviceVersion: string;
  /** Told once when spans cannot be delivered, and again after they could. */
  readonly onError?: (message: string) => void;
}

/** A collector that is down is retried by the exporter for many seconds; a shutdown waits no longer than this. */
const shutdownMs = 3_000;

const noTracing: Tracing = { requestFinished() {}, shutdown: () => Promise.resolve() };

export async function startTracing(options: TracingOptions): Promise<Tracing> {
  if (options.endpoint === '') return noTracing;
  const url = tracesUrl(options.endpoint);
  const { api, core, resources, tracing } = await import('@opentelemetry/sdk-node');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');

  // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go before ours, as operators expect of any OpenTelemetry program.
  const resource = resources
    .resourceFromAttributes({ 'service.name': 'shunt', 'service.version': options.serviceVersion })
    .merge(resources.detectResources({ detectors: [resources.envDetector] }));
  // A provider of our own, not NodeSDK: that one registers itself globally, and two proxies in a process would share it.
  const provider = new tracing.BasicTracerProvider({
    resource,
    spanProcessors: [
      new tracing.BatchSpanProcessor(tellFailures(new OTLPTraceExporter({ url }), url, options.onError)),
    ],
  });
  const spans: SpanTools = {
    tracer: provider.getTracer('shunt', options.serviceVersion),
    parentOf(traceparent) {
      const parent = traceparent === null ? null : core.parseTraceParent(traceparent);
      return parent === null
        ? api.ROOT_CONTEXT
        : api.trace.setSpanContext(api.ROOT_CONTEXT, { ...parent, isRemote: true });
    },
    within: (span, context) => api.trace.setSpan(context, span),
    kinds: { server: api.SpanKind.SERVER, client: api.SpanKind.CLIENT },
    failed: api.SpanStatusCode.ERROR,
  };

  return {
    requestFinished: (request, { traceparent }) => traceRequest(spans, request, traceparent),
    shutdown: () => withinTime(provider.shutdown(), shutdownMs),
  };
}

/** OpenTelemetry drops spans without a word: the operator hears of it here. */
function tellFailures(
  exporter: tracing.SpanExporter,
  url: string,
  tell: TracingOptions['onError'],
): tracing.SpanExporter {
  let told = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = result.code !== 0;
        if (failed && !told)
          tell?.(`Traces cannot be sent to ${url} (${result.error?.message ?? 'no reason given'}); they are dropped.`);
        told = failed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}

async function withinTime(work: Promise<unknown>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  // What cannot be delivered was reported when it failed.
  await Promise.race([
    work.then(
      () => undefined,
      () => undefined,
    ),
    limit,
  ]);
  clearTimeout(timer);
}

interface SpanTools {
  readonly tracer: Tracer;
  readonly parentOf: (traceparent: string | null) => Context;
  readonly within: (span: ReturnType<Tracer['startSpan']>, context: Context) => Context;
  readonly kinds: { readonly server: number; readonly client: number };
  readonly failed: number;
}

function traceRequest(tools: SpanTools, request: FinishedRequest, traceparent: string | null): void {
  const { tracer, kinds } = tools;
  const context = tools.parentOf(traceparent);
  const end = request.time + request.latency.totalMs;
  const path = pathOf(request.endpoint);
  const server = tracer.startSpan(`POST ${path}`, { kind: kinds.server, startTime: request.time }, context);
  if (server.isRecording()) {
    server.setAttributes({ 'http.request.method': 'POST', 'http.route': path, ...serverAttributes(request) });
    if (request.status >= 500) server.setStatus({ code: tools.failed });
    traceAnswer(tools, request, tools.within(server, context));
  }
  server.end(end);
}

/** Nothing for answers from the cache and for requests that no backend was asked for. */
function traceAnswer(tools: SpanTools, request: FinishedRequest, context: Context): void {
  const { model, latency } = request;
  if (model === null || request.attempts === 0) return;
  const span = tools.tracer.startSpan(
    `${operationOf(request.endpoint)} ${model}`,
    { kind: tools.kinds.client, startTime: request.time + latency.addedMs },
    context,
  );
  span.setAttributes(answerAttributes(request, model));
  if (request.errorCode !== null) span.setStatus({ code: tools.failed });
  span.end(request.time + latency.totalMs);
}

function serverAttributes(request: FinishedRequest): Attributes {
  const { latency, cost, fallbackCost } = request;
  return known({
    'http.response.status_code': request.status,
    'error.type': request.errorCode,
    'shunt.request_id': request.id,
    'shunt.key': request.key,
    'shunt.tags': request.tags.length > 0 ? [...request.tags] : null,
    'shunt.requested_model': request.requestedModel,
    'shunt.route': request.route ?? 'fallback',
    'shunt.would_route': request.wouldRoute,
    'shunt.reason': request.reason,
    'shunt.score': request.score,
    'shunt.threshold': request.threshold,
    'shunt.margin': request.margin,
    'shunt.snapshot': request.snapshot,
    'shunt.model': request.model,
    'shunt.fallback_model': request.fallbackModel,
    'shunt.cache': request.cache,
    'shunt.pin': request.pin,
    'shunt.added_ms': latency.addedMs,
    'shunt.embed_ms': latency.embedMs,
    'shunt.match_ms': latency.matchMs,
    'shunt.cost_usd': cost === null ? null : Number(cost) / 1e9,
    'shunt.fallback_cost_usd': fallbackCost === null ? null : Number(fallbackCost) / 1e9,
  });
}

function answerAttributes(request: FinishedRequest, model: string): Attributes {
  const { usage, latency } = request;
  const counted = usage.source !== 'none';
  const firstChunk = request.stream && latency.firstByteMs !== null ? latency.firstByteMs / 1_000 : null;
  return known({
    'gen_ai.operation.name': operationOf(request.endpoint),
    'gen_ai.provider.name': request.backend,
    'gen_ai.request.model': model,
    'gen_ai.response.finish_reasons': request.finishReason === null ? null : [request.finishReason],
    'gen_ai.response.time_to_first_chunk': firstChunk,
    'gen_ai.usage.input_tokens': counted ? usage.input : null,
    'gen_ai.usage.output_tokens': counted ? usage.output : null,
    'gen_ai.usage.cache_read.input_tokens': usage.cachedInput > 0 ? usage.cachedInput : null,
    'gen_ai.usage.reasoning.output_tokens': usage.reasoning > 0 ? usage.reasoning : null,
    'error.type': request.errorCode,
    'shunt.usage_source': usage.source,
    'shunt.attempts': request.attempts,
    'shunt.truncated': request.truncated ? true : null,
  });
}

function known(attributes: Record<string, Attributes[string] | null>): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null)) as Attributes;
}

function pathOf(endpoint: string): string {
  return endpoint === 'chat' ? '/v1/chat/completions' : `/v1/${endpoint}`;
}

/** OTEL_EXPORTER_OTLP_ENDPOINT is a base URL; a full one is taken as it is. */
function tracesUrl(endpoint: string): string {
  try {
    const url = new URL(endpoint);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('its scheme is neither http nor https');
    if (!url.pathname.endsWith('/v1/traces')) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
    return url.href;
  } catch (error) {
    const message = `telemetry.otlp = ${endpoint}: not the URL of an OTLP/HTTP collector (${messageOf(error)}). Write it like http://127.0.0.1:4318, or leave it empty.`;
    throw new ShuntError('bad_config', message, { param: 'telemetry.otlp', cause: error });
  }
}
