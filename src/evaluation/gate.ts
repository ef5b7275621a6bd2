/**
 * A gate says what must hold before a change ships: floors and ceilings on the figures, floors for each route, and how
 * much worse than a baseline it may be. `checkGate` gives one line for each condition, passed or failed, with the figures.
 *
 *   minimum:  { rows: 500, accuracy: 0.90, precision_accepted: 0.97 }
 *   maximum:  { fallback_rate: 0.6, latency_p99_ms: 5, usd_per_1000: 2.5 }
 *   per_route:
 *     "*":         { precision: 0.90 }
 *     translation: { precision: 0.97, recall: 0.80, rows: 30 }
 *   regression: { baseline: baseline.json, accuracy: 0.01, significance: 0.05 }
 */
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { FaultList } from '../base/fault.ts';
import { checkSchema } from '../config/check-schema.ts';
import { parseYaml, readText } from '../config/yaml-file.ts';
import { type ComparedReport, type Comparison, compareReports } from './compare.ts';
import type { EvaluationReport } from './report.ts';

const floor = z.number().min(0).max(1).optional();

const routeFloors = z.strictObject({
  rows: z.number().int().positive().optional(),
  precision: floor,
  recall: floor,
  f1: floor,
});

const gateSchema = z.strictObject({
  minimum: z
    .strictObject({
      rows: z.number().int().positive().optional(),
      accuracy: floor,
      accuracy_in_scope: floor,
      macro_f1: floor,
      coverage: floor,
      coverage_in_scope: floor,
      precision_accepted: floor,
      precision_target: floor,
      oos_recall: floor,
      roc_auc: floor,
      pr_auc: floor,
      saving_share: floor,
    })
    .prefault({}),
  maximum: z
    .strictObject({
      fallback_rate: floor,
      ece: floor,
      aurc: floor,
      duplicates: z.number().int().nonnegative().optional(),
      latency_p50_ms: z.number().positive().optional(),
      latency_p99_ms: z.number().positive().optional(),
      usd_per_1000: z.number().nonnegative().optional(),
    })
    .prefault({}),
  /** `*` is every route with rows; a name's own floors stand beside it. */
  per_route: z.record(z.string(), routeFloors).default({}),
  regression: z
    .strictObject({
      /** A report of `shunt eval --json`, relative to the gate. */
      baseline: z.string().min(1),
      /** How far accuracy may fall on the rows that both have. */
      accuracy: z.number().min(0).max(1).default(0),
      /** A fall counts when a paired test finds it less likely than this by chance. */
      significance: z.number().gt(0).max(1).default(0.05),
    })
    .optional(),
});

export type Gate = z.output<typeof gateSchema>;

export interface GateLine {
  /** As the gate spells it: `minimum.accuracy`, `per_route.translation.precision`. */
  readonly key: string;
  readonly passed: boolean;
  readonly words: string;
}

/** Throws a `FaultList`. Paths in the gate come back absolute. */
export async function readGate(file: string): Promise<Gate> {
  const text = await readText(file, file);
  if (typeof text === 'object') throw new FaultList([text]);
  const whole = { file, line: 0, key: '', value: '' };
  if (text === 'absent')
    throw new FaultList([{ ...whole, problem: 'does not exist', fix: 'Check the path given with --gate.' }]);
  const source = parseYaml(text, file);
  if (!source.usable) throw new FaultList(source.faults);
  const checked = checkSchema(gateSchema, { source, data: source.data ?? {} });
  if (checked.value === null || checked.faults.length > 0) throw new FaultList([...source.faults, ...checked.faults]);
  const { regression } = checked.value;
  if (!regression) return checked.value;
  return { ...checked.value, regression: { ...regression, baseline: resolve(dirname(file), regression.baseline) } };
}

/** `baseline` is the report that `gate.regression` names; null when it names none. */
export function checkGate(gate: Gate, report: EvaluationReport, baseline: ComparedReport | null): GateLine[] {
  const lines = [...floors(gate, report), ...ceilings(gate, report), ...routeLines(gate, report)];
  if (gate.regression && baseline) lines.push(regressionLine(gate.regression, compareReports(baseline, report)));
  return lines;
}

function floors({ minimum }: Gate, report: EvaluationReport): GateLine[] {
  const { rows, saving_share: saving, ...shares } = minimum;
  return [
    ...atLeast('minimum.rows', report.rows_scored, rows),
    ...atLeast('minimum.saving_share', report.cost.saving_share, saving),
    ...Object.entries(shares).flatMap(([key, wanted]) =>
      atLeast(`minimum.${key}`, report[key as keyof typeof shares], wanted),
    ),
  ];
}

function ceilings({ maximum }: Gate, report: EvaluationReport): GateLine[] {
  return [
    ...atMost('maximum.fallback_rate', report.fallback_rate, maximum.fallback_rate),
    ...atMost('maximum.ece', report.ece, maximum.ece),
    ...atMost('maximum.aurc', report.aurc, maximum.aurc),
    ...atMost('maximum.duplicates', report.duplicates, maximum.duplicates),
    ...atMost('maximum.latency_p50_ms', report.latency_ms.p50, maximum.latency_p50_ms),
    ...atMost('maximum.latency_p99_ms', report.latency_ms.p99, maximum.latency_p99_ms),
    ...atMost('maximum.usd_per_1000', report.cost.usd_per_1000, maximum.usd_per_1000),
  ];
}

function routeLines(gate: Gate, report: EvaluationReport): GateLine[] {
  const { '*': every = {}, ...named } = gate.per_route;
  const unknown = Object.keys(named).filter((route) => !Object.hasOwn(report.per_route, route));
  const missing = unknown.map((route) => ({
    key: `per_route.${route}`,
    passed: false,
    words: 'no such route in the report',
  }));
  const lines = Object.entries(report.per_route).flatMap(([route, figures]) => {
    const own = named[route];
    if (!own && figures.rows === 0) return [];
    const wanted = { ...every, ...own };
    const key = `per_route.${route}`;
    return [
      ...atLeast(`${key}.rows`, figures.rows, wanted.rows),
      // A route that accepted nothing has no precision; its recall says what is wrong with it.
      ...(figures.accepted === 0 && !own?.precision
        ? []
        : atLeast(`${key}.precision`, figures.precision, wanted.precision)),
      ...atLeast(`${key}.recall`, figures.recall, wanted.recall),
      ...atLeast(`${key}.f1`, figures.f1, wanted.f1),
    ];
  });
  return [...missing, ...lines];
}

function regressionLine(terms: NonNullable<Gate['regression']>, found: Comparison): GateLine {
  const key = 'regression.accuracy';
  const inBaseline = found.paired + found.only_in_a;
  if (found.difference === null || found.paired < inBaseline / 2) {
    return {
      key,
      passed: false,
      words: `only ${found.paired} of the baseline's ${inBaseline} rows are in the data; evaluate both on the same rows`,
    };
  }
  const fell = found.difference < -terms.accuracy && found.p_value < terms.significance;
  const flips = `${found.fixed.length} fixed, ${found.broken.length} broken of ${found.paired}, p = ${found.p_value.toPrecision(2)}`;
  const change = `accuracy ${show(found.accuracy_a)} → ${show(found.accuracy_b)}`;
  return { key, passed: !fell, words: `${change} (${flips}); it may fall by ${terms.accuracy}` };
}

function atLeast(key: string, found: number | null, wanted: number | undefined): GateLine[] {
  if (wanted === undefined) return [];
  return [{ key, passed: found !== null && found >= wanted, words: `${show(found)}, at least ${wanted} is required` }];
}

function atMost(key: string, found: number | null, wanted: number | undefined): GateLine[] {
  if (wanted === undefined) return [];
  return [{ key, passed: found !== null && found <= wanted, words: `${show(found)}, at most ${wanted} is allowed` }];
}

function show(value: number | null): string {
  if (value === null) return 'no figure (no such rows)';
  return Number.isInteger(value) ? String(value) : value.toFixed(4);
}
