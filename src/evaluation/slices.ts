/** Any plain field of the data (`lang`, `tenant`, `difficulty`) with a few values is a slice: the worst come first. */
import type { EvaluatedRow } from './evaluated-row.ts';
import { type Figures, figuresOf } from './score.ts';

export interface SliceRow extends Figures {
  readonly field: string;
  readonly value: string;
  readonly rows: number;
}

const mostValues = 20;
/** Smaller slices say nothing, and would always be the worst. */
const fewestRows = 5;

/** `fields` null: every field that has 2 to 20 values. A named field is always shown, its largest values first kept. */
export function slicesOf(
  rows: readonly EvaluatedRow[],
  fields: readonly string[] | null,
  targetOf: (route: string | null) => string,
): SliceRow[] {
  const groups = groupRows(rows);
  const chosen = fields ?? [...groups].flatMap(([field, values]) => (isSlice(values, rows.length) ? [field] : []));
  const slices = chosen.flatMap((field) => {
    const values = [...(groups.get(field) ?? [])].sort((a, b) => b[1].length - a[1].length).slice(0, mostValues);
    return values
      .filter(([, group]) => fields !== null || group.length >= fewestRows)
      .map(([value, group]): SliceRow => ({ field, value, rows: group.length, ...figuresOf(group, targetOf) }));
  });
  return slices.sort((a, b) => (a.accuracy ?? 1) - (b.accuracy ?? 1));
}

function groupRows(rows: readonly EvaluatedRow[]): Map<string, Map<string, EvaluatedRow[]>> {
  const fields = new Map<string, Map<string, EvaluatedRow[]>>();
  for (const row of rows) {
    for (const [field, value] of Object.entries(row.extra)) {
      const values = fields.get(field) ?? new Map<string, EvaluatedRow[]>();
      fields.set(field, values);
      const group = values.get(value);
      if (group) group.push(row);
      else values.set(value, [row]);
    }
  }
  return fields;
}

function isSlice(values: ReadonlyMap<string, readonly EvaluatedRow[]>, rows: number): boolean {
  return values.size >= 2 && values.size <= mostValues && values.size < rows;
}
