/** What the primary process and its workers say to each other. Only data that survives a structured clone. */
import type { NanoUsd } from '../base/money.ts';
import type { Owner } from '../gateway/owners.ts';
import type { Pin } from '../gateway/pin.ts';
import type { LedgerStore } from '../ledger/contract.ts';
import type { DecisionRecord } from '../ledger/record.ts';
import type { MetricFamily } from '../telemetry/merge-metrics.ts';

/** What a worker has done and the others must know. In the order of one worker; nobody answers. */
export type News =
  | { readonly kind: 'pin'; readonly key: string; readonly pin: Pin }
  /** null: it was deleted. */
  | { readonly kind: 'owner'; readonly id: string; readonly owner: Owner | null }
  | { readonly kind: 'spend'; readonly key: string | null; readonly route: string | null; readonly cost: NanoUsd }
  /** Of a budget, for a request under way; negative: let go. */
  | { readonly kind: 'hold'; readonly key: string | null; readonly route: string | null; readonly amount: bigint }
  /** Taken from a key's minute; negative: given back. */
  | { readonly kind: 'tokens'; readonly key: string; readonly amount: number }
  /** A request of this key is over. For the primary alone. */
  | { readonly kind: 'left'; readonly key: string };

type LedgerMethod = Exclude<keyof LedgerStore, 'append' | 'shared' | 'close'>;

/** By question: what goes in, what comes out. */
export interface ToPrimary {
  /** Resolves with all that stands; from then on the worker hears the news. */
  hello: { input: null; output: readonly News[] };
  ready: { input: WorkerReady; output: null };
  /** The worker cannot start, and ends. */
  failed: { input: { readonly message: string }; output: null };
  /** A request of this key wants in. Its answer comes after all news that other workers had sent before it was asked. */
  enter: { input: string | null; output: null };
  append: { input: readonly DecisionRecord[]; output: null };
  ledger: { input: { readonly method: LedgerMethod; readonly args: readonly unknown[] }; output: unknown };
  metrics: { input: null; output: readonly (readonly MetricFamily[])[] };
}

export interface ToWorker {
  metrics: { input: null; output: readonly MetricFamily[] };
  /** Hands over the decision records that wait. */
  flush: { input: null; output: null };
  reload: { input: string; output: boolean };
  stop: { input: null; output: null };
}

export interface WorkerReady {
  readonly url: string;
  readonly routes: number;
}
