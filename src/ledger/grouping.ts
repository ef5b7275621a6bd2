/** How the rows of a report are grouped, in the SQL of either engine: over `decisions`, and its tags where they are asked for. */
import { type RawBuilder, sql } from 'kysely';
import { explicitReasons, unroutedReasons } from './contract.ts';
import type { SummaryDimension } from './dimension.ts';
import type { Engine } from './queries.ts';

/** The group of a row; ours stand in parentheses. */
export function groupName(engine: Engine, by: SummaryDimension | null): RawBuilder<string> {
  switch (by) {
    case null:
      return sql<string>`''`;
    case 'route':
      return sql<string>`case when route is not null then route when reason in (${explicitList()}) then '(explicit)' else 'fallback' end`;
    case 'model':
      return sql<string>`coalesce(model, '(none)')`;
    case 'key':
      return sql<string>`coalesce(decisions.key, '(anonymous)')`;
    case 'day':
      return engine === 'sqlite'
        ? sql<string>`strftime('%Y-%m-%d', time / 1000, 'unixepoch')`
        : sql<string>`to_char(to_timestamp(time / 1000) at time zone 'UTC', 'YYYY-MM-DD')`;
    case 'reason':
      return sql<string>`reason`;
    case 'pin':
      return sql<string>`pin`;
    case 'cache':
      return sql<string>`case when cache <> 'hit' then cache when reason = 'coalesced' then 'coalesced' else 'exact' end`;
    case 'tag':
      return sql<string>`coalesce(tag.value, '(untagged)')`;
  }
}

/** What to select from: with `tag`, a decision stands once for each of its tags. */
export function groupSource(engine: Engine, by: SummaryDimension | null): RawBuilder<unknown> {
  if (by !== 'tag') return sql`decisions`;
  return engine === 'sqlite'
    ? sql`decisions left join json_each(decisions.tags) as tag`
    : sql`decisions left join lateral jsonb_array_elements_text(decisions.tags::jsonb) as tag(value) on true`;
}

export function explicitList(): RawBuilder<unknown> {
  return sql.join(explicitReasons.map((reason) => sql.lit(reason)));
}

export function unroutedList(): RawBuilder<unknown> {
  return sql.join(unroutedReasons.map((reason) => sql.lit(reason)));
}
