/** Who is taken for whom: the decisions that are wrong, the largest group first, with some of their prompts. */
import { decidedRight, type EvaluatedRow } from './evaluated-row.ts';

export interface Confusion {
  /** null: out of scope. */
  readonly truth: string | null;
  /** null: the fallback. */
  readonly decided: string | null;
  readonly rows: number;
  readonly prompts: readonly {
    readonly text: string;
    readonly score: number;
    readonly file: string;
    readonly line: number;
  }[];
}

const shownPrompts = 5;

/** The most confident mistakes come first among the prompts: they teach the most. */
export function confusionsOf(rows: readonly EvaluatedRow[]): Confusion[] {
  const groups = new Map<string, EvaluatedRow[]>();
  for (const row of rows) {
    if (decidedRight(row)) continue;
    const key = JSON.stringify([row.truth, row.accepted]);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  const confusions = [...groups.values()].map((group): Confusion => {
    const [{ truth, accepted }] = group;
    const prompts = group
      .map((row) => ({ text: row.excerpt, score: row.candidates[0]?.score ?? 0, file: row.file, line: row.line }))
      .sort((a, b) => b.score - a.score)
      .slice(0, shownPrompts);
    return { truth, decided: accepted, rows: group.length, prompts };
  });
  return confusions.sort((a, b) => b.rows - a.rows || order(a).localeCompare(order(b)));
}

function order({ truth, decided }: Confusion): string {
  return `${truth ?? ''} ${decided ?? ''}`;
}
