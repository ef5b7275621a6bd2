import { describe, expect, it } from 'vitest';
import { buildRouteIndex } from '../../src/routing/build-index.ts';
import {
  fitEvidence,
  inScopeProbability,
  type Judged,
  priorWeights,
  type Signals,
} from '../../src/routing/evidence.ts';
import { type Core, signalsOf, workspaceFor } from '../../src/routing/rank.ts';
import { threeRoutes, translation } from './cards.ts';
import { hashedEmbedder, hashedVector } from './hashed-embedder.ts';

const near: Signals = { nearness: 1.4, lexical: 0.4, overNone: 0.5 };
const far: Signals = { nearness: 0.5, lexical: 0.1, overNone: 0.1 };

function rows(signals: Signals, inScope: boolean, count: number): Judged[] {
  return Array.from({ length: count }, () => ({ signals, inScope, weight: 1 }));
}

describe('the evidence of being in scope', () => {
  it('is the prior where nothing was judged', () => {
    expect([...fitEvidence([])]).toEqual([...priorWeights]);
  });

  it('learns which signals speak for a route', () => {
    const weights = fitEvidence([...rows(near, true, 50), ...rows(far, false, 50)]);
    expect(inScopeProbability(weights, near)).toBeGreaterThan(0.9);
    expect(inScopeProbability(weights, far)).toBeLessThan(0.1);
  });

  it('never lets a signal speak against its own kind', () => {
    const misleading = { ...far, lexical: 0.9 };
    const weights = fitEvidence([...rows(near, true, 50), ...rows(misleading, false, 50)]);
    for (const weight of weights.slice(1)) expect(weight).toBeGreaterThanOrEqual(0);
    const more = { ...near, lexical: 0.5 };
    expect(inScopeProbability(weights, more)).toBeGreaterThanOrEqual(inScopeProbability(weights, near));
  });

  it('adds the cosine with the nearest example to the logit of the head', async () => {
    const index = await buildRouteIndex({
      routes: threeRoutes,
      embedder: hashedEmbedder(),
      defaults: {},
      calibration: null,
    });
    const [example] = translation.examples;
    const route = index.names.indexOf('translation');
    expect(nearnessOf(index.core, example, route, 0.7)).toBeCloseTo(1 + 0.7, 1);
    expect(nearnessOf(index.core, 'zzz qqq', route, 0.7)).toBeLessThan(0.7 + 0.5);
  });
});

/** Of a prompt whose logit for the route is `logit` times the head's scale. */
function nearnessOf(core: Core, text: string, route: number, logit: number): number {
  const workspace = workspaceFor(core);
  workspace.logits[route] = logit * core.scale;
  const none = { ids: new Int32Array(0), weights: new Float32Array(0), from: 0, to: 0 };
  return signalsOf(core, workspace, route, { vector: hashedVector(text), ...none }).nearness;
}
