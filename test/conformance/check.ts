/**
 * One row of the conformance table: what a client (or the backend) sees of one convention, straight and through the
 * proxy. Both must be the same, unless the row says how they differ and why.
 */
import { createHash } from 'node:crypto';
import type { Stage } from './stage.ts';

export interface Comparison {
  readonly direct: string;
  readonly through: string;
}

export interface Check {
  /** The convention, as the first column of the table. */
  readonly point: string;
  /** What is looked at. */
  readonly name: string;
  /** Why the two differ, where they are meant to. Without it they must be the same. */
  readonly differs?: string;
  run(stage: Stage): Promise<Comparison>;
}

/** Bytes in a form that fits a table and gives every difference away. */
export function bytesText(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  const readable = bytes.length <= 160 && Buffer.from(text).equals(bytes);
  if (readable) return JSON.stringify(text);
  return `${bytes.length} bytes, sha256 ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
}

/** The lines of `headers` whose names match, as they came. */
export function headersText(headers: readonly string[], wanted: RegExp): string {
  const lines = headers.filter((line) => wanted.test(line.slice(0, line.indexOf(':'))));
  return lines.length === 0 ? 'none' : lines.join('; ');
}

/** Compares one view of the two runs. */
export function compare<T>(runs: { readonly direct: T; readonly through: T }, view: (run: T) => string): Comparison {
  return { direct: view(runs.direct), through: view(runs.through) };
}
