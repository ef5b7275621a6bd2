import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTracing } from '../../src/telemetry/tracing.ts';
import { sampleRecord } from '../ledger/sample-records.ts';
import { finishedRequest } from './finished-requests.ts';

interface Span {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
  readonly status: { readonly code?: number };
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Span['attributes'] };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;

describe('startTracing', () => {
  let collector: Server;
  let endpoint: string;
  let received: { readonly path: string; readonly body: string }[];
  beforeEach(async () => {
    received = [];
    collector = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) body += chunk;
      received.push({ path: request.url ?? '', body });
      response.setHeader('content-type', 'application/json').end('{}');
    });
    collector.listen(0, '127.0.0.1');
    await once(collector, 'listening');
    endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    collector.closeAllConnections();
    collector.close();
    await once(collector, 'close');
  });

  const exported = () => received.map(({ body }) => JSON.parse(body) as Export);
  const spans = () =>
    exported().flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
    );
  const attributes = (span: Span) =>
    Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

  it('sends a SERVER span under the caller’s and a CLIENT span under it, with GenAI and shunt attributes', async () => {
    const tracing = await startTracing({ endpoint, serviceVersion: '1.2.3' });
    const request = finishedRequest();
    tracing.requestFinished(request, { traceparent });
    await tracing.shutdown();
    expect(received[0].path).toBe('/v1/traces');
    const server = spans().find(({ kind }) => kind === 2) as Span;
    const client = spans().find(({ kind }) => kind === 3) as Span;
    expect(server).toMatchObject({ name: 'POST /v1/chat/completions', traceId, parentSpanId: '00f067aa0ba902b7' });
    expect(client).toMatchObject({ name: 'chat small', traceId, parentSpanId: server.spanId });
    expect(attributes(server)).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/v1/chat/completions',
      'http.response.status_code': 200,
      'shunt.route': 'translation',
      'shunt.reason': 'matched',
      'shunt.score': 0.875,
      'shunt.cost_usd': 0.00003,
    });
    expect(attributes(client)).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'demo',
      'gen_ai.request.model': 'small',
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.output_tokens': 50,
      'gen_ai.usage.cache_read.input_tokens': 20,
    });
    const resource = exported()[0].resourceSpans[0].resource.attributes.map(
      ({ key, value }) => `${key}=${value.stringValue}`,
    );
    expect(resource).toContain('service.name=shunt');
    expect(resource).toContain('service.version=1.2.3');
  });

  it('gives the spans the times of the request, not of the export', async () => {
    const tracing = await startTracing({ endpoint, serviceVersion: '1' });
    const request = finishedRequest({ time: 1_780_000_000_000 });
    tracing.requestFinished(request, { traceparent: null });
    await tracing.shutdown();
    const [server, client] = [2, 3].map((kind) => spans().find((span) => span.kind === kind) as Span);
    expect(server.startTimeUnixNano).toBe('1780000000000000000');
    expect(server.endTimeUnixNano).toBe('1780000000100000000');
    expect(client.startTimeUnixNano).toBe('1780000000000250000');
    expect(client.endTimeUnixNano).toBe(server.endTimeUnixNano);
    expect(server.parentSpanId ?? '').toBe('');
  });

  it('has no CLIENT span for an answer from the cache, and marks failures', async () => {
    const tracing = await startTracing({ endpoint: `${endpoint}/v1/traces`, serviceVersion: '1' });
    tracing.requestFinished(finishedRequest({ cache: 'hit', attempts: 0 }), { traceparent: null });
    tracing.requestFinished(finishedRequest({ status: 502, errorCode: 'backend_unreachable' }), { traceparent: null });
    await tracing.shutdown();
    expect(received.every(({ path }) => path === '/v1/traces')).toBe(true);
    expect(spans().filter(({ kind }) => kind === 3)).toHaveLength(1);
    const failed = spans().filter(({ status }) => status.code === 2);
    expect(failed.map((span) => attributes(span)['error.type'])).toEqual([
      'backend_unreachable',
      'backend_unreachable',
    ]);
  });

  it('follows the caller’s wish not to be sampled, and survives a broken traceparent', async () => {
    const tracing = await startTracing({ endpoint, serviceVersion: '1' });
    tracing.requestFinished(finishedRequest(), { traceparent: `00-${traceId}-00f067aa0ba902b7-00` });
    tracing.requestFinished(finishedRequest(), { traceparent: 'nonsense' });
    await tracing.shutdown();
    expect(spans().map((span) => span.traceId)).not.toContain(traceId);
    expect(spans()).toHaveLength(2);
  });

  it('never has prompt text in a span, even when it is handed a whole record', async () => {
    const tracing = await startTracing({ endpoint, serviceVersion: '1' });
    tracing.requestFinished(sampleRecord({ id: 'a', prompt: 'canary prompt', tenant: 'canary-tenant' }), {
      traceparent: null,
    });
    await tracing.shutdown();
    expect(received.map(({ body }) => body).join()).not.toContain('canary');
  });

  it('does nothing without an endpoint', async () => {
    const tracing = await startTracing({ endpoint: '', serviceVersion: '1' });
    tracing.requestFinished(finishedRequest(), { traceparent });
    await tracing.shutdown();
    expect(received).toEqual([]);
  });

  it('says which key is wrong for an endpoint that is no URL', async () => {
    for (const wrong of ['collector:4318', 'not a url']) {
      await expect(startTracing({ endpoint: wrong, serviceVersion: '1' })).rejects.toMatchObject({
        code: 'bad_config',
        message: expect.stringMatching(/telemetry\.otlp = .*Write it like http:\/\//),
      });
    }
  });

  it('says once that the collector refuses, and ends in peace', async () => {
    const refusing = createServer((_, response) => response.writeHead(400).end('no'));
    refusing.listen(0, '127.0.0.1');
    await once(refusing, 'listening');
    const errors: string[] = [];
    const url = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
    const tracing = await startTracing({
      endpoint: url,
      serviceVersion: '1',
      onError: (message) => errors.push(message),
    });
    tracing.requestFinished(finishedRequest(), { traceparent });
    await expect(tracing.shutdown()).resolves.toBeUndefined();
    expect(errors).toEqual([expect.stringMatching(/Traces cannot be sent to .*\/v1\/traces/)]);
    refusing.close();
  });

  it('ends in peace when the collector is gone', async () => {
    const tracing = await startTracing({ endpoint: 'http://127.0.0.1:9', serviceVersion: '1' });
    tracing.requestFinished(finishedRequest(), { traceparent });
    await expect(tracing.shutdown()).resolves.toBeUndefined();
  });
});
