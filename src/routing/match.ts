/**
 * The match: a prompt and its vector → the whole decision, with every reason. Pure: no clock, no I/O, no state that
 * outlives the call.
 *
 *   score(route) = P(route | the prompt belongs to some route) · P(it belongs to some route)
 *
 * so scores are probabilities, comparable across routes, and sum to at most 1. The best route that passes its own
 * threshold is accepted: one that fails never hides one that passes, neither by rank nor by margin. A counter-example
 * nearer than every example vetoes its route. An uncovered language vetoes all.
 */
import { ShuntError } from '../base/errors.ts';
import type { UnitVector } from '../base/vector.ts';
import type { Candidate, MatchReason, MatchResult, NearestExample, ScoreParts, ThresholdPromise } from './decision.ts';
import { inScopeProbability } from './evidence.ts';
import { exampleCosine, nearestCosine } from './examples.ts';
import { choose, denseCosine, rank, signalsOf } from './rank.ts';
import type { RouteIndex } from './route-index.ts';

export interface MatchOptions {
  /** Candidates to return, 1 or more. Default 3. */
  readonly limit?: number;
  /** Also find the nearest single examples over all routes. */
  readonly explain?: boolean;
}

const noPromise: ThresholdPromise = { scope: 'none', precision: null, missingRows: null };
const nearestShown = 5;

/** A counter-example must be this much nearer than the nearest example, and this near, to veto. */
const vetoLead = 0.02;
const vetoCosine = 0.6;

/** Throws `bad_model` when the vector has other dimensions than the index. */
export function match(
  index: RouteIndex,
  prompt: { readonly text: string; readonly vector: UnitVector },
  options: MatchOptions = {},
): MatchResult {
  const { core, workspace } = index;
  const { text, vector } = prompt;
  if (core.routes === 0) return nothing('no-routes');
  if (!/\S/.test(text)) return nothing('empty-text');
  if (vector.length !== core.dimensions) throw foreignVector(vector.length, core.dimensions);

  const found = index.scanner.scan(text);
  rank(core, { vector, ids: found.ids, weights: found.weights, from: 0, to: found.size }, workspace);
  const best = choose(core, workspace);
  const inScope = inScopeProbability(index.evidence, signalsOf(core, workspace, best, vector));
  const covered = index.reader.covers(index.cover, text);
  const order = bestFirst(workspace.probabilities);
  const accepted = covered ? firstPassing(index, order, inScope, vector) : null;

  const limit = Math.max(1, options.limit ?? 3);
  const shown = order.slice(0, limit);
  if (accepted && !shown.includes(accepted.route)) shown[shown.length - 1] = accepted.route;
  const candidates = shown.map((route) => candidateOf(index, route, inScope, vector));
  const subject = accepted?.route ?? best;
  const margin = marginBelow(index, order, subject, inScope);
  const reason = reasonOf(index, { covered, accepted, margin, best, inScope });
  return {
    route: reason === 'matched' && accepted ? (index.names[accepted.route] ?? null) : null,
    reason,
    score: workspace.probabilities[subject] * inScope,
    margin,
    candidates,
    nearest: options.explain ? nearestExamples(index, vector) : [],
    promise: index.policies[subject]?.promise ?? noPromise,
    inScope,
  };
}

function nothing(reason: MatchReason): MatchResult {
  return { route: null, reason, score: 0, margin: 0, candidates: [], nearest: [], promise: noPromise, inScope: 0 };
}

function foreignVector(given: number, wanted: number): ShuntError {
  const problem = `The prompt's vector has ${given} dimensions, the route index ${wanted}`;
  return new ShuntError('bad_model', `${problem}. Rebuild the index with the serving embedding model`);
}

/** Routes by falling probability; on a tie the one first by name. */
function bestFirst(probabilities: Float64Array): number[] {
  const order = Array.from(probabilities, (_, route) => route);
  return order.sort((a, b) => probabilities[b] - probabilities[a] || a - b);
}

interface Accepted {
  readonly route: number;
  /** Its counter-examples speak against it, and no other route passes. */
  readonly vetoed: boolean;
}

function firstPassing(
  index: RouteIndex,
  order: readonly number[],
  inScope: number,
  vector: UnitVector,
): Accepted | null {
  let vetoed: Accepted | null = null;
  for (const route of order) {
    if (!passes(index, route, index.workspace.probabilities[route] * inScope, vector)) continue;
    if (!hasVeto(index, route, vector)) return { route, vetoed: false };
    vetoed ??= { route, vetoed: true };
  }
  return vetoed;
}

function passes(index: RouteIndex, route: number, score: number, vector: UnitVector): boolean {
  const policy = index.policies[route];
  if (!policy || score < policy.rejectBelow) return false;
  return (policy.on === 'score' ? score : denseCosine(index.core, route, vector)) >= policy.threshold;
}

function hasVeto(index: RouteIndex, route: number, vector: UnitVector): boolean {
  const { counters, examples } = index.core;
  if (counters.start[route] === counters.start[route + 1]) return false;
  const counter = nearestCosine(counters, route, vector);
  return counter >= vetoCosine && counter > nearestCosine(examples, route, vector) + vetoLead;
}

/** The subject's score minus that of the next route below it; its whole score without one. */
function marginBelow(index: RouteIndex, order: readonly number[], subject: number, inScope: number): number {
  const { probabilities } = index.workspace;
  const next = order[order.indexOf(subject) + 1];
  return (probabilities[subject] - (next === undefined ? 0 : probabilities[next])) * inScope;
}

function reasonOf(
  index: RouteIndex,
  found: { covered: boolean; accepted: Accepted | null; margin: number; best: number; inScope: number },
): MatchReason {
  const { covered, accepted, margin, best, inScope } = found;
  if (!covered) return 'language-not-covered';
  if (accepted?.vetoed) return 'counter-example';
  if (accepted) return margin < (index.policies[accepted.route]?.margin ?? 0) ? 'margin-too-small' : 'matched';
  const score = index.workspace.probabilities[best] * inScope;
  return inScope < 0.5 || score < (index.policies[best]?.rejectBelow ?? 0) ? 'out-of-scope' : 'below-threshold';
}

function candidateOf(index: RouteIndex, route: number, inScope: number, vector: UnitVector): Candidate {
  const { core, workspace } = index;
  const policy = index.policies[route];
  const score = workspace.probabilities[route] * inScope;
  const parts: ScoreParts = {
    dense: denseCosine(core, route, vector),
    lexical: workspace.lexical[route],
    refined: workspace.probabilities[route],
    nearest: nearestCosine(core.examples, route, vector),
    counter: nearestCosine(core.counters, route, vector),
  };
  return {
    route: index.names[route] ?? '',
    score,
    threshold: policy?.threshold ?? 1,
    thresholdOn: policy?.on ?? 'score',
    parts,
    passes: passes(index, route, score, vector),
  };
}

function nearestExamples({ core, names }: RouteIndex, vector: UnitVector): NearestExample[] {
  const { examples } = core;
  const all: NearestExample[] = [];
  for (let route = 0; route < core.routes; route++) {
    for (let row = examples.start[route]; row < examples.start[route + 1]; row++) {
      const similarity = exampleCosine(examples, row, vector);
      if (all.length === nearestShown && similarity <= (all[nearestShown - 1]?.similarity ?? 0)) continue;
      all.push({ route: names[route] ?? '', text: examples.texts[row] ?? '', similarity });
      all.sort((a, b) => b.similarity - a.similarity);
      if (all.length > nearestShown) all.pop();
    }
  }
  return all;
}
