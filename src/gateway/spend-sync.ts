/**
 * Keeps budgets in step with the ledger: at the start, after a reload, and, where other replicas write to the same
 * ledger, every few seconds. In between, each process counts its own; replicas together may overshoot a budget by what
 * they spend in that time. What is booked while the ledger is asked may count twice until the period ends: never too
 * little. A ledger that does not answer is asked again until it does.
 */
import type { Clock } from '../base/clock.ts';
import { messageOf, ShuntError } from '../base/errors.ts';
import type { LedgerStore } from '../ledger/contract.ts';
import { boundsOf, type Period } from './account.ts';
import type { Budgets } from './budgets.ts';

export interface SpendSync {
  /** Rejects with `ledger_failed`; it is asked again by itself. */
  refresh(): Promise<void>;
  /** The same, but a failure goes to `onError`. */
  follow(): Promise<void>;
  close(): void;
}

const everyMs = 5_000;
const sums = (['key', 'route'] as const).flatMap((by) => (['day', 'month'] as const).map((period) => ({ by, period })));

export function createSpendSync(options: {
  readonly budgets: Pick<Budgets, 'limits' | 'asking' | 'learn'>;
  readonly store: Pick<LedgerStore, 'spentSince' | 'shared'>;
  /** What is recorded is on its way to the store; waits for it. */
  readonly flush: () => Promise<void>;
  readonly clock: Clock;
  readonly onError: (error: ShuntError) => void;
}): SpendSync {
  const { budgets, store, clock } = options;
  let running: Promise<void> | null = null;
  let failing = false;
  const timer = setInterval(() => {
    if (store.shared || failing) void follow();
  }, everyMs);
  timer.unref();

  return { refresh, follow, close: () => clearInterval(timer) };

  /** One at a time: whoever asks meanwhile gets the answer that is on its way. */
  function refresh(): Promise<void> {
    running ??= read().then(
      () => {
        failing = false;
        running = null;
      },
      (error: unknown) => {
        failing = true;
        running = null;
        throw error;
      },
    );
    return running;
  }

  async function read(): Promise<void> {
    const limited = sums.filter(({ by }) => budgets.limits(by));
    if (limited.length === 0) return;
    budgets.asking();
    await options.flush();
    for (const { by, period } of limited) await readOne(by, period);
  }

  async function readOne(by: 'key' | 'route', period: Period): Promise<void> {
    const { start } = boundsOf(period, clock.now());
    budgets.learn({ by, period, start, sums: await store.spentSince(start, by) });
  }

  async function follow(): Promise<void> {
    const known = !failing;
    try {
      await refresh();
    } catch (error) {
      // Said once, and not every few seconds.
      if (!known) return;
      const message = `The ledger does not say what was spent: ${messageOf(error)} Budgets count what this process knows.`;
      options.onError(new ShuntError('ledger_failed', message, { cause: error }));
    }
  }
}
