/**
 * The manifest of a stored index, read back from disk: what it was built with and from. `refusal` holds the rule that an
 * index of another embedding model, of other examples or of another matcher is never queried.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Manifest } from '../routing/route-index.ts';

const share = z.number().min(0).max(1).nullable();

export const manifestSchema = z.object({
  matcher: z.string(),
  fingerprint: z.string(),
  dimensions: z.number().int().positive(),
  sourceDigest: z.string(),
  routes: z.number().int().nonnegative(),
  items: z.number().int().nonnegative(),
  created: z.number(),
  settings: z.object({ lexicalWeight: z.number(), scale: z.number(), lambda: z.number() }),
  quality: z.object({ leaveOneOutAccuracy: share, crossFitAccuracy: share }),
  defaultThreshold: z.number().min(0).max(1),
}) satisfies z.ZodType<Manifest>;

/** What an index must have been built with and from to be queried. */
export type IndexIdentity = Pick<Manifest, 'matcher' | 'fingerprint' | 'sourceDigest' | 'dimensions'>;

/** Why an index with `manifest` must not be queried for `wanted`; null when it may. */
export function refusal(manifest: IndexIdentity, wanted: IndexIdentity): string | null {
  if (manifest.fingerprint !== wanted.fingerprint) return 'it was built with another embedding model';
  if (manifest.dimensions !== wanted.dimensions) return 'its vectors have other dimensions';
  if (manifest.matcher !== wanted.matcher) return 'it was built by another version of the matcher';
  if (manifest.sourceDigest !== wanted.sourceDigest) return 'the examples have changed';
  return null;
}

/** File name of the index: one for each model, set of examples and version of the matcher. */
export function indexKey({ matcher, fingerprint, sourceDigest }: IndexIdentity): string {
  return createHash('sha256')
    .update(JSON.stringify([matcher, fingerprint, sourceDigest]))
    .digest('hex')
    .slice(0, 32);
}
