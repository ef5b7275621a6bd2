/**
 * The gate that a reload must pass before its snapshot serves: `routing.gate` names the gate file and labelled rows. An
 * absolute and per-route check with the very code of `shunt eval --gate`; the start is not gated, since nothing else
 * could serve then.
 */
import { resolve } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { ShuntError } from '../base/errors.ts';
import type { Config } from '../config/schema.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import { evaluate } from './evaluate.ts';
import { checkGate, readGate } from './gate.ts';
import { readReport } from './read-report.ts';

/** Throws `gate_failed` with each failed line, or what is wrong with the gate or its rows. Does nothing without a gate. */
export async function requireGate(config: Config, snapshot: Snapshot, clock: Clock): Promise<void> {
  const required = config.routing.gate;
  if (required === undefined) return;
  const gate = await readGate(resolve(config.folder, required.file));
  const baseline = gate.regression ? await readReport(resolve(config.folder, gate.regression.baseline)) : null;
  const { report } = await evaluate({
    config,
    snapshot,
    dataset: { files: required.data.map((file) => resolve(config.folder, file)) },
    clock,
    keepDuplicates: false,
    assumedOutputTokens: 300,
    sliceFields: [],
  });
  const failed = checkGate(gate, report, baseline).filter((line) => !line.passed);
  if (failed.length === 0) return;
  throw new ShuntError(
    'gate_failed',
    `The gate ${required.file} is not passed: ${failed.map((line) => line.words).join('; ')}.`,
  );
}
