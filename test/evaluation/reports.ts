/** A small whole report for tests of what reads reports. */
import { type EvaluationReport, reportOf } from '../../src/evaluation/report.ts';
import { evaluatedRow, type Sketch } from './rows.ts';

export function reportOfSketches(sketches: readonly Sketch[]): EvaluationReport {
  const rows = sketches.map((sketch, at) => evaluatedRow(sketch, at + 1));
  const routes = [...new Set(rows.flatMap((row) => [row.truth, row.accepted]))]
    .filter((route) => route !== null)
    .sort();
  return reportOf({
    run: { rows, rowsRead: rows.length, duplicates: 0 },
    terms: {
      models: {},
      targetOf: (route) => (route === null ? 'large' : 'small'),
      assumedOutputTokens: 100,
      at: 0,
      routes,
      cheapTarget: 'small',
    },
    created: '2026-01-01T00:00:00.000Z',
    routesFolder: 'routes',
    data: ['rows.jsonl'],
    snapshot: 'abc',
    matcher: '1',
    identity: { alias: 'default', name: 'tiny', version: '1', fingerprint: 'sha256:1', dimensions: 4, maxTokens: 8 },
    policies: new Map(),
    staleCalibration: null,
    sliceFields: null,
  });
}

/** `right` of `rows` accepted on the right route, the others on another one. */
export function sketches(rows: number, right: (row: number) => boolean): Sketch[] {
  return Array.from({ length: rows }, (_, row) => {
    const accepted = right(row) ? 'a' : 'b';
    return { truth: 'a', best: accepted, score: 0.9, accepted, text: `prompt ${row}` };
  });
}
