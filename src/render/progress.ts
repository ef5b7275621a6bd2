/**
 * One line of progress on a terminal, redrawn in place; silent in a pipe, so that a log file never fills with it. Goes to
 * stderr: stdout belongs to the result.
 */
import type { Clock } from '../base/clock.ts';
import { printable, shorten } from './display-width.ts';
import { bar } from './table.ts';

export interface Progress {
  /** Cheap to call for every item: the line is redrawn at most ten times a second. */
  update(done: number, note?: string): void;
  /** Clears the line. Call it also when the work fails, before the error is printed. */
  finish(): void;
}

export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const redrawMs = 100;

export function createProgress(options: {
  readonly label: string;
  /** null when nobody knows how much there is. */
  readonly total: number | null;
  readonly stream: ProgressStream;
  readonly clock: Clock;
}): Progress {
  const { stream, clock, total } = options;
  if (stream.isTTY !== true) return { update() {}, finish() {} };
  const startedAt = clock.monotonic();
  let drawnAt = Number.NEGATIVE_INFINITY;
  let drawn = false;

  return {
    update(done, note = '') {
      const now = clock.monotonic();
      if (now - drawnAt < redrawMs && done !== total) return;
      drawnAt = now;
      drawn = true;
      const text = [options.label, amount(done, total), remaining(done, total, now - startedAt), printable(note)];
      const line = shorten(text.filter((part) => part !== '').join('  '), (stream.columns ?? 80) - 1);
      stream.write(`\r\u001b[2K${line}`);
    },
    finish() {
      if (drawn) stream.write('\r\u001b[2K');
      drawn = false;
    },
  };
}

function amount(done: number, total: number | null): string {
  if (total === null) return String(done);
  return `${bar(done, total, 20)} ${done}/${total}`;
}

/** Only after two seconds: an estimate from the first items is a guess. */
function remaining(done: number, total: number | null, elapsedMs: number): string {
  if (total === null || done <= 0 || done >= total || elapsedMs < 2_000) return '';
  const seconds = Math.ceil((elapsedMs / done) * (total - done) * 0.001);
  return seconds >= 90 ? `${Math.ceil(seconds / 60)} min left` : `${seconds} s left`;
}
