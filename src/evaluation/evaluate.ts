/** Data files and a snapshot → a report. The composition that `shunt eval`, comparisons and benchmarks share. */
import type { Clock } from '../base/clock.ts';
import type { Config } from '../config/schema.ts';
import { routesFolder } from '../lifecycle/prepare.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import { targetOf } from '../routing/route.ts';
import type { BaselineTerms } from './baselines.ts';
import { type DatasetOptions, readDataset } from './dataset.ts';
import type { EvaluatedRow } from './evaluated-row.ts';
import { type EvaluationReport, reportOf } from './report.ts';
import { type EvaluationRun, runEvaluation } from './run.ts';

export interface EvaluateOptions {
  readonly config: Config;
  readonly snapshot: Snapshot;
  readonly dataset: Omit<DatasetOptions, 'knownRoutes' | 'textPolicy'>;
  readonly clock: Clock;
  readonly keepDuplicates: boolean;
  readonly assumedOutputTokens: number;
  /** null: every field that looks like one. */
  readonly sliceFields: readonly string[] | null;
  readonly routesFolder?: string | undefined;
  readonly onProgress?: ((rows: number) => void) | undefined;
}

export interface Evaluation {
  readonly report: EvaluationReport;
  readonly run: EvaluationRun;
}

/** Throws a `FaultList` or `bad_data` about the data files. */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const { config, snapshot, clock, dataset } = options;
  const { index } = snapshot;
  const rows = readDataset({ ...dataset, knownRoutes: index.names, textPolicy: config.routing.text });
  const { keepDuplicates, onProgress } = options;
  const run = await runEvaluation({ snapshot, rows, clock, keepDuplicates, onProgress });
  return { report: reportFor(options, run, dataset.files), run };
}

type ReportTerms = Omit<EvaluateOptions, 'dataset' | 'keepDuplicates' | 'onProgress'>;

/** The same figures about decisions that were made elsewhere: recorded ones. */
export function recordedReport(
  options: ReportTerms,
  recorded: { readonly rows: readonly EvaluatedRow[]; readonly data: readonly string[] },
): EvaluationReport {
  const { rows, data } = recorded;
  return reportFor(options, { rows, rowsRead: rows.length, duplicates: 0 }, data);
}

function reportFor(options: ReportTerms, run: EvaluationRun, data: readonly string[]): EvaluationReport {
  const { config, snapshot, clock } = options;
  const { index, embedder } = snapshot;
  return reportOf({
    run,
    terms: costTerms(options),
    created: new Date(clock.now()).toISOString(),
    routesFolder: options.routesFolder ?? routesFolder(config),
    data,
    snapshot: snapshot.id,
    matcher: index.manifest.matcher,
    identity: embedder.identity,
    policies: new Map(index.names.map((name, at) => [name, index.policies[at]])),
    staleCalibration: index.staleCalibration,
    sliceFields: options.sliceFields,
  });
}

export function costTerms({
  config,
  snapshot,
  assumedOutputTokens,
  clock,
}: Pick<EvaluateOptions, 'config' | 'snapshot' | 'assumedOutputTokens' | 'clock'>): BaselineTerms {
  const { fallback, default_target: cheapTarget } = config.routing;
  return {
    models: config.models,
    targetOf: (route) => (route === null ? fallback : targetOf(snapshot.routes.get(route), cheapTarget)),
    assumedOutputTokens,
    at: clock.now(),
    routes: snapshot.index.names,
    cheapTarget,
  };
}
