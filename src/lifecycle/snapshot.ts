/**
 * A snapshot is what one request decides with, from its start to its end: one embedding model, the route index built
 * with it, the routes and the name of the cache namespace. Immutable. Reload swaps the pointer to it; a request in
 * flight keeps the one it took.
 */
import type { Embedder } from '../embedding/contract.ts';
import type { Route } from '../routing/route.ts';
import type { RouteIndex } from '../routing/route-index.ts';

export interface Snapshot {
  /** Short digest over fingerprint, routes, calibration and matcher settings; in every decision. */
  readonly id: string;
  readonly embedder: Embedder;
  readonly index: RouteIndex;
  readonly routes: ReadonlyMap<string, Route>;
  readonly cacheNamespace: string;
}
