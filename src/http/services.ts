/** What the endpoints may call. Built once, in `assemble.ts`. */

import type { Endpoints } from '../backend/endpoints.ts';
import type { Clock } from '../base/clock.ts';
import type { Config } from '../config/schema.ts';
import type { Embedder } from '../embedding/contract.ts';
import type { Allowance } from '../gateway/allowance.ts';
import type { CacheAdmin } from '../gateway/cache-admin.ts';
import type { ChatHandler } from '../gateway/chat.ts';
import type { GatewayEvents } from '../gateway/events.ts';
import type { Owners } from '../gateway/owners.ts';
import type { Outcome } from '../ledger/outcome.ts';
import type { TellOutcomes } from '../ledger/outcome-writer.ts';
import type { DecisionRecord } from '../ledger/record.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';

/** A decision with everything that was told about it, oldest first. */
export interface FoundDecision {
  readonly record: DecisionRecord;
  readonly outcomes: readonly Outcome[];
}

export interface Services {
  readonly config: Config;
  readonly clock: Clock;
  /** null until the first snapshot is in. */
  readonly snapshot: () => Snapshot | null;
  readonly chat: ChatHandler;
  readonly allowance: Allowance;
  readonly events: GatewayEvents;
  /** Who made what is stored at a backend. */
  readonly owners: Owners;
  readonly backends: ReadonlyMap<string, Endpoints>;
  /** Embedding models by alias, name or `name@version`; null when there is none of that name. */
  readonly embedder: (name: string) => Promise<Embedder | null>;
  readonly embeddingNames: () => readonly string[];
  readonly cacheAdmin: CacheAdmin;
  readonly findDecision: (id: string) => Promise<FoundDecision | null>;
  readonly tellOutcomes: TellOutcomes;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
  /** When the process started, in seconds since the epoch: the `created` of its models. */
  readonly startedAt: number;
}
