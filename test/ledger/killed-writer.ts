/** Run as a process of its own: writes records for ever and prints the id of each one that was acknowledged. */
import { openPostgresStore } from '../../src/ledger/postgres-store.ts';
import { openSqliteStore } from '../../src/ledger/sqlite-store.ts';
import { sampleRecord } from './sample-records.ts';

const place = process.argv[2];
const store = await (place.startsWith('postgres') ? openPostgresStore(place) : openSqliteStore(place));
for (let i = 0; ; i++) {
  await store.append([sampleRecord({ id: `r${i}` })]);
  process.stdout.write(`r${i}\n`);
}
