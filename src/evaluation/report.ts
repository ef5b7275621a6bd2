/**
 * The report of an evaluation: one JSON document, the source of every other form of it (terminal, HTML, gate, JUnit,
 * comparison). Keys are those of DESIGN §7 and more; figures without a denominator are null.
 */
import type { EmbeddingIdentity } from '../embedding/contract.ts';
import type { RoutePolicy } from '../routing/route-index.ts';
import { type Baselines, type BaselineTerms, baselinesOf } from './baselines.ts';
import { type Confusion, confusionsOf } from './confusions.ts';
import { type CostFigures, costOf } from './cost.ts';
import { type Curves, curvesOf } from './curves.ts';
import { bestIsRight, bestScore, decidedRight, type EvaluatedRow } from './evaluated-row.ts';
import { type Intervals, intervalsOf } from './intervals.ts';
import type { EvaluationRun } from './run.ts';
import { type Figures, figuresOf, perRoute, type RouteFigures } from './score.ts';
import { type SliceRow, slicesOf } from './slices.ts';

export interface ReportRoute extends RouteFigures {
  readonly target: string;
  readonly threshold: number;
  readonly threshold_on: 'score' | 'cosine';
  readonly promise: {
    readonly scope: string;
    readonly precision: number | null;
    /** What the card asks for, where only the lower `precision` is proven; else null. */
    readonly asked: number | null;
    readonly missing_rows: number | null;
  };
  /** Rows whose best route this is, by score in twentieths: right ones, and wrong ones. */
  readonly histogram: { readonly right: readonly number[]; readonly wrong: readonly number[] };
}

/** One row, for pairing two reports and for looking at what flipped. */
export interface ReportDecision {
  readonly key: string;
  readonly text: string;
  readonly file: string;
  readonly line: number;
  readonly truth: string | null;
  readonly route: string | null;
  readonly score: number;
  readonly reason: string;
  readonly right: boolean;
}

export interface EvaluationReport extends Figures, Curves {
  readonly report: 'shunt-evaluation';
  readonly version: 1;
  readonly created: string;
  readonly routes_folder: string;
  readonly data: readonly string[];
  readonly snapshot: string;
  readonly matcher: string;
  readonly embedding: {
    readonly alias: string;
    readonly name: string;
    readonly version: string;
    readonly fingerprint: string;
  };
  readonly routes: number;
  readonly rows_read: number;
  readonly rows_scored: number;
  readonly duplicates: number;
  readonly rows_out_of_scope: number;
  readonly intervals: Intervals;
  readonly per_route: Readonly<Record<string, ReportRoute>>;
  readonly confusions: readonly Confusion[];
  readonly slices: readonly SliceRow[];
  readonly baselines: Baselines;
  readonly cost: CostFigures;
  readonly latency_ms: { readonly p50: number | null; readonly p99: number | null };
  readonly stale_calibration: string | null;
  /** The first `decisionsKept` of them. */
  readonly decisions: readonly ReportDecision[];
}

export interface ReportInput {
  readonly run: EvaluationRun;
  readonly terms: BaselineTerms;
  readonly created: string;
  readonly routesFolder: string;
  readonly data: readonly string[];
  readonly snapshot: string;
  readonly matcher: string;
  readonly identity: EmbeddingIdentity;
  readonly policies: ReadonlyMap<string, RoutePolicy>;
  readonly staleCalibration: string | null;
  /** null: every field that looks like one. */
  readonly sliceFields: readonly string[] | null;
}

const decisionsKept = 100_000;
const histogramBins = 20;

export function reportOf(input: ReportInput): EvaluationReport {
  const { run, terms, identity } = input;
  const { rows } = run;
  const { alias, name, version, fingerprint } = identity;
  return {
    report: 'shunt-evaluation',
    version: 1,
    created: input.created,
    routes_folder: input.routesFolder,
    data: input.data,
    snapshot: input.snapshot,
    matcher: input.matcher,
    embedding: { alias, name, version, fingerprint },
    routes: terms.routes.length,
    rows_read: run.rowsRead,
    rows_scored: rows.length,
    duplicates: run.duplicates,
    rows_out_of_scope: rows.filter((row) => row.truth === null).length,
    ...figuresOf(rows, terms.targetOf),
    intervals: intervalsOf(rows),
    ...curvesOf(rows),
    per_route: routeReports(input),
    confusions: confusionsOf(rows),
    slices: slicesOf(rows, input.sliceFields, terms.targetOf),
    baselines: baselinesOf(rows, terms),
    cost: costOf(rows, terms, (row) => row.accepted),
    latency_ms: latencyOf(rows),
    stale_calibration: input.staleCalibration,
    decisions: rows.slice(0, decisionsKept).map(decisionOf),
  };
}

function routeReports({ run, terms, policies }: ReportInput): Record<string, ReportRoute> {
  const figures = perRoute(run.rows);
  const histograms = histogramsOf(run.rows);
  const none: RouteFigures = { rows: 0, accepted: 0, right: 0, precision: null, recall: null, f1: null };
  const empty = () => new Array<number>(histogramBins).fill(0);
  return Object.fromEntries(
    terms.routes.map((route): [string, ReportRoute] => {
      const policy = policies.get(route);
      const { scope = 'none', precision = null, asked = null, missingRows = null } = policy?.promise ?? {};
      return [
        route,
        {
          ...(figures.get(route) ?? none),
          target: terms.targetOf(route),
          threshold: policy?.threshold ?? 1,
          threshold_on: policy?.on ?? 'score',
          promise: { scope, precision, asked, missing_rows: missingRows },
          histogram: histograms.get(route) ?? { right: empty(), wrong: empty() },
        },
      ];
    }),
  );
}

function histogramsOf(rows: readonly EvaluatedRow[]): Map<string, { right: number[]; wrong: number[] }> {
  const histograms = new Map<string, { right: number[]; wrong: number[] }>();
  for (const row of rows) {
    const best = row.candidates[0];
    if (!best) continue;
    const own = histograms.get(best.route) ?? {
      right: new Array<number>(histogramBins).fill(0),
      wrong: new Array<number>(histogramBins).fill(0),
    };
    histograms.set(best.route, own);
    own[bestIsRight(row) ? 'right' : 'wrong'][Math.min(histogramBins - 1, Math.floor(best.score * histogramBins))]++;
  }
  return histograms;
}

function latencyOf(rows: readonly EvaluatedRow[]): { p50: number | null; p99: number | null } {
  const times = rows.flatMap((row) => (row.latencyMs === null ? [] : [row.latencyMs])).sort((a, b) => a - b);
  const at = (share: number) =>
    times.length === 0 ? null : times[Math.min(times.length - 1, Math.ceil(share * times.length) - 1)];
  return { p50: at(0.5), p99: at(0.99) };
}

function decisionOf(row: EvaluatedRow): ReportDecision {
  return {
    key: row.key,
    text: row.excerpt,
    file: row.file,
    line: row.line,
    truth: row.truth,
    route: row.accepted,
    score: Number(bestScore(row).toFixed(6)),
    reason: row.reason,
    right: decidedRight(row),
  };
}
