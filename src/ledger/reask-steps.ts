/**
 * Finds rejected answers of cheaper models that were asked again of the strong one: the same prompt, of the same tenant
 * and person, within a quarter of an hour, answered by what was the fallback then. Sessions are not in the ledger, so
 * that a short prompt ("yes") may be taken for another; an explicit rejection before it makes that rare. Prompts that the
 * ledger does not keep, not even as a hash (`ledger.prompts: none`), cannot be found again.
 */
import { sql } from 'kysely';
import type { SummaryDimension } from './dimension.ts';
import { groupName } from './grouping.ts';
import type { OutcomeQuery, Reask } from './outcome.ts';
import { sumsEach } from './outcome-sums.ts';
import type { LedgerQueries } from './queries.ts';
import type { Steps } from './steps.ts';

const withinMs = 15 * 60_000;
const askedAtOnce = 500;

/** The others say who asked, or when: there both requests stand in the same group, or nearly so. */
const movedBy = new Set<SummaryDimension | null>(['route', 'model', 'reason', 'pin', 'cache']);

export function* reasks(queries: LedgerQueries, query: OutcomeQuery): Steps<Reask[]> {
  const found = yield* pairs(queries, query);
  const moves = movedBy.has(query.by);
  const result: Reask[] = [];
  const links = [...found];
  for (let from = 0; from < links.length; from += askedAtOnce) {
    const some = links.slice(from, from + askedAtOnce);
    const originals = moves
      ? yield* groupsOf(queries, { by: query.by, ids: some.map(([, original]) => original) })
      : new Map<string, string>();
    const originalOf = new Map(some);
    for (const { id, sums } of yield* sumsEach(queries, query, [...originalOf.keys()])) {
      result.push({ of: originals.get(originalOf.get(id) ?? '') ?? sums.group, again: sums });
    }
  }
  return result;
}

/** By the second request, the first: the last rejected one before it. */
function* pairs({ build }: LedgerQueries, { sinceMs, untilMs }: OutcomeQuery): Steps<Map<string, string>> {
  const [since, until] = [Math.ceil(sinceMs), Math.ceil(untilMs)];
  // One pass over the many, each looked up among the few rejected ones: `cross join` keeps SQLite to that order, and it
  // makes an index of the few. The other way round it would walk a quarter of an hour for each of them.
  const rows = yield sql`
    with original as materialized (
      select id, tenant, prompt, coalesce(person, '') as person, time, fallback_model from decisions
      where accepted = 0 and model <> fallback_model and prompt is not null and time >= ${since} and time < ${until}
    )
    select original.id as original, again.id as again
    from decisions as again cross join original
    where again.time >= ${since} and again.time < ${until}
      and original.prompt = again.prompt and original.tenant = again.tenant
      and original.person = coalesce(again.person, '') and again.model = original.fallback_model
      and again.time > original.time and again.time <= original.time + ${withinMs}
    order by original.time`.compile(build);
  return new Map(rows.map((row) => [row.again as string, row.original as string]));
}

function* groupsOf(
  { build, engine }: LedgerQueries,
  { by, ids }: { readonly by: SummaryDimension | null; readonly ids: readonly string[] },
): Steps<Map<string, string>> {
  const rows = yield sql`
    select id, ${groupName(engine, by)} as group_name from decisions
    where id in (${sql.join(ids)})`.compile(build);
  return new Map(rows.map((row) => [row.id as string, row.group_name as string]));
}
