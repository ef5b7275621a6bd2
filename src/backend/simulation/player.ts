/**
 * Plays a script to a sink in its time: latency, pauses between chunks, back-pressure, abort, and the deadlines that a
 * real backend's client would enforce, so that the simulated backend fails as a distant one does.
 */
import type { CancelSignal } from '../../base/cancel.ts';
import type { Clock } from '../../base/clock.ts';
import type { BackendConfig } from '../../config/schema.ts';
import type { BackendSink, BackendStream, FailureKind } from '../contract.ts';
import type { Faults } from './faults.ts';
import type { SimulatedReply } from './reply.ts';
import { type Ending, script } from './script.ts';

export interface Performance {
  readonly label: string;
  readonly limits: Pick<BackendConfig, 'first_byte_ms' | 'idle_ms' | 'total_ms'>;
  readonly clock: Clock;
  readonly sink: BackendSink;
  readonly signal: CancelSignal;
}

/** What is played, once the request has been read. */
export interface Piece {
  readonly reply: SimulatedReply;
  readonly headers: readonly string[];
  readonly faults: Faults;
}

/** So many chunks without a pause, then the event loop gets a turn: a long answer must not stop the process. */
const chunksPerTurn = 64;

/** `prepare` is called after `send` has returned; its promise rejecting means that the request's body broke off. */
export function play(performance: Performance, prepare: () => Promise<Piece>): BackendStream {
  const { sink, signal, limits, clock } = performance;
  const started = clock.monotonic();
  let answering = false;
  let paused = false;
  let done = false;
  let timer: NodeJS.Timeout | undefined;
  let chunks: Generator<Buffer, Ending> | null = null;
  let tokenMs = 0;

  const onAbort = () => fail('aborted', 'the call was aborted', signal.reason);
  if (signal.aborted) process.nextTick(onAbort);
  else signal.addEventListener('abort', onAbort, { once: true });
  process.nextTick(() => {
    if (done || signal.aborted) return;
    prepare().then(begin, (error: unknown) => fail('aborted', 'the request body broke off', error));
  });

  return {
    resume() {
      if (done || !paused) return;
      paused = false;
      after(0, pump);
    },
  };

  function begin(piece: Piece): void {
    if (done) return;
    const { faults } = piece;
    if (faults.hang === 'before') wait(Number.POSITIVE_INFINITY, () => {});
    else if (faults.malformed) wait(faults.latencyMs, () => fail('protocol', 'the answer is no HTTP'));
    else if (faults.reset === 'before') wait(faults.latencyMs, () => fail('reset', 'the connection was reset'));
    else wait(faults.latencyMs, () => answer(piece));
  }

  function answer({ reply, faults, headers }: Piece): void {
    answering = true;
    tokenMs = reply.stream || faults.chunkBytes !== null ? faults.tokenMs : 0;
    chunks = script(reply, faults);
    sink.onHeaders(reply.status, headers);
    if (faults.reset === 'headers') after(0, () => fail('reset', 'the connection was reset'));
    else pump();
  }

  function pump(): void {
    if (chunks === null) return;
    for (let sent = 0; !done && !paused; sent++) {
      if (sent === chunksPerTurn) {
        after(0, pump);
        return;
      }
      const next = chunks.next();
      if (next.done) {
        finish(next.value);
        return;
      }
      if (!sink.onData(next.value)) paused = true;
      else if (tokenMs > 0) {
        wait(tokenMs, pump);
        return;
      }
    }
  }

  function finish(ending: Ending): void {
    if (ending === 'hang') wait(Number.POSITIVE_INFINITY, () => {});
    else if (ending === 'reset') fail('reset', 'the connection was reset');
    else if (ending === 'short') fail('protocol', 'the answer is shorter than its declared length');
    else {
      stop();
      sink.onEnd();
    }
  }

  /** Goes on after `delayMs`, or fails at the first deadline that comes before. */
  function wait(delayMs: number, then: () => void): void {
    if (done) return;
    const total = { kind: 'total-timeout', ms: limits.total_ms - (clock.monotonic() - started) } as const;
    const step = answering
      ? ({ kind: 'idle-timeout', ms: limits.idle_ms } as const)
      : ({ kind: 'first-byte-timeout', ms: limits.first_byte_ms } as const);
    const limit = step.ms <= total.ms ? step : total;
    if (delayMs < limit.ms) after(delayMs, then);
    else after(limit.ms, () => fail(limit.kind, 'the simulated backend took too long'));
  }

  function after(delayMs: number, then: () => void): void {
    if (delayMs <= 0) {
      setImmediate(() => {
        if (!done) then();
      });
    } else timer = setTimeout(then, delayMs);
  }

  function fail(kind: FailureKind, text: string, cause?: unknown): void {
    if (done) return;
    stop();
    sink.onError({ kind, message: `${performance.label}: ${text}`, cause });
  }

  function stop(): void {
    done = true;
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
