/** The semantic cache as metrics: what it holds, and, by route, how often it was found right and wrong, with its interval. */
import { Gauge, type Registry } from 'prom-client';

export interface SemanticSample {
  readonly entries: number;
  readonly bytes: number;
  readonly evidence: readonly {
    readonly route: string;
    /** Would-be hits that were verified, and those that were wrong. */
    readonly verified: number;
    readonly wrong: number;
    /** Of those, the ones that were served. */
    readonly served: {
      readonly verified: number;
      readonly wrong: number;
      readonly interval: readonly [number, number] | null;
    };
  }[];
}

/** `read`: null while there is no semantic cache; then it has no samples. */
export function addSemanticGauges(registry: Registry, read: () => SemanticSample | null): void {
  const registers = [registry];
  new Gauge({
    name: 'shunt_semantic_entries',
    help: 'Prompts in the semantic cache.',
    registers,
    collect() {
      const sample = read();
      if (sample === null) this.remove();
      else this.set(sample.entries);
    },
  });
  new Gauge({
    name: 'shunt_semantic_verified',
    help: 'Semantic hits, served or not, that were compared with a fresh answer, by verdict; fewer after a restart of the evidence.',
    labelNames: ['route', 'served', 'verdict'],
    registers,
    collect() {
      this.reset();
      for (const { route, verified, wrong, served } of read()?.evidence ?? []) {
        const held = { verified: verified - served.verified, wrong: wrong - served.wrong };
        for (const [name, counts] of [['yes', served] as const, ['no', held] as const]) {
          this.set({ route, served: name, verdict: 'wrong' }, counts.wrong);
          this.set({ route, served: name, verdict: 'right' }, counts.verified - counts.wrong);
        }
      }
    },
  });
  new Gauge({
    name: 'shunt_semantic_false_hit_rate',
    help: 'Share of verified semantic hits that were wrong, of those served: the estimate and its two-sided 95% interval.',
    labelNames: ['route', 'bound'],
    registers,
    // Each of several workers has evidence of its own.
    aggregator: 'max',
    collect() {
      this.reset();
      for (const { route, served } of read()?.evidence ?? []) {
        if (served.interval === null) continue;
        this.set({ route, bound: 'estimate' }, served.wrong / served.verified);
        this.set({ route, bound: 'lower' }, served.interval[0]);
        this.set({ route, bound: 'upper' }, served.interval[1]);
      }
    },
  });
}
