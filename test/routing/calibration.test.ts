import { describe, expect, it } from 'vitest';
import { ShuntError } from '../../src/base/errors.ts';
import { buildRouteIndex, sourceDigest } from '../../src/routing/build-index.ts';
import { calibrationSchema, parseCalibration, rowsForPromise, staleness } from '../../src/routing/calibration.ts';
import { match } from '../../src/routing/match.ts';
import { matcherVersion } from '../../src/routing/route-index.ts';
import { threeRoutes } from './cards.ts';
import { hashedEmbedder, hashedVector } from './hashed-embedder.ts';

const routes = threeRoutes.map((route) => ({ ...route, threshold: { precision: 0.95 } }));

const calibration = calibrationSchema.parse({
  version: 1,
  embedding: 'sha256:hashed-1',
  matcher: matcherVersion,
  examples: sourceDigest(routes),
  oos_share: 0.3,
  rows: 400,
  pooled: [{ precision: 0.95, threshold: 0.4, accepted: 120, errors: 1 }],
  routes: {
    translation: [{ precision: 0.95, threshold: 0.2, margin: 0.1, accepted: 70, errors: 0 }],
    summarization: [{ precision: 0.95, threshold: null, accepted: 20, errors: 0, missing_rows: 39 }],
  },
});

const build = (given: typeof calibration | null) =>
  buildRouteIndex({ routes, embedder: hashedEmbedder(), defaults: {}, calibration: given });

describe('calibration', () => {
  it('needs 29, 59, 99 and 299 rows without an error for .90, .95, .97 and .99', () => {
    expect([0.9, 0.95, 0.97, 0.99].map(rowsForPromise)).toEqual([29, 59, 99, 299]);
  });

  it('gives each route its own promise, else the pooled one, and says what is missing', async () => {
    const index = await build(calibration);
    const policy = (name: string) => index.policies[index.names.indexOf(name)];
    expect(policy('translation')).toMatchObject({
      threshold: 0.2,
      margin: 0.1,
      promise: { scope: 'route', precision: 0.95, missingRows: 0 },
    });
    expect(policy('summarization')).toMatchObject({ threshold: 0.4, promise: { scope: 'pooled', missingRows: 39 } });
    expect(policy('small-talk')).toMatchObject({ threshold: 0.4, promise: { scope: 'pooled', missingRows: null } });
    const text = 'Translate to French: good morning';
    expect(match(index, { text, vector: hashedVector(text) }).promise.scope).toBe('route');
  });

  it('serves the strictest proven promise from .9 up where the one asked for is not proven, and says so', async () => {
    const strict = routes.map((route) => ({ ...route, threshold: { precision: 0.97 } }));
    const given = calibrationSchema.parse({
      ...calibration,
      pooled: [
        { precision: 0.9, threshold: 0.3 },
        { precision: 0.95, threshold: 0.4, accepted: 120, errors: 1 },
        { precision: 0.97, threshold: null, missing_rows: 11 },
      ],
      routes: {
        translation: [
          { precision: 0.95, threshold: 0.2 },
          { precision: 0.97, threshold: null, missing_rows: 30 },
        ],
        summarization: [{ precision: 0.9, threshold: 0.1 }],
      },
    });
    const index = await buildRouteIndex({
      routes: strict,
      embedder: hashedEmbedder(),
      defaults: { threshold: 0.5 },
      calibration: given,
    });
    const policy = (name: string) => index.policies[index.names.indexOf(name)];
    expect(policy('translation')).toMatchObject({
      threshold: 0.2,
      promise: { scope: 'route', precision: 0.95, asked: 0.97, missingRows: 30 },
    });
    expect(policy('summarization')).toMatchObject({
      threshold: 0.4,
      promise: { scope: 'pooled', precision: 0.95, asked: 0.97, missingRows: 11 },
    });
    const weak = { ...given, routes: {}, pooled: [{ ...given.pooled[0], precision: 0.85 }] };
    const [first] = (
      await buildRouteIndex({
        routes: strict,
        embedder: hashedEmbedder(),
        defaults: { threshold: 0.5 },
        calibration: weak,
      })
    ).policies;
    expect(first).toMatchObject({ threshold: 0.5, promise: { scope: 'none', precision: 0.97, missingRows: 99 } });
  });

  it('is not applied to another model, matcher or set of examples', async () => {
    const key = {
      fingerprint: calibration.embedding,
      matcher: calibration.matcher,
      sourceDigest: calibration.examples,
    };
    expect(staleness(calibration, key)).toBeNull();
    expect(staleness(calibration, { ...key, fingerprint: 'x' })).toMatch(/embedding model/);
    expect(staleness(calibration, { ...key, matcher: 'x' })).toMatch(/matcher/);
    expect(staleness(calibration, { ...key, sourceDigest: 'x' })).toMatch(/examples/);
    const index = await build({ ...calibration, embedding: 'sha256:other' });
    expect(index.staleCalibration).toMatch(/embedding model/);
    expect(index.policies.every((policy) => policy.promise.scope === 'none')).toBe(true);
  });

  it('names every fault of a broken file', () => {
    const broken = JSON.stringify({ ...calibration, oos_share: 2, version: 3 });
    expect(() => parseCalibration(broken, 'routes/calibration.json')).toThrow(ShuntError);
    expect(() => parseCalibration(broken, 'routes/calibration.json')).toThrow(
      /oos_share[\s\S]*version|version[\s\S]*oos_share/,
    );
    expect(() => parseCalibration('{', 'routes/calibration.json')).toThrow(/not JSON/);
  });
});
