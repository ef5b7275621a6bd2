/**
 * A story told in SQL, written once and run on either engine: a generator that yields queries and is handed their rows.
 *
 *   const rows = yield query      SQLite answers at once, in its own thread; PostgreSQL when the server has
 *
 * It knows neither transactions nor connections: whoever runs it brings those.
 */
import type { CompiledQuery } from 'kysely';

/** Whole numbers are bigints, on both engines. */
export type Row = Readonly<Record<string, unknown>>;
export type Steps<T> = Generator<CompiledQuery, T, readonly Row[]>;

export function runSteps<T>(steps: Steps<T>, run: (query: CompiledQuery) => readonly Row[]): T {
  let step = steps.next();
  while (step.done !== true) step = steps.next(run(step.value));
  return step.value;
}

export async function runStepsAsync<T>(
  steps: Steps<T>,
  run: (query: CompiledQuery) => Promise<readonly Row[]>,
): Promise<T> {
  let step = steps.next();
  while (step.done !== true) step = steps.next(await run(step.value));
  return step.value;
}
