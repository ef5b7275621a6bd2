/** Two reports side by side: what stands in either, and how much each figure moved. Pure. */
import type { NanoUsd } from '../base/money.ts';
import type { PerAccepted } from './accepted-cost.ts';
import type { Report, ReportRow } from './report-form.ts';

export interface Comparison {
  readonly before: Report;
  readonly after: Report;
  /** In the order of the later report; what only the earlier one has comes last. */
  readonly rows: readonly ComparedRow[];
  readonly total: ComparedRow;
}

export interface ComparedRow {
  readonly name: string;
  /** null: no request of this name in that period. */
  readonly before: ReportRow | null;
  readonly after: ReportRow | null;
  readonly change: Change;
}

/** After minus before; null where one of the two is not known. A row that was not there had no requests, and cost nothing. */
export interface Change {
  readonly requests: number;
  readonly cost: NanoUsd | null;
  readonly saving: NanoUsd | null;
  readonly fallbackRate: number | null;
  readonly perAccepted: ChangePerAccepted | null;
}

export interface ChangePerAccepted {
  readonly value: NanoUsd;
  readonly low: NanoUsd;
  /** null: without an upper end. */
  readonly high: NanoUsd | null;
}

export function compareReports(before: Report, after: Report): Comparison {
  const earlier = new Map(before.rows.map((row) => [row.name, row]));
  const later = new Set(after.rows.map(({ name }) => name));
  return {
    before,
    after,
    rows: [
      ...after.rows.map((row) => compared(row.name, earlier.get(row.name) ?? null, row)),
      ...before.rows.filter(({ name }) => !later.has(name)).map((row) => compared(row.name, row, null)),
    ],
    total: compared('total', before.total, after.total),
  };
}

function compared(name: string, before: ReportRow | null, after: ReportRow | null): ComparedRow {
  const amount = (of: (row: ReportRow) => NanoUsd | null) =>
    minus(after === null ? 0n : of(after), before === null ? 0n : of(before));
  const rates = [before?.fallbackRate ?? null, after?.fallbackRate ?? null];
  return {
    name,
    before,
    after,
    change: {
      requests: (after?.requests ?? 0) - (before?.requests ?? 0),
      cost: amount(({ cost }) => cost),
      saving: amount(({ saving }) => saving),
      fallbackRate: rates[0] === null || rates[1] === null ? null : rates[1] - rates[0],
      perAccepted: changePerAccepted(before?.outcomes.perAccepted ?? null, after?.outcomes.perAccepted ?? null),
    },
  };
}

/** The interval of a difference of two independent estimates from theirs (MOVER: Zou & Donner, Stat. Med. 27, 2008). */
function changePerAccepted(before: PerAccepted | null, after: PerAccepted | null): ChangePerAccepted | null {
  if (before === null || after === null || before.value === null || after.value === null) return null;
  const value = after.value - before.value;
  const root = (a: bigint, b: bigint) => BigInt(Math.round(Math.hypot(Number(a), Number(b))));
  const low = before.high === null ? null : value - root(after.value - after.low, before.high - before.value);
  const high = after.high === null ? null : value + root(after.high - after.value, before.value - before.low);
  // Without an upper end before, the difference has no lower one: then nothing can be said of it.
  return low === null ? null : { value: value as NanoUsd, low: low as NanoUsd, high: high as NanoUsd | null };
}

function minus(after: bigint | null, before: bigint | null): NanoUsd | null {
  return after === null || before === null ? null : ((after - before) as NanoUsd);
}
