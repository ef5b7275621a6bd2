/**
 * The pointer to what serves. `prepare` may fail and take its time; the swap is one assignment and cannot fail.
 *
 *   reload() ─► prepare a whole new value ─► swap ─► the old one is retired when the last request that holds it has ended
 *                     └► fault: reported, the old one serves on
 *
 * Reloads never overlap: one that is asked for while another runs starts after it, and asks made meanwhile share it.
 */
export interface Switch<T> {
  /** null until the first value is in. */
  current(): T | null;
  /** Does `work` with what serves now, which is not retired before that has ended, however often it is swapped out. */
  use<R>(work: (value: T) => R | Promise<R>): Promise<R>;
  /** Resolves to the value that serves afterwards; rejects with what was wrong, the old one then serves on. */
  reload(): Promise<T>;
  /** Retires everything, whether somebody still holds it or not. */
  close(): Promise<void>;
}

export interface SwitchOptions<T> {
  readonly prepare: (current: T | null) => Promise<T>;
  /** Closes what `next` does not go on using; `next` is null at the end. */
  readonly retire: (previous: T, next: T | null) => Promise<void>;
  /** What could not be closed is left as it is: the process goes on. */
  readonly onRetireFailed: (error: unknown) => void;
}

interface Serving<T> {
  readonly value: T;
  users: number;
  /** What has taken its place; null while it serves. */
  next: T | null;
}

export function createSwitch<T>(options: SwitchOptions<T>): Switch<T> {
  let serving: Serving<T> | null = null;
  let running: Promise<T> | null = null;
  let queued: Promise<T> | null = null;
  const outgoing = new Set<Serving<T>>();

  async function run(): Promise<T> {
    const value = await options.prepare(serving?.value ?? null);
    const previous = serving;
    serving = { value, users: 0, next: null };
    if (previous !== null) {
      previous.next = value;
      outgoing.add(previous);
      retireUnused(previous);
    }
    return value;
  }

  function retireUnused(one: Serving<T>): void {
    if (one.users === 0 && outgoing.delete(one)) void retire(one);
  }

  async function retire(one: Serving<T>): Promise<void> {
    try {
      await options.retire(one.value, one.next);
    } catch (error) {
      options.onRetireFailed(error);
    }
  }

  function start(): Promise<T> {
    running = run().finally(() => {
      running = null;
    });
    return running;
  }

  return {
    current: () => serving?.value ?? null,
    async use(work) {
      const held = serving;
      if (held === null) throw new Error('used before the first value was in');
      held.users++;
      try {
        return await work(held.value);
      } finally {
        held.users--;
        if (held.next !== null) retireUnused(held);
      }
    },
    reload() {
      if (running === null) return start();
      queued ??= running
        .catch(() => undefined)
        .then(() => {
          queued = null;
          return start();
        });
      return queued;
    },
    async close() {
      await running?.catch(() => undefined);
      const all = [...outgoing, ...(serving === null ? [] : [serving])];
      outgoing.clear();
      for (const one of all) await retire(one);
    },
  };
}
