/**
 * A fault is one thing wrong in a file that a user writes. Faults are gathered and reported together, so that a user
 * mends a file once instead of once per fault.
 */
import { ShuntError } from './errors.ts';

export interface Fault {
  readonly file: string;
  /** 1-based; 0 when the fault is about the whole file. */
  readonly line: number;
  /** Dotted path, e.g. `backends.openai.base_url`; empty for the whole file. */
  readonly key: string;
  /** What stands there, as written, shortened; empty when nothing stands there. */
  readonly value: string;
  readonly problem: string;
  /** What to do about it, as an imperative. */
  readonly fix: string;
}

export function formatFault(fault: Fault): string {
  const place = fault.line > 0 ? `${fault.file}:${fault.line}` : fault.file;
  const key = fault.key ? ` ${fault.key}` : '';
  const value = fault.value ? ` = ${fault.value}` : '';
  return `${place}${key}${value}: ${fault.problem}. ${fault.fix}`;
}

/** Raised with every fault of a load together. Its message is the whole list, one fault a line. */
export class FaultList extends ShuntError {
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super('bad_config', faults.map(formatFault).join('\n'));
    this.faults = faults;
  }
}
