import type { GateLine } from '../evaluation/gate.ts';
import type { EvaluationReport } from '../evaluation/report.ts';
export function evaluationPage(report: EvaluationReport, _gate: readonly GateLine[] | null): string {
  return report.snapshot;
}
