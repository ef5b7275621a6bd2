/** What passes between the embedder and its worker thread. */
import type { ModelSpec } from './model-directory.ts';

export interface WorkerData {
  readonly spec: ModelSpec;
  readonly tokenBudget: number;
}

export type ToWorker =
  | {
      readonly kind: 'embed';
      readonly id: number;
      readonly texts: readonly string[];
      readonly lane: 'interactive' | 'bulk';
    }
  | { readonly kind: 'cancel'; readonly id: number };

export type FromWorker =
  | { readonly kind: 'ready'; readonly dimensions: number }
  /** The model cannot be used at all; the worker ends. */
  | { readonly kind: 'unusable'; readonly message: string }
  | { readonly kind: 'embedded'; readonly texts: readonly EmbeddedText[] }
  /** Every request with a text in the failed batch. */
  | { readonly kind: 'failed'; readonly ids: readonly number[]; readonly message: string };

export interface EmbeddedText {
  readonly request: number;
  readonly index: number;
  readonly vector: Float32Array;
  readonly tokens: number;
  readonly truncated: boolean;
}
