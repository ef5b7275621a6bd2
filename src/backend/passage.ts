/**
 * One attempt's way through an endpoint: it is counted there while it lasts, and its outcome tells the breakers of the
 * model and of the key what to think. Whoever takes one must settle it; what comes after the first time is ignored.
 */
import type { Clock } from '../base/clock.ts';
import type { Breaker, Entry } from './breaker.ts';
import type { Backend, BackendFailure, RawHeaders } from './contract.ts';
import { headerValue } from './headers.ts';

/**
 * What an attempt says about the endpoint. `unknown`: nothing (the client left, say). `refused`: the key is not taken.
 * `forbidden`: not for this, which may be the key's fault, the model's or the prompt's.
 */
export type Verdict = 'answered' | 'failed' | 'rate-limited' | 'refused' | 'forbidden' | 'unknown';

/** One model over one endpoint. */
export interface Lane {
  readonly endpoint: string;
  readonly weight: number;
  readonly backend: Backend;
  readonly model: Breaker;
  readonly key: Breaker;
  readonly inFlight: number;
}

export interface PassageOptions {
  readonly clock: Clock;
  /** The client's own key goes upstream: its limits and refusals are the client's affair. */
  readonly clientsKey: boolean;
}

/** A prompt may be forbidden where the key is not: only so many in a row are the key's or the model's fault. */
const forbiddenInARow = 3;

export class Passage {
  readonly lane: Lane;
  private readonly options: PassageOptions;
  private readonly model: Entry;
  private readonly key: Entry;
  private settled = false;

  constructor(lane: Lane, options: PassageOptions) {
    this.lane = lane;
    this.options = options;
    const now = options.clock.monotonic();
    this.model = lane.model.enter(now);
    this.key = lane.key.enter(now);
  }

  /** Content has come. */
  begun(): void {
    if (this.settled) return;
    this.lane.model.begun(this.model);
    this.lane.key.begun(this.key);
  }

  settle(verdict: Verdict, retryAfterMs: number | null = null): void {
    if (this.settled) return;
    this.settled = true;
    this.tell(verdict, retryAfterMs);
    this.lane.model.leave(this.model);
    this.lane.key.leave(this.key);
  }

  private tell(verdict: Verdict, retryAfterMs: number | null): void {
    const { lane, options } = this;
    const now = options.clock.monotonic();
    if (verdict === 'answered') {
      lane.model.answered(this.model, now);
      lane.key.answered(this.key, now);
    } else if (verdict === 'failed') lane.model.failed(this.model, now);
    else if (verdict === 'unknown' || options.clientsKey) return;
    else if (verdict === 'rate-limited') lane.model.rateLimited(this.model, now, retryAfterMs);
    else if (verdict === 'refused') lane.key.refused(this.key, now, 1);
    else lane.model.refused(this.model, now, forbiddenInARow);
  }
}

/** Under the operator's key, but for whom the client says: a name that the key does not know is refused like the key. */
const accountHeaders = ['openai-organization', 'openai-project'];

/** `sent`: the client's headers, as they went upstream. */
export function verdictOfStatus(status: number, sent: RawHeaders): Verdict {
  if (status === 429) return 'rate-limited';
  if (status === 401 || status === 402) {
    return accountHeaders.some((name) => headerValue(sent, name) !== null) ? 'forbidden' : 'refused';
  }
  if (status === 403) return 'forbidden';
  return status >= 500 || status === 408 ? 'failed' : 'answered';
}

/** `upload`: the body is the client's stream, whose faults are not the backend's once there is a connection. */
export function verdictOfFailure({ kind }: BackendFailure, { upload }: { readonly upload: boolean }): Verdict {
  if (kind === 'aborted') return 'unknown';
  return upload && !kind.startsWith('connect') ? 'unknown' : 'failed';
}
