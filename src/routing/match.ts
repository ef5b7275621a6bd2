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
import { choose, denseCosine, lexicalCosine, type Query, rank, signalsOf } from './rank.ts';
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
  const query: Query = { vector, ids: found.ids, weights: found.weights, from: 0, to: found.size };
  rank(core, query, workspace);
  const best = choose(core, workspace);
  const inScope = inScopeProbability(index.evidence, signalsOf(core, workspace, best, query));
  const covered = index.reader.covers(index.cover, text);
  const accepted = covered ? firstPassing(index, inScope, vector) : null;

  const subject = accepted?.route ?? best;
  const margin = marginBelow(workspace.probabilities, subject) * inScope;
  const reason = reasonOf(index, { covered, accepted, margin, best, inScope });
  const shown = bestFirst(workspace.probabilities, Math.max(1, options.limit ?? 3));
  if (!shown.includes(subject)) shown[shown.length - 1] = subject;
  const explain = options.explain ?? false;
  return {
    route: reason === 'matched' ? (index.names[subject] ?? null) : null,
    reason,
    score: workspace.probabilities[subject] * inScope,
    margin,
    candidates: shown.map((route) => candidateOf(index, route, { inScope, query, explain })),
    nearest: explain ? nearestExamples(index, vector) : [],
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

/** The `limit` most probable routes, best first; on a tie the one first by name. */
function bestFirst(probabilities: Float64Array, limit: number): number[] {
  const best: number[] = [];
  for (let route = 0; route < probabilities.length; route++) {
    if (best.length === limit && probabilities[route] <= probabilities[best[limit - 1]]) continue;
    if (best.length === limit) best.pop();
    let at = best.length;
    while (at > 0 && probabilities[best[at - 1]] < probabilities[route]) at--;
    best.splice(at, 0, route);
  }
  return best;
}

interface Accepted {
  readonly route: number;
  /** Its counter-examples speak against it, and no other route passes. */
  readonly vetoed: boolean;
}

/** The best-scoring route that passes; one with a veto only when no other passes. */
function firstPassing(index: RouteIndex, inScope: number, vector: UnitVector): Accepted | null {
  const { probabilities } = index.workspace;
  let clear = -1;
  let vetoed = -1;
  for (let route = 0; route < probabilities.length; route++) {
    if (clear >= 0 && probabilities[route] <= probabilities[clear]) continue;
    if (!passes(index, route, probabilities[route] * inScope, vector)) continue;
    if (!hasVeto(index, route, vector)) clear = route;
    else if (vetoed < 0 || probabilities[route] > probabilities[vetoed]) vetoed = route;
  }
  if (clear >= 0) return { route: clear, vetoed: false };
  return vetoed >= 0 ? { route: vetoed, vetoed: true } : null;
}

function passes(index: RouteIndex, route: number, score: number, vector: UnitVector): boolean {
  const policy = index.policies[route];
  if (!policy || score < policy.rejectBelow) return false;
  return comparedOf(index, route, score, vector) >= policy.threshold;
}

/** What the route's threshold is compared with. */
function comparedOf(index: RouteIndex, route: number, score: number, vector: UnitVector): number {
  return index.policies[route]?.on === 'cosine' ? denseCosine(index.core, route, vector) : score;
}

function hasVeto(index: RouteIndex, route: number, vector: UnitVector): boolean {
  const { counters, examples } = index.core;
  if (counters.start[route] === counters.start[route + 1]) return false;
  const counter = nearestCosine(counters, route, vector);
  if (counter < vetoCosine) return false;
  // Against every example, however many: one that was left out could be the very prompt.
  return counter > nearestCosine(examples, route, vector, Number.POSITIVE_INFINITY) + vetoLead;
}

/** The subject's probability minus that of the next route below it (ties count as below); its own without one. */
function marginBelow(probabilities: Float64Array, subject: number): number {
  const own = probabilities[subject];
  let next = 0;
  for (let route = 0; route < probabilities.length; route++) {
    if (route !== subject && probabilities[route] <= own && probabilities[route] > next) next = probabilities[route];
  }
  return own - next;
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

function candidateOf(
  index: RouteIndex,
  route: number,
  { inScope, query, explain }: { inScope: number; query: Query; explain: boolean },
): Candidate {
  const policy = index.policies[route];
  const score = index.workspace.probabilities[route] * inScope;
  const compared = comparedOf(index, route, score, query.vector);
  const threshold = policy?.threshold ?? 1;
  return {
    route: index.names[route] ?? '',
    score,
    threshold,
    thresholdOn: policy?.on ?? 'score',
    compared,
    parts: explain ? partsOf(index, route, query) : null,
    passes: policy !== undefined && score >= policy.rejectBelow && compared >= threshold,
  };
}

function partsOf({ core, workspace }: RouteIndex, route: number, query: Query): ScoreParts {
  return {
    dense: denseCosine(core, route, query.vector),
    lexical: lexicalCosine(core, route, query),
    refined: workspace.probabilities[route],
    nearest: nearestCosine(core.examples, route, query.vector),
    counter: nearestCosine(core.counters, route, query.vector),
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
