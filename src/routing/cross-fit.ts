/**
 * Judges examples by heads that were fitted without them: gives the honest accuracy of an index, the temperature that
 * makes its probabilities mean what they say, and the rows on which the evidence of being in scope is fitted.
 * Few examples: every fold in turn. Many: one fold of five, which is held-out rows enough, in a fraction of the time.
 * A very large index is judged by a head fitted on a part of its rows: its true accuracy is a little better.
 */
import type { UnitVector } from '../base/vector.ts';
import { buildCore, type CoreInput } from './core.ts';
import type { Judged } from './evidence.ts';
import { type Core, choose, rank, signalsOf, type Workspace, workspaceFor } from './rank.ts';
import type { RefineSettings } from './refine.ts';
import { seeded } from './seeded.ts';
import { classCounts, selectRows, type TrainingRows } from './training-rows.ts';

/** A judged row, its weight yet to be balanced. */
interface Seen extends Omit<Judged, 'weight'> {
  /** Out of scope as a near miss: an example whose own route was taken away. */
  readonly nearMiss: boolean;
}

export interface CrossFit {
  readonly judged: readonly Judged[];
  /** Held-out logits over the routes and the right route, for the temperature. */
  readonly held: readonly { readonly logits: Float64Array; readonly route: number }[];
  /** Share of held-out examples whose best route is right; null when no class has two examples. */
  readonly accuracy: number | null;
}

const folds = 5;
/** Above this many rows one fold is held out instead of each in turn. */
const manyRows = 2_000;
const mostJudged = 4_000;
/** Rows that a fold's head is fitted on; they stand in order of class, so that every class keeps its share. */
const mostFitted = 6_000;

export function* crossFit(input: CoreInput, settings: RefineSettings): Generator<number, CrossFit> {
  const { rows } = input;
  const fold = foldsOf(rows);
  const runs = rows.size > manyRows ? 1 : folds;
  const judged: Seen[] = [];
  const held: { logits: Float64Array; route: number }[] = [];
  let right = 0;
  for (let run = 0; run < runs; run++) {
    const kept: number[] = [];
    const out: number[] = [];
    for (let row = 0; row < rows.size; row++) (fold[row] === run ? out : kept).push(row);
    if (out.length === 0) continue;
    const fitted = everyFew(kept, mostFitted);
    const part = { ...input, rows: selectRows(rows, fitted), texts: fitted.map((row) => input.texts[row]) };
    const core = yield* shareOf(buildCore(part, settings), run, runs);
    const workspace = workspaceFor(core);
    for (const row of out.slice(0, mostJudged)) right += judge(core, workspace, rows, row, { judged, held });
  }
  return { judged: balanced(judged), held, accuracy: held.length === 0 ? null : right / held.length };
}

function everyFew(list: readonly number[], most: number): readonly number[] {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)]);
}

function* shareOf(build: Generator<number, Core>, run: number, runs: number): Generator<number, Core> {
  let next = build.next();
  while (!next.done) {
    yield (run + next.value) / runs;
    next = build.next();
  }
  return next.value;
}

/** Fold of each row, dealt class by class in a seeded order; -1: a class's only row, never held out. */
function foldsOf(rows: TrainingRows): Int32Array {
  const counts = classCounts(rows);
  const random = seeded(5);
  const next = Int32Array.from(counts, () => Math.floor(random() * folds));
  const fold = new Int32Array(rows.size);
  for (let row = 0; row < rows.size; row++) {
    const label = rows.labels[row];
    fold[row] = counts[label] < 2 ? -1 : next[label]++ % folds;
  }
  return fold;
}

function judge(
  core: Core,
  workspace: Workspace,
  rows: TrainingRows,
  row: number,
  into: { judged: Seen[]; held: { logits: Float64Array; route: number }[] },
): number {
  const { lexical, dimensions } = rows;
  const vector = rows.dense.subarray(row * dimensions, (row + 1) * dimensions) as UnitVector;
  const { ids, weights, start } = lexical;
  const query = { vector, ids, weights, from: start[row], to: start[row + 1] };
  rank(core, query, workspace);
  const own = rows.labels[row];
  const best = choose(core, workspace);
  const inScope = own < core.routes;
  into.judged.push({ signals: signalsOf(core, workspace, best, query), inScope, nearMiss: false });
  if (!inScope) return 0;
  into.held.push({ logits: workspace.logits.slice(0, core.routes), route: own });
  if (core.routes > 1) {
    const other = choose(core, workspace, own);
    into.judged.push({ signals: signalsOf(core, workspace, other, query), inScope: false, nearMiss: true });
  }
  return best === own ? 1 : 0;
}

/** Share of the out-of-scope weight that prompts from far away take, where there are enough of them: near misses are many. */
const farShare = 0.5;
/** A far row weighs at most as much as this many near misses: a dozen of them must not decide. */
const mostFarWeight = 8;

/** In scope and out of scope weigh the same in total, whatever their numbers. */
function balanced(judged: readonly Seen[]): Judged[] {
  const inside = judged.filter((row) => row.inScope).length;
  const near = judged.filter((row) => row.nearMiss).length;
  const far = judged.length - inside - near;
  if (inside === 0 || near + far === 0) return [];
  const half = judged.length / 2;
  const share = near === 0 ? 1 : Math.min(farShare, (mostFarWeight * far) / (mostFarWeight * far + near));
  return judged.map(({ signals, inScope, nearMiss }) => {
    const weight = inScope ? half / inside : nearMiss ? (half * (1 - share)) / near : (half * share) / far;
    return { signals, inScope, weight };
  });
}

/** The factor on the logits with the least held-out cross-entropy; 1 when nothing was held out. */
export function fitTemperature(held: CrossFit['held']): number {
  if (held.length === 0) return 1;
  let best = 1;
  let least = Infinity;
  for (let factor = 0.5; factor <= 4; factor *= 1.15) {
    let loss = 0;
    for (const { logits, route } of held) {
      let most = -Infinity;
      for (const logit of logits) most = Math.max(most, logit);
      let sum = 0;
      for (const logit of logits) sum += Math.exp(factor * (logit - most));
      loss += Math.log(sum) - factor * (logits[route] - most);
    }
    if (loss < least) {
      least = loss;
      best = factor;
    }
  }
  return best;
}
