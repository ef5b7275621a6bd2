/**
 * Scored rows → a calibration: for each precision, a promise for every route whose rows suffice, and one for all other
 * routes pooled. Pooling the others only (not all) keeps the whole true when both are served side by side: each part
 * keeps the promise, so their sum does.
 */

import { type FoundPromise, findThreshold } from '../routing/calibrate.ts';
import type { CalibratedPromise, Calibration } from '../routing/calibration.ts';
import type { Manifest } from '../routing/route-index.ts';
import type { ScoredRows } from './scored-rows.ts';

export type PromiseScope = 'auto' | 'route' | 'pooled';

export interface TuneTerms {
  readonly routes: readonly string[];
  readonly precisions: readonly number[];
  /** null: the rows are taken as a sample of the traffic, out-of-scope share and all. */
  readonly oosShare: number | null;
  readonly scope: PromiseScope;
}

export interface TunedPromise extends FoundPromise {
  /** Routes that a pooled promise is about. */
  readonly routes: number;
}

export interface Tuned {
  readonly pooled: readonly TunedPromise[];
  readonly perRoute: ReadonlyMap<string, readonly FoundPromise[]>;
  readonly oosShare: number;
}

export function tunePromises(scored: ScoredRows, terms: TuneTerms): Tuned {
  const { rows } = scored;
  const { oosShare, scope } = terms;
  const perRoute = new Map<string, FoundPromise[]>(terms.routes.map((route) => [route, []]));
  const pooled: TunedPromise[] = [];
  const precisions = [...new Set(terms.precisions)].sort((a, b) => a - b);
  for (const precision of precisions) {
    const others = new Set(terms.routes);
    if (scope !== 'pooled') {
      for (const route of terms.routes) {
        const found = findThreshold(rows, (name) => name === route, { precision, oosShare });
        perRoute.get(route)?.push(found);
        if (found.threshold !== null) others.delete(route);
      }
    }
    if (scope === 'route' || others.size === 0) continue;
    const found = findThreshold(rows, (name) => others.has(name), { precision, oosShare });
    pooled.push({ ...found, routes: others.size });
  }
  const strangers = rows.filter((row) => row.truth === null).length;
  return { pooled, perRoute, oosShare: oosShare ?? (rows.length === 0 ? 0 : strangers / rows.length) };
}

export interface CalibrationSource {
  readonly tuned: Tuned;
  readonly scored: ScoredRows;
  readonly manifest: Manifest;
  readonly created: string;
  readonly chosen: Calibration['chosen'];
  /** What stood in the file before; null: nothing. */
  readonly previous: Calibration | null;
  readonly note: string;
}

const historyKept = 50;

export function calibrationOf(source: CalibrationSource): Calibration {
  const { tuned, scored, manifest, previous } = source;
  const routes: Record<string, CalibratedPromise[]> = {};
  for (const [route, promises] of tuned.perRoute) if (promises.length > 0) routes[route] = promises.map(written);
  const entry = {
    at: source.created,
    embedding: manifest.fingerprint,
    examples: manifest.sourceDigest,
    note: source.note,
  };
  return {
    version: 1,
    embedding: manifest.fingerprint,
    matcher: manifest.matcher,
    examples: manifest.sourceDigest,
    oos_share: tuned.oosShare,
    rows: scored.rows.length,
    data: scored.digest,
    created: source.created,
    pooled: tuned.pooled.map(written),
    routes,
    chosen: source.chosen,
    history: [...(previous?.history ?? []), entry].slice(-historyKept),
  };
}

function written(found: FoundPromise): CalibratedPromise {
  const { precision, threshold, accepted, errors, missingRows } = found;
  return { precision, threshold, margin: null, accepted, errors, missing_rows: missingRows };
}
