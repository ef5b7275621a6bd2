/** The breakers as metrics: their state at each scrape, their changes, and the retries that a budget did not allow. */
import { Gauge, type Registry } from 'prom-client';

export interface BreakerSample {
  readonly backend: string;
  readonly endpoint: string;
  /** null: the endpoint's key, for whatever model. */
  readonly model: string | null;
  readonly state: 'closed' | 'half-open' | 'open';
}

const stateValue = { closed: 0, 'half-open': 1, open: 2 } as const;

/** The label of a key, which stands for all models. */
export const everyModel = '*';

export function addBreakerGauge(registry: Registry, read: () => readonly BreakerSample[]): void {
  new Gauge({
    name: 'shunt_backend_state',
    help: 'By endpoint and model (* is the endpoint’s key): 0 in use, 1 being tried, 2 left alone.',
    labelNames: ['backend', 'endpoint', 'model'],
    registers: [registry],
    // Of several workers, the one that has it worst.
    aggregator: 'max',
    collect() {
      this.reset();
      for (const { backend, endpoint, model, state } of read()) {
        this.set({ backend, endpoint, model: model ?? everyModel }, stateValue[state]);
      }
    },
  });
}
