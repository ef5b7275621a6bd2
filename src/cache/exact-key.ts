/**
 * The key of the exact cache: a digest over all that an answer depends on, known before the prompt is matched.
 *
 *   sha256( namespace · tenant · endpoint · model as requested · aim · member · member · … )
 *
 * Members are those of the body, sorted by name, with the bytes of their values as the client wrote them: 1.0 and 1 are
 * two keys, which costs a hit and never an answer. `stream` and `stream_options` change the form of an answer only and
 * stay out. Every part is written with its length before it, so that no two lists of parts read alike.
 */
import { createHash, type Hash } from 'node:crypto';
import type { Member } from '../base/json-members.ts';

export interface ExactKeyParts {
  /** Snapshot's `cacheNamespace`. */
  readonly namespace: string;
  readonly tenant: string;
  /** Dialect and query: what the body does not say of the endpoint. */
  readonly endpoint: string;
  readonly model: string;
  /** Where the request goes, when something else than its body says so (a forced route, a pin); else empty. */
  readonly aim: string;
  readonly bytes: Buffer;
  readonly members: readonly Member[];
}

const formOnly = new Set(['stream', 'stream_options', 'model']);

export function exactKey(parts: ExactKeyParts): string {
  const { bytes } = parts;
  const hash = createHash('sha256');
  for (const part of [parts.namespace, parts.tenant, parts.endpoint, parts.model, parts.aim])
    add(hash, Buffer.from(part));
  const kept = parts.members.filter((member) => !formOnly.has(member.key));
  // A stable sort: duplicates of a member stay in their order, which decides which of them counts.
  kept.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  for (const member of kept) {
    add(hash, Buffer.from(member.key));
    add(hash, bytes.subarray(member.valueStart, member.valueEnd));
  }
  return hash.digest('base64url');
}

function add(hash: Hash, part: Buffer): void {
  hash.update(`${part.length}:`);
  hash.update(part);
}
