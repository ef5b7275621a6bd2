import { describe, expect, it } from 'vitest';
import { createProgress } from '../../src/render/progress.ts';

function terminal(isTTY: boolean) {
  const written: string[] = [];
  return { written, isTTY, columns: 60, write: (text: string) => written.push(text) };
}

describe('createProgress', () => {
  it('writes nothing into a pipe', () => {
    const stream = terminal(false);
    const progress = createProgress({ label: 'rows', total: 2, stream, clock: { now: () => 0, monotonic: () => 0 } });
    progress.update(1);
    progress.finish();
    expect(stream.written).toEqual([]);
  });

  it('redraws one line at most every 100 ms, always at the end, and clears it', () => {
    const stream = terminal(true);
    let time = 0;
    const clock = { now: () => 0, monotonic: () => time };
    const progress = createProgress({ label: 'rows', total: 1000, stream, clock });
    for (let done = 1; done <= 1000; done++) {
      time += 1;
      progress.update(done, `text ${done}`);
    }
    progress.finish();
    expect(stream.written.length).toBeLessThanOrEqual(13);
    expect(stream.written.at(-2)).toContain('1000/1000');
    expect(stream.written.at(-1)).toBe('\r\u001b[2K');
    for (const line of stream.written) expect(line).not.toContain('\n');
  });
});
