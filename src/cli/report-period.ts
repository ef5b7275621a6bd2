/** `--since` and `--until`: a length of time back from now, or a date (UTC). */
import { ShuntError } from '../base/errors.ts';

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
