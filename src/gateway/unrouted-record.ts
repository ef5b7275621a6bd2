/** The ledger record of a request that no route decides: passed through, or embedded by a model of our own. */
import { type NanoUsd, zeroUsd } from '../base/money.ts';
import type { ModelConfig } from '../config/schema.ts';
import type { unroutedReasons } from '../ledger/contract.ts';
import { priceOf } from '../ledger/price.ts';
import type { DecisionRecord, LatencySplit, TokenUsage } from '../ledger/record.ts';
import type { Tenant } from './tenant.ts';

export interface Unrouted {
  readonly id: string;
  readonly time: number;
  readonly tenant: Pick<Tenant, 'id' | 'key'>;
  readonly tags: readonly string[];
  /** Below `/v1`, without ids: `embeddings`, `audio/speech`. */
  readonly endpoint: string;
  readonly reason: (typeof unroutedReasons)[number];
  readonly model: string;
  /** null: a model of our own, which costs nothing. */
  readonly priced: Pick<ModelConfig, 'usd_per_million'> | null;
  readonly backend: string | null;
  readonly snapshot: string;
  readonly status: number;
  readonly errorCode: string | null;
  readonly truncated: boolean;
  readonly usage: TokenUsage;
  readonly latency: LatencySplit;
}

export function unroutedRecord(request: Unrouted): Omit<DecisionRecord, 'prompt' | 'person'> {
  const { tenant, model, priced, ...rest } = request;
  const cost = costOf(request);
  return {
    ...rest,
    tenant: tenant.id,
    key: tenant.key,
    requestedModel: model,
    route: null,
    wouldRoute: null,
    score: null,
    threshold: null,
    margin: null,
    candidates: null,
    model,
    fallbackModel: model,
    attempts: request.backend === null ? 0 : 1,
    cache: 'bypass',
    pin: 'none',
    stream: false,
    finishReason: null,
    responseId: null,
    verdict: request.status >= 400 && request.status !== 499 ? 'error' : null,
    cost,
    fallbackCost: cost,
  };
}

/** Audio, images and other answers without token counts have a price that nobody told us: unpriced, not free. */
function costOf({ priced, usage, status, time }: Unrouted): NanoUsd | null {
  if (priced === null || status >= 400) return zeroUsd;
  return usage.source === 'none' ? null : priceOf(priced, usage, time);
}
