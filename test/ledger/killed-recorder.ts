/** Run as a process of its own: records for ever, and prints the id of each record that has left the recorder's queue. */
import { systemClock } from '../../src/base/clock.ts';
import { createRecorder } from '../../src/ledger/recorder.ts';
import { createSpill } from '../../src/ledger/spill.ts';
import { openSqliteStore } from '../../src/ledger/sqlite-store.ts';
import { sampleRecord } from './sample-records.ts';

const file = process.argv[2];
const recorder = createRecorder({
  store: await openSqliteStore(file),
  flushMs: 5,
  maxQueued: 10_000,
  spill: createSpill(`${file}.spill.jsonl`, 1 << 20),
  clock: systemClock,
  onError: (error) => process.stderr.write(`${error.message}\n`),
});
let settled = 0;
for (let i = 0; ; i++) {
  recorder.record(sampleRecord({ id: `r${i}` }));
  if (i % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  for (; settled <= i - recorder.queued; settled++) process.stdout.write(`r${settled}\n`);
}
