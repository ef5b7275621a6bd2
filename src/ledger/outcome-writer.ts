/**
 * Writes what callers tell, and answers each when its own is committed. While one transaction is under way, whatever
 * comes gathers for the next: a thousand callers at once cost a few commits, one alone waits for nobody.
 *
 *   tell() tell() tell() ──► waiting ──► records on their way first ──► store.tell, one transaction ──► each its own
 */
import type { LedgerStore } from './contract.ts';
import type { ToldOutcome, ToldResult } from './outcome.ts';
import type { Recorder } from './recorder.ts';

export type TellOutcomes = (told: readonly ToldOutcome[]) => Promise<readonly ToldResult[]>;

interface Waiting {
  readonly told: readonly ToldOutcome[];
  readonly resolve: (results: readonly ToldResult[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Outcomes in one transaction; what is told in one call stays together. */
const mostAtOnce = 1_000;

export function createOutcomeWriter(options: {
  readonly store: Pick<LedgerStore, 'tell'>;
  readonly recorder: Pick<Recorder, 'flush' | 'queued'>;
}): TellOutcomes {
  const { store, recorder } = options;
  let waiting: Waiting[] = [];
  let writing = false;

  return (told) =>
    new Promise((resolve, reject) => {
      waiting.push({ told, resolve, reject });
      if (!writing) void writeAll();
    });

  /** Never rejects: each caller learns of its own failure. */
  async function writeAll(): Promise<void> {
    writing = true;
    while (waiting.length > 0) await write(takeSome());
    writing = false;
  }

  function takeSome(): readonly Waiting[] {
    let outcomes = 0;
    const end = waiting.findIndex(({ told }, i) => {
      outcomes += told.length;
      return i > 0 && outcomes > mostAtOnce;
    });
    const some = end < 0 ? waiting : waiting.slice(0, end);
    waiting = waiting.slice(some.length);
    return some;
  }

  async function write(some: readonly Waiting[]): Promise<void> {
    try {
      // Their decisions may wait for the next flush: an outcome of a request that has just been answered finds it.
      if (recorder.queued > 0) await recorder.flush();
      const results = await store.tell(some.flatMap(({ told }) => told));
      let from = 0;
      for (const { told, resolve } of some) {
        resolve(results.slice(from, from + told.length));
        from += told.length;
      }
    } catch (error) {
      for (const { reject } of some) reject(error);
    }
  }
}
