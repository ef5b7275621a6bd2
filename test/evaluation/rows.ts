/** Evaluated rows for tests, from a few words. */
import type { EvaluatedRow } from '../../src/evaluation/evaluated-row.ts';

export interface Sketch {
  readonly truth: string | null;
  readonly best: string | null;
  readonly score: number;
  readonly accepted: string | null;
  readonly text?: string;
  readonly extra?: Readonly<Record<string, string>>;
}

export function evaluatedRow(sketch: Sketch, line = 1): EvaluatedRow {
  const { truth, best, score, accepted, text = `prompt ${line}`, extra = {} } = sketch;
  return {
    file: 'rows.jsonl',
    line,
    excerpt: text,
    key: text,
    extra,
    inputTokens: 10,
    outputTokens: null,
    truth,
    candidates: best === null ? [] : [{ route: best, score }],
    accepted,
    reason: accepted === null ? 'below-threshold' : 'matched',
    latencyMs: 1,
    trivial: null,
  };
}
