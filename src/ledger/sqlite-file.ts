/** The file under a SQLite ledger: made with the rights that it is to have, and told apart from another in its place. */
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes the file and its folders where they are missing, for their owner only. One that exists is never opened: POSIX lets
 * go of all locks that this process has on a file as soon as it closes it anywhere. Without SQLite's lock, the next
 * process that closes the database takes itself for the last one, deletes the log, and our commits go nowhere.
 */
export function makeFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isDirectory()) throw Object.assign(new Error('a folder stands there'), { code: 'EISDIR' });
  // Made here, since SQLite would make it readable for everyone; its -wal and -shm files take over the mode.
  if (found === undefined) closeSync(openSync(file, 'a', 0o600));
}

/** Which file stands there; null: none. As long as it is held open, no other has its number. */
export function identityOf(file: string): string | null {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}
