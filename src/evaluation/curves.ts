/**
 * What the score is worth, whatever the threshold: risk against coverage, ROC and precision–recall of "the best route is
 * right", calibration error, and the figures at every threshold. Rows with equal scores are taken together, so that no
 * figure depends on the order of the data.
 */
import { bestIsRight, bestScore, type EvaluatedRow } from './evaluated-row.ts';
import { share } from './score.ts';

export interface RiskPoint {
  readonly coverage: number;
  /** Share of the accepted rows that are wrong. */
  readonly risk: number;
  readonly threshold: number;
}

export interface ThresholdPoint {
  readonly threshold: number;
  readonly accuracy: number;
  readonly coverage: number;
  readonly precision: number | null;
  readonly oos_recall: number | null;
}

export interface Curves {
  readonly risk_coverage: readonly RiskPoint[];
  /** Mean risk over all coverages: 0 is perfect. */
  readonly aurc: number | null;
  readonly roc_auc: number | null;
  /** Average precision. */
  readonly pr_auc: number | null;
  /** Expected calibration error of the score, 15 bins of equal width. */
  readonly ece: number | null;
  readonly thresholds: readonly ThresholdPoint[];
}

/** Rows with one score. */
interface Step {
  readonly score: number;
  readonly right: number;
  readonly wrong: number;
  readonly strangers: number;
}

const drawnPoints = 200;
const bins = 15;

export function curvesOf(rows: readonly EvaluatedRow[]): Curves {
  const steps = stepsOf(rows);
  const risk = riskPoints(steps, rows.length);
  return {
    risk_coverage: thin(risk.points),
    aurc: risk.area,
    roc_auc: rocArea(steps),
    pr_auc: averagePrecision(steps),
    ece: calibrationError(rows),
    thresholds: thresholdPoints(steps, rows.length),
  };
}

/** Best score first. */
function stepsOf(rows: readonly EvaluatedRow[]): Step[] {
  const steps = new Map<number, { score: number; right: number; wrong: number; strangers: number }>();
  for (const row of rows) {
    const score = bestScore(row);
    const step = steps.get(score) ?? { score, right: 0, wrong: 0, strangers: 0 };
    steps.set(score, step);
    if (bestIsRight(row)) step.right++;
    else step.wrong++;
    if (row.truth === null) step.strangers++;
  }
  return [...steps.values()].sort((a, b) => b.score - a.score);
}

function riskPoints(steps: readonly Step[], rows: number): { points: RiskPoint[]; area: number | null } {
  const points: RiskPoint[] = [];
  let taken = 0;
  let wrong = 0;
  let sum = 0;
  for (const step of steps) {
    const size = step.right + step.wrong;
    // Within a tie rows come in no order: the errors spread evenly.
    for (let i = 1; i <= size; i++) sum += (wrong + (step.wrong * i) / size) / (taken + i);
    taken += size;
    wrong += step.wrong;
    points.push({ coverage: taken / rows, risk: wrong / taken, threshold: step.score });
  }
  return { points, area: share(sum, rows) };
}

/** Chance that a right row scores above a wrong one; ties count half. */
function rocArea(steps: readonly Step[]): number | null {
  let right = 0;
  let wrong = 0;
  let area = 0;
  for (const step of steps) {
    area += step.wrong * (right + step.right / 2);
    right += step.right;
    wrong += step.wrong;
  }
  return share(area, right * wrong);
}

function averagePrecision(steps: readonly Step[]): number | null {
  const total = steps.reduce((sum, step) => sum + step.right, 0);
  let right = 0;
  let taken = 0;
  let area = 0;
  for (const step of steps) {
    right += step.right;
    taken += step.right + step.wrong;
    area += step.right * (right / taken);
  }
  return share(area, total);
}

function calibrationError(rows: readonly EvaluatedRow[]): number | null {
  const scores = new Float64Array(bins);
  const hits = new Float64Array(bins);
  for (const row of rows) {
    const score = bestScore(row);
    const bin = Math.min(bins - 1, Math.floor(score * bins));
    scores[bin] += score;
    if (bestIsRight(row)) hits[bin]++;
  }
  let gap = 0;
  for (let bin = 0; bin < bins; bin++) gap += Math.abs(scores[bin] - hits[bin]);
  return share(gap, rows.length);
}

/** One threshold for all routes, from 0 to 1 in hundredths. */
function thresholdPoints(steps: readonly Step[], rows: number): ThresholdPoint[] {
  if (rows === 0) return [];
  const allStrangers = steps.reduce((sum, step) => sum + step.strangers, 0);
  const points: ThresholdPoint[] = [];
  let at = 0;
  const seen = { right: 0, wrong: 0, strangers: 0 };
  for (let hundredth = 100; hundredth >= 0; hundredth--) {
    const threshold = hundredth / 100;
    for (; at < steps.length && steps[at].score >= threshold; at++) {
      seen.right += steps[at].right;
      seen.wrong += steps[at].wrong;
      seen.strangers += steps[at].strangers;
    }
    const accepted = seen.right + seen.wrong;
    const kept = allStrangers - seen.strangers;
    points.push({
      threshold,
      accuracy: (seen.right + kept) / rows,
      coverage: accepted / rows,
      precision: share(seen.right, accepted),
      oos_recall: share(kept, allStrangers),
    });
  }
  return points.reverse();
}

/** Enough to draw; the first and the last are kept. */
function thin(points: readonly RiskPoint[]): RiskPoint[] {
  if (points.length <= drawnPoints) return [...points];
  return Array.from(
    { length: drawnPoints },
    (_, i) => points[Math.round((i * (points.length - 1)) / (drawnPoints - 1))],
  );
}
