/** One request of a client, as the http layer hands it to a gateway story: already authenticated, body read once. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CancelSignal } from '../base/cancel.ts';
import type { Tenant } from './tenant.ts';

export interface ClientRequest {
  readonly id: string;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly body: Buffer;
  readonly tenant: Tenant;
  /** Aborted when the client goes away before its answer is complete. */
  readonly signal: CancelSignal;
  /** `clock.now()` and `clock.monotonic()` at the last byte of the body. */
  readonly receivedAt: number;
  readonly receivedMonotonic: number;
}

/** A header's single value; the first of several. */
export function requestHeader(request: Pick<ClientRequest, 'incoming'>, name: string): string | null {
  const value = request.incoming.headers[name];
  const first = Array.isArray(value) ? value[0] : value;
  return first === undefined || first === '' ? null : first;
}

/** The key's own tags, then `x-shunt-tags: team-a, batch`: at most 16 of 64 characters, each once. */
export function requestTags(request: Pick<ClientRequest, 'incoming' | 'tenant'>): readonly string[] {
  const header = requestHeader(request, 'x-shunt-tags');
  const own = request.tenant.tags;
  if (header === null) return own;
  const tags = [...own, ...header.split(',').map((tag) => tag.trim().slice(0, 64))];
  return [...new Set(tags)].filter((tag) => tag !== '').slice(0, 16);
}
