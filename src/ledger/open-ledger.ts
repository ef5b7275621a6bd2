/**
 * The ledger of a proxy that starts: the store, and the recorder before it. What happens when it cannot be opened:
 *
 *   database opens ───────────────────────────────► serve
 *   it does not, but its spill file can be written ─► serve: records wait there, and the database is tried until it opens
 *   neither ─► refuse to start; with `ledger.required: false` serve, and keep records in memory up to a bound
 *
 * While the proxy serves, a ledger that fails never fails a request; that is the recorder's part.
 */
import type { Clock } from '../base/clock.ts';
import { messageOf, ShuntError } from '../base/errors.ts';
import type { Config } from '../config/schema.ts';
import type { LedgerStore } from './contract.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import { createSpill } from './spill.ts';
import { openLedgerStore, spillFile } from './store.ts';

export interface OpenLedgerOptions {
  readonly config: Pick<Config, 'folder' | 'ledger'>;
  readonly clock: Clock;
  readonly onError: (error: ShuntError) => void;
}

export interface OpenLedger {
  readonly store: LedgerStore;
  readonly recorder: Recorder;
}

const maxQueued = 100_000;
const maxSpillBytes = 1 << 30;

/** Rejects with `bad_config` or `ledger_failed` when the proxy should not serve. */
export async function openLedger(options: OpenLedgerOptions): Promise<OpenLedger> {
  const { config, clock, onError } = options;
  const { url, flush_ms: flushMs, keep_days: keepDays, required } = config.ledger;
  const file = spillFile(url, config);
  const spill = file === null ? null : createSpill(file, maxSpillBytes);
  let closed: unknown = null;
  const onUnopened = (error: unknown) => {
    closed = error;
  };
  const store = await openLedgerStore(url, { folder: config.folder, onUnopened });
  if (closed !== null) {
    const why = spill === null ? 'there is no file to put them in.' : await spill.probe().then(() => null, messageOf);
    if (why !== null && required) {
      const message = `${messageOf(closed)} Nor can decision records wait beside it: ${why} Mend one of them, or set ledger.required: false to serve without a ledger.`;
      throw new ShuntError('ledger_failed', message, { cause: closed, param: 'ledger.url' });
    }
    const place = why === null ? spill?.file : `memory, ${maxQueued} at most (ledger.required: false)`;
    const message = `${messageOf(closed)} The proxy serves all the same: until the ledger opens, decision records wait in ${place}.`;
    onError(new ShuntError('ledger_failed', message, { cause: closed }));
  }
  return { store, recorder: createRecorder({ store, spill, flushMs, keepDays, maxQueued, clock, onError }) };
}
