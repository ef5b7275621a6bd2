/**
 * The door: how many requests are inside, who waits in front of it, whether it still opens, and when the last one has
 * left. `drain()` lets those inside finish and sends those who wait away.
 *
 *   enter ──► a place is free ─► inside
 *        └──► none is: a line per key ──(a place gets free: the keys in turn, one of each)──► inside
 *                        └──(queue_ms over, client gone, draining, a fuller line gives way)──► 503
 *
 * The queue is short, for a burst: work that waits long is work that nobody waits for any more. While a request waits,
 * its body is not read.
 */
import type { CancelSignal } from '../base/cancel.ts';
import { ShuntError } from '../base/errors.ts';

export interface Admission {
  /**
   * null: inside, at once. Otherwise resolves when inside; rejects with `overloaded`, `draining`, or the signal's reason.
   * Throws what it rejects with when that is clear at once. Every enter needs its leave. `who`: whose turn it is.
   */
  enter(who: string, signal: CancelSignal): Promise<void> | null;
  leave(): void;
  readonly inFlight: number;
  readonly queued: number;
  readonly draining: boolean;
  /** Resolves when nobody is inside any more. */
  drain(): Promise<void>;
}

export interface AdmissionOptions {
  readonly maxInFlight: number;
  /** 0: nobody waits. */
  readonly maxQueued: number;
  readonly queueMs: number;
}

interface Waiting {
  readonly admit: () => void;
  readonly refuse: (error: unknown) => void;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { maxInFlight, maxQueued, queueMs } = options;
  let inFlight = 0;
  let queued = 0;
  let draining = false;
  let empty: (() => void)[] = [];
  /** By key, the next in turn first: a line that has had its turn moves to the end. At most `maxQueued` lines. */
  const lines = new Map<string, Waiting[]>();

  return {
    enter(who, signal) {
      if (draining) throw drainingError();
      if (inFlight < maxInFlight) {
        inFlight++;
        return null;
      }
      if (maxQueued === 0) throw overloaded('none waits');
      if (queued >= maxQueued) makeRoom(who);
      return wait(who, signal);
    },
    leave() {
      inFlight--;
      if (queued > 0) admitNext();
      if (inFlight > 0) return;
      for (const resolve of empty) resolve();
      empty = [];
    },
    get inFlight() {
      return inFlight;
    },
    get queued() {
      return queued;
    },
    get draining() {
      return draining;
    },
    drain() {
      draining = true;
      for (const waiting of [...lines.values()].flat()) waiting.refuse(drainingError());
      if (inFlight === 0) return Promise.resolve();
      return new Promise((resolve) => empty.push(resolve));
    },
  };

  function wait(who: string, signal: CancelSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => waiting.refuse(overloaded(`no place got free in ${queueMs} ms`)), queueMs);
      const onGone = () => waiting.refuse(signal.reason);
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onGone);
        remove(who, waiting);
      };
      const waiting: Waiting = {
        admit() {
          settle();
          inFlight++;
          resolve();
        },
        refuse(error) {
          settle();
          reject(error);
        },
      };
      signal.addEventListener('abort', onGone);
      const line = lines.get(who);
      if (line === undefined) lines.set(who, [waiting]);
      else line.push(waiting);
      queued++;
    });
  }

  function remove(who: string, waiting: Waiting): void {
    const line = lines.get(who);
    const at = line?.indexOf(waiting) ?? -1;
    if (line === undefined || at < 0) return;
    line.splice(at, 1);
    queued--;
    if (line.length === 0) lines.delete(who);
  }

  function admitNext(): void {
    const [next] = lines;
    const [who, line] = next;
    line[0].admit();
    if (line.length === 0) return;
    lines.delete(who);
    lines.set(who, line);
  }

  /** The queue is full: the longest line gives its last place to a key with fewer, else the newcomer is refused. */
  function makeRoom(who: string): void {
    let longest: Waiting[] = [];
    for (const line of lines.values()) if (line.length > longest.length) longest = line;
    const own = lines.get(who)?.length ?? 0;
    if (longest.length <= own + 1) throw overloaded(`${queued} more wait (server.max_queued)`);
    longest.at(-1)?.refuse(overloaded('its place in the queue went to a key with fewer requests'));
  }

  function overloaded(why: string): ShuntError {
    const message = `The proxy serves ${inFlight} requests already (server.max_in_flight), and ${why}. Try again shortly.`;
    return new ShuntError('overloaded', message);
  }
}

function drainingError(): ShuntError {
  return new ShuntError('draining', 'The proxy is shutting down. Send the request again to another instance.');
}
