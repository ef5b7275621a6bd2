/**
 * Refined prototypes: a linear head over dense and lexical evidence that starts at the centroids and is pulled back to
 * them, so that one example per route gives plain centroids and many examples give a trained classifier.
 *
 *   minimise  mean over rows of  weight · cross-entropy( scale · ⟨x, P⟩ )  +  λ/2 · ‖P − P₀‖²,   x = (√a·dense, √b·lexical)
 *
 * with a = 1/(1+β), b = β/(1+β) and unit centroids P₀. Stochastic gradient descent over the primal weights with a step
 * that falls to zero. A lexical weight exists only where a class has an example with that feature. Per row, only classes
 * near enough to matter take part in the dense product (`pruneBelow` in logits under the row's best).
 * Seeded, and independent of the order in which routes or examples were written down.
 */
import type { Centroids, Postings } from './centroids.ts';
import { addScaled, product } from './inner-product.ts';
import { seeded, shuffle } from './seeded.ts';
import type { TrainingRows } from './training-rows.ts';

export interface RefineSettings {
  /** β */
  readonly lexicalWeight: number;
  readonly scale: number;
  readonly lambda: number;
  readonly epochs: number;
  readonly seed: number;
}

/** Weights such that `⟨dense, d⟩ + ⟨lexical, l⟩` is the logit; scale and β are folded in. */
export interface LinearHead {
  /** classes × dimensions */
  readonly dense: Float32Array;
  readonly postings: Postings;
  /** Beside `postings.class`. */
  readonly lexical: Float32Array;
}

const pruneBelow = 6;
const mostRivals = 12;
/** Smaller gradients than this change nothing that can be measured. */
const leastGradient = 1e-3;
/** A row whose own class has all but this much of the probability is right beyond doubt. */
const certain = 0.02;
/** A rare class weighs more, but not so much that one row shakes the head. */
const mostWeight = 4;
const firstStep = 1.5;

/** The head at the centroids themselves. */
export function centroidHead(rows: TrainingRows, centroids: Centroids, settings: RefineSettings): LinearHead {
  const { lexicalWeight: beta, scale } = settings;
  const a = 1 / (1 + beta);
  const dense = new Float32Array(centroids.dense.length);
  const lexical = new Float32Array(centroids.lexical.length);
  const unit = new Float64Array(rows.classes);
  for (let c = 0; c < rows.classes; c++) {
    const square = a * centroids.denseSquares[c] + a * beta * centroids.lexicalSquares[c];
    unit[c] = square > 0 ? (scale * a) / Math.sqrt(square) : 0;
    for (let i = c * rows.dimensions; i < (c + 1) * rows.dimensions; i++) dense[i] = unit[c] * centroids.dense[i];
  }
  for (let p = 0; p < lexical.length; p++) {
    lexical[p] = unit[centroids.postings.class[p]] * beta * centroids.lexical[p];
  }
  return { dense, postings: centroids.postings, lexical };
}

/** Logits of row `row` by `head`, into `into` (length = classes). */
export function headLogits(rows: TrainingRows, head: LinearHead, row: number, into: Float64Array): void {
  const { dimensions, classes, dense } = rows;
  const from = row * dimensions;
  // Four classes at a time: each value of the row is loaded once for all of them.
  let c = 0;
  for (; c + 3 < classes; c += 4) productsOfFour(dense, from, head.dense, { dimensions, first: c, into });
  for (; c < classes; c++) into[c] = product(dense, from, head.dense, c * dimensions, dimensions);
  addLexical(rows, head, row, into);
}

function productsOfFour(
  dense: Float32Array,
  from: number,
  head: Float32Array,
  { dimensions, first, into }: { readonly dimensions: number; readonly first: number; readonly into: Float64Array },
): void {
  let one = 0;
  let two = 0;
  let three = 0;
  let four = 0;
  let at = first * dimensions;
  for (let i = 0; i < dimensions; i++, at++) {
    const value = dense[from + i];
    one += value * head[at];
    two += value * head[at + dimensions];
    three += value * head[at + 2 * dimensions];
    four += value * head[at + 3 * dimensions];
  }
  into[first] = one;
  into[first + 1] = two;
  into[first + 2] = three;
  into[first + 3] = four;
}

function addLexical(rows: TrainingRows, head: LinearHead, row: number, into: Float64Array): void {
  const { postings, lexical } = head;
  for (let p = rows.lexical.start[row]; p < rows.lexical.start[row + 1]; p++) {
    const f = rows.lexical.ids[p];
    const weight = rows.lexical.weights[p];
    for (let q = postings.start[f]; q < postings.start[f + 1]; q++) into[postings.class[q]] += weight * lexical[q];
  }
}

/** Trains in steps of one epoch, so that the caller can report progress, stop, and let others run. */
export function* refine(
  rows: TrainingRows,
  centroids: Centroids,
  settings: RefineSettings,
): Generator<number, LinearHead> {
  const start = centroidHead(rows, centroids, settings);
  const contests: Contest[] = [];
  for (let row = 0; row < rows.size; row++) {
    contests.push(contestOf(rows, start, row));
    if (row % rowsPerYield === 0) yield 0;
  }
  const trainer = newTrainer(rows, centroids, start, settings);
  const order = Int32Array.from({ length: rows.size }, (_, row) => row);
  const random = seeded(settings.seed);
  const steps = settings.epochs * rows.size;
  for (let step = 0; step < steps; step++) {
    const at = step % rows.size;
    if (at === 0) shuffle(order, random);
    trainer.learn(order[at], contests[order[at]], 1 - step / steps);
    if (at % rowsPerYield === 0) yield step / steps;
  }
  yield 1;
  return trainer.head();
}

const rowsPerYield = 256;

/** The classes that compete for a row, its own first, and their logits at the start. Both shrink as rivals fall away. */
interface Contest {
  classes: Int32Array;
  logits: Float32Array;
  /** Visits that a row which is right beyond doubt sits out, more the surer it is: half of the time of a large index. */
  rests: number;
}

function contestOf(rows: TrainingRows, head: LinearHead, row: number): Contest {
  const logits = new Float64Array(rows.classes);
  headLogits(rows, head, row, logits);
  let most = -Infinity;
  for (let c = 0; c < rows.classes; c++) if (logits[c] > most) most = logits[c];
  const own = rows.labels[row];
  const rivals: number[] = [];
  for (let c = 0; c < rows.classes; c++) if (logits[c] > most - pruneBelow && c !== own) rivals.push(c);
  rivals.sort((one, other) => logits[other] - logits[one]);
  const classes = Int32Array.from([own, ...rivals.slice(0, mostRivals)]);
  return { classes, logits: Float32Array.from(classes, (c) => logits[c]), rests: 0 };
}

/** Drops the rivals that have fallen `pruneBelow` under the best: their gradient is nothing, and they seldom come back. */
function pruneContest(contest: Contest, logits: Float64Array): void {
  const { classes } = contest;
  let most = -Infinity;
  for (let k = 0; k < classes.length; k++) if (logits[classes[k]] > most) most = logits[classes[k]];
  let kept = 0;
  for (let k = 0; k < classes.length; k++) {
    if (k > 0 && logits[classes[k]] < most - pruneBelow) continue;
    classes[kept] = classes[k];
    contest.logits[kept++] = contest.logits[k];
  }
  if (kept === classes.length) return;
  contest.classes = classes.slice(0, kept);
  contest.logits = contest.logits.slice(0, kept);
}

function newTrainer(rows: TrainingRows, centroids: Centroids, start: LinearHead, settings: RefineSettings) {
  const { dimensions, dense, labels, lexical } = rows;
  const { lexicalWeight: beta, scale, lambda } = settings;
  const a = 1 / (1 + beta);
  const { postings } = start;
  const owners = postings.class;
  // What was learned, in logits, but for the common factor `shrink`: the head is start + shrink · delta.
  const denseDelta = new Float32Array(start.dense.length);
  const lexicalDelta = new Float32Array(start.lexical.length);
  let shrink = 1;
  const logits = new Float64Array(rows.classes);
  const gradient = new Float64Array(rows.classes);
  const rowWeights = classWeights(centroids.counts, rows.size);

  const learn = (row: number, contest: Contest, decay: number): void => {
    if (contest.rests > 0) {
      contest.rests--;
      return;
    }
    const from = row * dimensions;
    scoreContest(row, contest);
    softmaxGradient(logits, contest.classes, labels[row], gradient);
    contest.rests = restsAfter(-gradient[labels[row]]);
    pruneContest(contest, logits);
    const { classes } = contest;
    // One step moves a row's own logit by at most about `firstStep`, whatever the scale.
    const rate = firstStep * decay;
    shrink *= 1 - (rate * lambda) / (scale * scale);
    const move = (rate * a * Math.min(mostWeight, rowWeights[labels[row]])) / shrink;
    let moved = false;
    for (let k = 0; k < classes.length; k++) {
      const c = classes[k];
      if (Math.abs(gradient[c]) < leastGradient) {
        gradient[c] = 0;
        continue;
      }
      moved = true;
      addScaled(denseDelta, c * dimensions, dense, { at: from, length: dimensions, by: -move * gradient[c] });
    }
    if (moved) learnLexical(row, move * beta);
    gradient.fill(0);
  };

  const scoreContest = (row: number, { classes, logits: first }: Contest): void => {
    logits.fill(0);
    for (let p = lexical.start[row]; p < lexical.start[row + 1]; p++) {
      const f = lexical.ids[p];
      const weight = lexical.weights[p];
      for (let q = postings.start[f], end = postings.start[f + 1]; q < end; q++) {
        logits[owners[q]] += weight * lexicalDelta[q];
      }
    }
    for (let k = 0; k < classes.length; k++) {
      const c = classes[k];
      const learned = logits[c] + product(dense, row * dimensions, denseDelta, c * dimensions, dimensions);
      logits[c] = first[k] + shrink * learned;
    }
  };

  const learnLexical = (row: number, move: number): void => {
    for (let p = lexical.start[row]; p < lexical.start[row + 1]; p++) {
      const f = lexical.ids[p];
      const by = move * lexical.weights[p];
      for (let q = postings.start[f], end = postings.start[f + 1]; q < end; q++) {
        lexicalDelta[q] -= by * gradient[owners[q]];
      }
    }
  };

  const head = (): LinearHead => ({
    dense: start.dense.map((value, i) => value + shrink * denseDelta[i]),
    lexical: start.lexical.map((value, i) => value + shrink * lexicalDelta[i]),
    postings,
  });
  return { learn, head };
}

function restsAfter(doubt: number): number {
  if (doubt >= certain) return 0;
  return doubt < certain / 4 ? 2 : 1;
}

function classWeights(counts: Int32Array, total: number): Float64Array {
  const used = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  return Float64Array.from(counts, (count) => (count > 0 ? total / used / count : 0));
}

/** p − y over the classes `near`, into `gradient`; other classes keep 0. */
function softmaxGradient(logits: Float64Array, near: Int32Array, own: number, gradient: Float64Array): void {
  let most = -Infinity;
  for (let k = 0; k < near.length; k++) if (logits[near[k]] > most) most = logits[near[k]];
  let sum = 0;
  for (let k = 0; k < near.length; k++) sum += gradient[near[k]] = Math.exp(logits[near[k]] - most);
  for (let k = 0; k < near.length; k++) gradient[near[k]] /= sum;
  gradient[own] -= 1;
}
