/**
 * A snapshot is what one request decides with, from its start to its end: one embedding model, the route index built
 * with it, the routes and the name of the cache namespace. Immutable. Reload swaps the pointer to it; a request in
 * flight keeps the one it took.
 */
import { hash } from 'node:crypto';
import type { Embedder } from '../embedding/contract.ts';
import { type PromptEmbedder, promptEmbedder } from '../routing/prompt-embedder.ts';
import type { Route } from '../routing/route.ts';
import type { RouteIndex } from '../routing/route-index.ts';

export interface Snapshot {
  /** Short digest over fingerprint, routes, calibration and matcher settings; in every decision. */
  readonly id: string;
  readonly embedder: Embedder;
  /** Embeds prompts for `match`, as the examples of the index were embedded. */
  readonly prompts: PromptEmbedder;
  readonly index: RouteIndex;
  readonly routes: ReadonlyMap<string, Route>;
  /** Cached answers are good for the routes and the targets that made them: part of every cache key. */
  readonly cacheNamespace: string;
  /** Some route opts in to caching; otherwise no key need be computed. */
  readonly anyRouteCaches: boolean;
}

export function makeSnapshot(parts: {
  readonly embedder: Embedder;
  readonly index: RouteIndex;
  readonly routes: readonly Route[];
  /** What else a decision depends on: defaults of the config, the calibration's digest. */
  readonly settings: unknown;
  /** What else an answer depends on: which models of which backends the names mean. */
  readonly answering?: unknown;
}): Snapshot {
  const { embedder, index, routes, settings } = parts;
  const { matcher, sourceDigest } = index.manifest;
  const described = routes.map(({ file: _file, ...rest }) => rest);
  const id = hash(
    'sha256',
    JSON.stringify([embedder.identity.fingerprint, matcher, sourceDigest, described, settings]),
    'hex',
  ).slice(0, 12);
  // What a card says of its cache is asked again at every hit: an answer outlives a change of its time to live.
  const aims = routes.map(({ name, target, answer, threshold, margin, rejectBelow }) => [
    name,
    target,
    answer,
    threshold,
    margin,
    rejectBelow,
  ]);
  const decided = [embedder.identity.fingerprint, matcher, sourceDigest, aims, settings, parts.answering];
  return Object.freeze({
    id,
    embedder,
    prompts: promptEmbedder(embedder),
    index,
    routes: new Map(routes.map((route) => [route.name, route])),
    cacheNamespace: hash('sha256', JSON.stringify(decided), 'hex').slice(0, 16),
    anyRouteCaches: routes.some((route) => route.cache.mode !== 'none'),
  });
}
