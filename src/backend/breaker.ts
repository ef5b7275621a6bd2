/**
 * A breaker: whether something that can fail by itself (one model over one endpoint, or an endpoint's key) is to be
 * asked now, or left alone for a while.
 *
 *   closed ── failures in a row, a share of failures, a rate limit, a refused key ──► open ── its time is over ──┐
 *     ▲                                                                                ▲                         ▼
 *     └───────────────────────────────── an answer ────────────── half-open ── fails ──┘◄── one request tries it
 *
 * Only what was sent since the last opening or closing says anything: the time-outs of requests from before an outage
 * ended must not open again what has recovered. It refuses nothing by itself: who has nowhere else to go may pass an
 * open breaker, and an answer that comes then closes it too.
 */
import type { BackendConfig } from '../config/schema.ts';

export type BreakerSettings = BackendConfig['breaker'];
export type BreakerState = 'closed' | 'open' | 'half-open';
export type BreakerCause = 'failures' | 'rate-limit' | 'refusal';

/** A request's way through: what it must hand back with its outcome. */
export interface Entry {
  readonly epoch: number;
  /** It is the one that tries whether a breaker that was open may close. */
  readonly probe: boolean;
}

export type OnTransition = (breaker: Breaker, from: BreakerState) => void;

/** Failures are shares of what came within the last one to two buckets. */
const bucketMs = 5_000;
const leastForRate = 20;
const longestOpenMs = 60_000;
/** A provider that asks for hours is asked again after some minutes: quotas are raised, bills are paid. */
const longestRateLimitMs = 300_000;

export class Breaker {
  state: BreakerState = 'closed';
  /** Why it is not closed. */
  cause: BreakerCause | null = null;
  /** On the monotonic clock; it may be tried again from then on. */
  until = 0;
  /** In a row, or since it opened. */
  failures = 0;
  /** Requests that have entered and not left. */
  inFlight = 0;
  private readonly settings: BreakerSettings;
  private readonly onTransition: OnTransition;
  private epoch = 0;
  private probing = false;
  /** Openings since it was last closed: each is longer. */
  private openings = 0;
  private refusals = 0;
  private bucketStart = 0;
  private readonly bucket = { requests: 0, failed: 0 };
  private readonly before = { requests: 0, failed: 0 };

  constructor(settings: BreakerSettings, onTransition: OnTransition) {
    this.settings = settings;
    this.onTransition = onTransition;
  }

  /** Whether a request that could go elsewhere may go here. */
  admits(now: number): boolean {
    return this.state === 'closed' || (now >= this.until && !this.probing);
  }

  /** Every entry needs its `leave`. */
  enter(now: number): Entry {
    this.inFlight++;
    if (this.state === 'closed') return { epoch: this.epoch, probe: false };
    const probe = now >= this.until && !this.probing;
    if (probe) {
      this.probing = true;
      this.move('half-open');
    }
    return { epoch: this.epoch, probe };
  }

  leave(entry: Entry): void {
    this.inFlight--;
    // A request that tried it and went without an outcome (its client left, say): the next one may try.
    if (entry.probe && entry.epoch === this.epoch) this.probing = false;
  }

  /** Part of an answer has come: enough to close it, and not yet a good outcome. */
  begun(entry: Entry): void {
    if (this.state !== 'closed' && entry.epoch === this.epoch) this.close();
  }

  answered(entry: Entry, now: number): void {
    if (entry.epoch !== this.epoch) return;
    if (this.state !== 'closed') this.close();
    this.failures = 0;
    this.refusals = 0;
    this.count(now, 0);
  }

  failed(entry: Entry, now: number): void {
    if (entry.epoch !== this.epoch) return;
    this.failures++;
    if (this.state === 'closed') {
      this.count(now, 1);
      if (this.failures >= this.settings.failures || this.rateIsBad()) this.open('failures', now);
    } else if (entry.probe) this.open('failures', now);
  }

  /** `askedMs`: how long the backend asks to be left alone, if it says. */
  rateLimited(entry: Entry, now: number, askedMs: number | null): void {
    if (entry.epoch !== this.epoch) return;
    this.failures++;
    if (this.state === 'closed' || entry.probe) this.open('rate-limit', now, askedMs);
    else if (askedMs !== null) this.until = Math.max(this.until, now + Math.min(askedMs, longestRateLimitMs));
  }

  /** The credential is refused; `needed`: so many in a row mean it. */
  refused(entry: Entry, now: number, needed: number): void {
    if (entry.epoch !== this.epoch) return;
    this.failures++;
    this.refusals++;
    if (entry.probe || (this.state === 'closed' && this.refusals >= needed)) this.open('refusal', now);
  }

  private open(cause: BreakerCause, now: number, askedMs: number | null = null): void {
    this.cause = cause;
    this.until = now + (askedMs === null ? this.openMs(cause) : Math.min(askedMs, longestRateLimitMs));
    this.openings++;
    this.epoch++;
    this.probing = false;
    this.move('open');
  }

  private openMs(cause: BreakerCause): number {
    const { open_ms, rate_limited_ms, refused_ms } = this.settings;
    if (cause === 'refusal') return refused_ms;
    const first = cause === 'failures' ? open_ms : rate_limited_ms;
    return Math.min(first * 2 ** Math.min(this.openings, 16), Math.max(first, longestOpenMs));
  }

  private close(): void {
    this.cause = null;
    this.failures = 0;
    this.refusals = 0;
    this.openings = 0;
    this.epoch++;
    this.probing = false;
    for (const counts of [this.bucket, this.before]) Object.assign(counts, { requests: 0, failed: 0 });
    this.move('closed');
  }

  private move(state: BreakerState): void {
    const from = this.state;
    this.state = state;
    if (from !== state) this.onTransition(this, from);
  }

  private count(now: number, failed: 0 | 1): void {
    const age = now - this.bucketStart;
    if (age >= bucketMs) {
      const recent = age < 2 * bucketMs;
      this.before.requests = recent ? this.bucket.requests : 0;
      this.before.failed = recent ? this.bucket.failed : 0;
      this.bucket.requests = 0;
      this.bucket.failed = 0;
      this.bucketStart = now;
    }
    this.bucket.requests++;
    this.bucket.failed += failed;
  }

  private rateIsBad(): boolean {
    const requests = this.bucket.requests + this.before.requests;
    const failed = this.bucket.failed + this.before.failed;
    return requests >= leastForRate && failed >= requests * this.settings.failure_rate;
  }
}
