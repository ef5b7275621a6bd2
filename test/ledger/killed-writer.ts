/** Run as a process of its own: writes records for ever and prints the id of each one that was acknowledged. */
import { openSqliteStore } from '../../src/ledger/sqlite-store.ts';
import { sampleRecord } from './sample-records.ts';

const store = await openSqliteStore(process.argv[2]);
for (let i = 0; ; i++) {
  await store.append([sampleRecord({ id: `r${i}` })]);
  process.stdout.write(`r${i}\n`);
}
