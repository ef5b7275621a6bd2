/** Is a fixed answer still approved? It is served either way; who checks the routes hears of it. */
import type { Route } from '../routing/route.ts';

/** One sentence each; none for routes that a model answers. */
export function approvalWarnings({ name, file, answer }: Route, nowMs: number): string[] {
  if (answer === null) return [];
  const { approvedAt, owner, reviewAfterMs } = answer;
  const place = `${file}: the fixed answer of '${name}'`;
  const warnings: string[] = [];
  if (owner === null) warnings.push(`${place} has no owner. Add target.owner.`);
  if (approvedAt === null)
    warnings.push(`${place} was never approved. Add target.approved with the day on which it was.`);
  else if (approvedAt > nowMs)
    warnings.push(`${place} is approved only from ${dayText(approvedAt)} on. Correct the day.`);
  else if (nowMs - approvedAt > reviewAfterMs) {
    const days = Math.floor(reviewAfterMs / 86_400_000);
    warnings.push(
      `${place} was approved on ${dayText(approvedAt)}, more than ${days} days ago. Read it again, and renew target.approved.`,
    );
  }
  return warnings;
}

export function dayText(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}
