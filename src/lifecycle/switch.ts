/**
 * The pointer to what serves. `prepare` may fail and take its time; the swap is one assignment and cannot fail.
 *
 *   reload() ─► prepare a whole new value ─► swap ─► the old one is retired after the last request that can hold it
 *                     └► fault: reported, the old one serves on
 *
 * Reloads never overlap: one that is asked for while another runs starts after it, and asks made meanwhile share it.
 */
export interface Switch<T> {
  /** null until the first value is in. */
  current(): T | null;
  /** Resolves to the value that serves afterwards; rejects with what was wrong, the old one then serves on. */
  reload(): Promise<T>;
  close(): Promise<void>;
}

export interface SwitchOptions<T> {
  readonly prepare: (current: T | null) => Promise<T>;
  /** Closes what `next` does not go on using; `next` is null at the end. */
  readonly retire: (previous: T, next: T | null) => Promise<void>;
  /** How long a request may still hold a value that was swapped out. */
  readonly graceMs: number;
}

export function createSwitch<T>(options: SwitchOptions<T>): Switch<T> {
  let current: T | null = null;
  let running: Promise<T> | null = null;
  let queued: Promise<T> | null = null;
  const retiring = new Map<NodeJS.Timeout, () => Promise<void>>();

  async function run(): Promise<T> {
    const next = await options.prepare(current);
    const previous = current;
    current = next;
    if (previous !== null) retireLater(previous, next);
    return next;
  }

  function retireLater(previous: T, next: T): void {
    const timer = setTimeout(() => {
      retiring.delete(timer);
      void options.retire(previous, next);
    }, options.graceMs);
    timer.unref();
    retiring.set(timer, () => options.retire(previous, next));
  }

  function start(): Promise<T> {
    running = run().finally(() => {
      running = null;
    });
    return running;
  }

  return {
    current: () => current,
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
      for (const [timer, retire] of retiring) {
        clearTimeout(timer);
        await retire();
      }
      retiring.clear();
      if (current !== null) await options.retire(current, null);
    },
  };
}
