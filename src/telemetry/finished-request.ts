/**
 * What metrics and traces need to know about a request that is over. The ledger's record has all of it; telemetry stands
 * below the ledger and so names only the part it reads. Prompt text is not in it, by design.
 */
export interface FinishedRequest {
  readonly id: string;
  /** Milliseconds since the epoch, when the request came in. */
  readonly time: number;
  readonly key: string | null;
  readonly tags: readonly string[];
  readonly endpoint: string;
  readonly requestedModel: string;
  readonly route: string | null;
  readonly wouldRoute: string | null;
  readonly reason: string;
  readonly score: number | null;
  readonly threshold: number | null;
  readonly margin: number | null;
  readonly snapshot: string;
  readonly model: string | null;
  readonly backend: string | null;
  readonly fallbackModel: string;
  readonly attempts: number;
  readonly cache: string;
  readonly pin: string;
  readonly stream: boolean;
  readonly status: number;
  readonly errorCode: string | null;
  readonly finishReason: string | null;
  readonly truncated: boolean;
  readonly usage: {
    readonly input: number;
    readonly cachedInput: number;
    readonly output: number;
    readonly reasoning: number;
    readonly source: string;
  };
  /** Nano-dollars; null when unpriced. */
  readonly cost: bigint | null;
  readonly fallbackCost: bigint | null;
  readonly latency: {
    readonly addedMs: number;
    readonly embedMs: number;
    readonly matchMs: number;
    readonly firstByteMs: number | null;
    readonly totalMs: number;
  };
}

/** GenAI operation names for our endpoints. */
export function operationOf(endpoint: string): string {
  switch (endpoint) {
    case 'embeddings':
      return 'embeddings';
    case 'completions':
      return 'text_completion';
    default:
      return 'chat';
  }
}
