/** `--since`, `--until`, `--compare`: a length of time back from now, or a date (UTC). */
import { ShuntError } from '../base/errors.ts';
import type { Period } from '../evaluation/recorded.ts';

const units = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Milliseconds since the epoch. `7d`, `24h`, `2026-01-31`, `2026-01-31T10:00`, `2026-01-31T10:00:00Z`. */
export function readMoment(flag: string, text: string, nowMs: number): number {
  const back = /^(\d{1,6})([mhdw])$/.exec(text);
  if (back) return nowMs - Number(back[1]) * units[back[2] as keyof typeof units];
  if (/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?$/.test(text)) {
    const hasZone = /(Z|[+-]\d\d:\d\d)$/.test(text) || !text.includes('T');
    const moment = Date.parse(hasZone ? text : `${text}Z`);
    if (Number.isFinite(moment)) return moment;
  }
  const message = `${flag} ${text}: is neither a length of time nor a date. Write e.g. 24h, 7d, 2026-01-31 or 2026-01-31T10:00 (UTC).`;
  throw new ShuntError('invalid_request', message, { param: flag });
}

export function readPeriod(flags: { readonly since: string; readonly until?: string }, nowMs: number): Period {
  const sinceMs = readMoment('--since', flags.since, nowMs);
  const untilMs = flags.until === undefined ? nowMs : readMoment('--until', flags.until, nowMs);
  if (sinceMs < untilMs) return { sinceMs, untilMs };
  throw new ShuntError('invalid_request', '--since is not before --until. Swap them, or leave --until out.');
}

/** What `period` is compared with: `FROM..TO`, or, for `true`, as long a time right before it. */
export function readOtherPeriod(written: string | true, period: Period, nowMs: number): Period {
  if (written === true) {
    return { sinceMs: 2 * period.sinceMs - period.untilMs, untilMs: period.sinceMs };
  }
  const [from, to, ...more] = written.split('..');
  if (to === undefined || more.length > 0) {
    const message = `--compare ${written}: write FROM..TO, e.g. 2026-01-01..2026-02-01 or 14d..7d, or nothing for as long a time right before.`;
    throw new ShuntError('invalid_request', message, { param: '--compare' });
  }
  const other = { sinceMs: readMoment('--compare', from, nowMs), untilMs: readMoment('--compare', to, nowMs) };
  if (other.sinceMs < other.untilMs) return other;
  throw new ShuntError('invalid_request', `--compare ${written}: its end is not after its beginning. Swap them.`);
}
