/** The metrics of several processes as one page: sums, and for what cannot be summed what its `aggregator` says. */
import { AggregatorRegistry, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** One metric as prom-client reads it, without its functions: it travels between processes. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: string;
  readonly values: readonly unknown[];
}

export interface MetricsPage {
  readonly contentType: string;
  readonly body: string;
}

export async function readFamilies(registry: Registry): Promise<readonly MetricFamily[]> {
  const metrics = await registry.getMetricsAsJSON();
  return metrics.map((metric) => {
    const { name, help, type, aggregator } = metric;
    // Their types leave out what `get` of every kind of metric returns.
    const { values } = metric as unknown as { readonly values: readonly unknown[] };
    return { name, help, type: String(type), aggregator, values };
  });
}

export async function mergeMetrics(parts: readonly (readonly MetricFamily[])[]): Promise<MetricsPage> {
  const merged = AggregatorRegistry.aggregate([...parts] as unknown as object[]);
  return { contentType: merged.contentType, body: await merged.metrics() };
}

/** What the primary process, which serves no request, has to say. Read at each scrape. */
export function createPrimaryMetrics(gauges: {
  readonly workers: () => number;
  readonly ledgerQueued: () => number;
  readonly ledgerDropped: () => number;
}): () => Promise<readonly MetricFamily[]> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  gauge('shunt_workers', 'Worker processes whose numbers are summed here.', gauges.workers);
  // Summed with the workers' own of the same names.
  gauge('shunt_ledger_queued_records', 'Decision records waiting to be written.', gauges.ledgerQueued);
  gauge('shunt_ledger_dropped_records', 'Decision records lost since the start.', gauges.ledgerDropped);
  return () => readFamilies(registry);
}
