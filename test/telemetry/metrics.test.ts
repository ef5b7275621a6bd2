import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { usd } from '../ledger/sample-records.ts';
import { finishedRequest } from './finished-requests.ts';

const gauges = {
  inFlight: () => 3,
  queued: () => 2,
  ledgerQueued: () => 4,
  ledgerDropped: () => 0,
  pins: () => 5,
  cacheEntries: () => 6,
  cacheBytes: () => 7,
  breakers: () => [],
  semantic: () => null,
};

const metrics = () => createMetrics({ version: '1.2.3', gauges });

/** Samples by their whole name, labels included. */
async function samplesOf(from: ReturnType<typeof metrics>): Promise<Map<string, number>> {
  const { body } = await from.scrape();
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

describe('createMetrics', () => {
  it('counts decisions by route, reason and model, and what they cost and saved', async () => {
    const counted = metrics();
    counted.requestFinished(finishedRequest());
    counted.requestFinished(finishedRequest());
    counted.requestFinished(
      finishedRequest({
        route: null,
        reason: 'below-threshold',
        model: 'large',
        cost: usd(5_000_000_000n),
        fallbackCost: usd(4_000_000_000n),
      }),
    );
    const samples = await samplesOf(counted);
    expect(samples.get('shunt_decisions_total{route="translation",reason="matched",model="small"}')).toBe(2);
    expect(samples.get('shunt_decisions_total{route="fallback",reason="below-threshold",model="large"}')).toBe(1);
    expect(samples.get('shunt_cost_usd_total{route="fallback",model="large"}')).toBe(5);
    expect(samples.get('shunt_saved_usd{route="fallback"}')).toBe(-1);
    expect(samples.get('shunt_saved_usd{route="translation"}')).toBeCloseTo(0.00194, 9);
    expect(samples.get('shunt_tokens_total{model="small",type="cached_input"}')).toBe(40);
    expect(samples.get('shunt_responses_total{endpoint="chat",status="2xx"}')).toBe(3);
    expect(samples.get('shunt_pin_outcomes_total{outcome="new"}')).toBe(3);
  });

  it('keeps histograms that Prometheus can read: cumulative buckets that end in the count', async () => {
    const counted = metrics();
    for (const addedMs of [0.02, 0.3, 30, 5_000]) {
      counted.requestFinished(
        finishedRequest({ latency: { addedMs, embedMs: 0, matchMs: 0, firstByteMs: null, totalMs: 6_000 } }),
      );
    }
    const samples = await samplesOf(counted);
    const bucket = (le: string) => samples.get(`shunt_added_latency_seconds_bucket{le="${le}",route="translation"}`);
    const reordered = (le: string) => samples.get(`shunt_added_latency_seconds_bucket{route="translation",le="${le}"}`);
    const at = (le: string) => bucket(le) ?? reordered(le);
    expect([at('0.000025'), at('0.0005'), at('0.05'), at('1'), at('+Inf')]).toEqual([1, 2, 3, 3, 4]);
    expect(samples.get('shunt_added_latency_seconds_count{route="translation"}')).toBe(4);
    expect(samples.get('shunt_added_latency_seconds_sum{route="translation"}')).toBeCloseTo(5.03032, 9);
  });

  it('uses the names and buckets of the GenAI conventions, in seconds and tokens', async () => {
    const counted = metrics();
    counted.requestFinished(finishedRequest());
    const { body } = await counted.scrape();
    const labels = 'gen_ai_operation_name="chat",gen_ai_request_model="small",gen_ai_provider_name="demo"';
    expect(body).toContain(`gen_ai_client_operation_duration_seconds_sum{${labels},error_type=""} 0.09975`);
    expect(body).toContain(`gen_ai_client_operation_time_to_first_chunk_seconds_count{${labels}} 1`);
    expect(body).toContain(`gen_ai_client_token_usage_sum{${labels},gen_ai_token_type="output"} 50`);
    for (const le of ['81.92', '67108864', '0.001']) expect(body).toContain(`le="${le}"`);
  });

  it('counts an unpriced request as unpriced and not as free', async () => {
    const counted = metrics();
    counted.requestFinished(finishedRequest({ cost: null }));
    const samples = await samplesOf(counted);
    expect(samples.get('shunt_unpriced_requests_total{model="small"}')).toBe(1);
    expect(samples.get('shunt_cost_usd_total{route="translation",model="small"}')).toBe(0);
    expect(samples.get('shunt_saved_usd{route="translation"}')).toBe(0);
  });

  it('buys no tokens for an answer from the cache, nor for a request that no model answered', async () => {
    const counted = metrics();
    counted.requestFinished(finishedRequest({ cache: 'hit' }));
    counted.requestFinished(finishedRequest({ cache: 'hit', reason: 'coalesced' }));
    counted.requestFinished(finishedRequest({ cache: 'semantic' }));
    counted.requestFinished(finishedRequest({ model: null, backend: null, status: 502 }));
    const { body } = await counted.scrape();
    expect(body).not.toMatch(/^shunt_tokens_total\{/m);
    expect(body).toContain('shunt_cache_results_total{result="hit"} 2');
    for (const kind of ['exact', 'coalesced', 'semantic'])
      expect(body).toContain(`shunt_cache_hits_total{kind="${kind}"} 1`);
    expect(body).toMatch(/shunt_cache_saved_usd_total\{kind="semantic"\} 0\.0\d/);
    expect(body).toContain('shunt_responses_total{endpoint="chat",status="5xx"} 1');
  });

  it('reads gauges when it is scraped, and has the process’s own figures', async () => {
    const counted = metrics();
    counted.embedderFailed();
    counted.reloadFinished(true);
    counted.reloadFinished(false);
    const samples = await samplesOf(counted);
    expect(samples.get('shunt_in_flight_requests')).toBe(3);
    expect(samples.get('shunt_cache_bytes')).toBe(7);
    expect(samples.get('shunt_build_info{version="1.2.3"}')).toBe(1);
    expect(samples.get('shunt_embedder_failures_total')).toBe(1);
    expect(samples.get('shunt_reloads_total{result="failed"}')).toBe(1);
    expect(samples.has('process_resident_memory_bytes')).toBe(true);
    expect((await counted.scrape()).contentType).toMatch(/^text\/plain; version=0\.0\.4/);
  });

  it('stays small, and loses no count, when names run wild', async () => {
    const counted = metrics();
    for (let i = 0; i < 5_000; i++) {
      counted.requestFinished(finishedRequest({ route: `route-${i}`, model: `model-${i}`, errorCode: `code-${i}` }));
    }
    const samples = await samplesOf(counted);
    const decisions = [...samples].filter(([name]) => name.startsWith('shunt_decisions_total{'));
    expect(decisions.length).toBeLessThanOrEqual(2_001);
    expect(decisions.reduce((sum, [, value]) => sum + value, 0)).toBe(5_000);
    expect(samples.size).toBeLessThan(250_000);
  });

  it('never has keys, tenants, tags, ids or scores in it', async () => {
    const counted = metrics();
    counted.requestFinished(
      finishedRequest({
        id: 'canary-id',
        key: 'canary-key',
        tenant: 'canary-tenant',
        tags: ['canary-tag'],
        score: 0.987654321,
      }),
    );
    const { body } = await counted.scrape();
    expect(body).not.toMatch(/canary|987654321/);
  });

  it('escapes what stands in labels', async () => {
    const counted = metrics();
    counted.requestFinished(finishedRequest({ model: 'a"b\\c\nd' }));
    expect((await counted.scrape()).body).toContain('model="a\\"b\\\\c\\nd"');
  });
});
