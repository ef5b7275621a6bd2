/**
 * The route index: everything a match reads, packed into typed arrays, with a manifest that says what it was built with
 * and from. Immutable; its workspace is scratch memory that no result depends on.
 *
 * Two parts with two lives: the learned part (`LearnedIndex`, stored on disk, costly) depends on the examples and the
 * embedding model; the policies (thresholds, margins) are resolved anew at every load and cost nothing.
 */
import type { ThresholdPolicy } from '../config/schema.ts';
import { type Calibration, resolveThreshold, staleness } from './calibration.ts';
import type { ThresholdPromise } from './decision.ts';
import type { EvidenceWeights } from './evidence.ts';
import { type LanguageCover, type LanguageReader, languageReader } from './language.ts';
import { type LexicalScanner, type LexicalSpace, lexicalScanner } from './lexical.ts';
import { type Core, type Workspace, workspaceFor } from './rank.ts';
import type { Route } from './route.ts';

/** Goes up when the same examples and model would give other scores: stored indexes and calibrations are then stale. */
export const matcherVersion = '3';

export interface Manifest {
  readonly matcher: string;
  readonly fingerprint: string;
  readonly dimensions: number;
  /** Over names, examples and counter-examples of all routes, and the background. */
  readonly sourceDigest: string;
  readonly routes: number;
  /** Examples and counter-examples with a vector in the index. */
  readonly items: number;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly settings: { readonly lexicalWeight: number; readonly scale: number; readonly lambda: number };
  readonly quality: {
    /** Examples nearest to their own centroid when left out of it; null without two examples in a route. */
    readonly leaveOneOutAccuracy: number | null;
    /** Examples put on their own route by a head fitted without them. */
    readonly crossFitAccuracy: number | null;
  };
  /** For routes without a threshold of their own. */
  readonly defaultThreshold: number;
}

export interface LearnedIndex {
  readonly manifest: Manifest;
  /** In order; class r of `core` is names[r]. */
  readonly names: readonly string[];
  readonly core: Core;
  readonly space: LexicalSpace;
  readonly evidence: EvidenceWeights;
  readonly cover: LanguageCover;
}

export interface RoutePolicy {
  readonly threshold: number;
  readonly on: 'score' | 'cosine';
  readonly margin: number;
  readonly rejectBelow: number;
  readonly promise: ThresholdPromise;
}

export interface RouteIndex extends LearnedIndex {
  readonly policies: readonly RoutePolicy[];
  /** Why a calibration that was given is not applied; null when it is, or when none was given. */
  readonly staleCalibration: string | null;
  readonly scanner: LexicalScanner;
  readonly reader: LanguageReader;
  readonly workspace: Workspace;
}

/** What `shunt.yaml` says for routes whose card says nothing. */
export interface PolicyDefaults {
  readonly threshold?: ThresholdPolicy | undefined;
  readonly margin?: number | undefined;
  readonly rejectBelow?: number | undefined;
}

export function withPolicies(
  learned: LearnedIndex,
  routes: readonly Route[],
  defaults: PolicyDefaults,
  calibration: Calibration | null,
): RouteIndex {
  const { manifest } = learned;
  const stale = calibration && staleness(calibration, manifest);
  const applied = stale === null ? calibration : null;
  const byName = new Map(routes.map((route) => [route.name, route]));
  const policies = learned.names.map((name): RoutePolicy => {
    const route = byName.get(name);
    const wanted = route?.threshold ?? defaults.threshold ?? null;
    const resolved = resolveThreshold(wanted, name, applied, manifest.defaultThreshold);
    return {
      threshold: resolved.value,
      on: resolved.on,
      margin: route?.margin ?? resolved.margin ?? defaults.margin ?? 0,
      rejectBelow: route?.rejectBelow ?? defaults.rejectBelow ?? 0,
      promise: resolved.promise,
    };
  });
  return {
    ...learned,
    policies,
    staleCalibration: stale,
    scanner: lexicalScanner(learned.space),
    reader: languageReader(learned.space),
    workspace: workspaceFor(learned.core),
  };
}
