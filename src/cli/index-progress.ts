/**
 * The progress line of building a route index, as a terminal shows it; nothing in a pipe. Commands prepare their snapshot
 * through here, so that the line is cleared also when the preparation fails.
 */
import { systemClock } from '../base/clock.ts';
import type { IndexProgress } from '../lifecycle/index-store.ts';
import { type PrepareOptions, prepareSnapshot } from '../lifecycle/prepare.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import { createProgress, type Progress } from '../render/progress.ts';

export interface IndexProgressLine {
  readonly update: (progress: IndexProgress) => void;
  end(): void;
}

export function indexProgressLine(): IndexProgressLine {
  let line: Progress | null = null;
  let phase = '';
  const end = () => {
    line?.finish();
    line = null;
  };
  return {
    update(progress) {
      if (line === null || progress.phase !== phase) {
        end();
        phase = progress.phase;
        const label = `route index: ${phase}`;
        line = createProgress({ label, total: progress.total, stream: process.stderr, clock: systemClock });
      }
      line.update(progress.done);
    },
    end,
  };
}

export function prepareWithProgress(options: Omit<PrepareOptions, 'onProgress'>): Promise<Snapshot> {
  const line = indexProgressLine();
  return prepareSnapshot({ ...options, onProgress: line.update }).finally(line.end);
}
