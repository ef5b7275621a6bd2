/** The file under a SQLite ledger: made with the rights that it is to have, and told apart from another in its place. */
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes the file and its folders where they are missing, for their owner only. */
export function makeFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Made here, since SQLite would make it readable for everyone; its -wal and -shm files take over the mode.
  closeSync(openSync(file, 'a', 0o600));
}

/** Which file stands there; null: none. As long as it is held open, no other has its number. */
export function identityOf(file: string): string | null {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}
