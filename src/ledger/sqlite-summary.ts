/**
 * The sums and percentiles of a report. SQLite adds up, exactly, in integers; it has no percentile, and ranking rows with
 * window functions costs 4.4 s of CPU for a million of them. So the latencies come out packed into long strings and are
 * sorted here as plain numbers. Everything goes in chunks of rows: SQLite groups by sorting, and a chunk sorts in memory
 * where a million rows would go through temporary files.
 */
import { sql } from 'kysely';
import type { LedgerSummary, SummaryQuery } from './contract.ts';
import type { LedgerQueries } from './queries.ts';
import { Samples } from './samples.ts';
import type { Steps } from './steps.ts';
import { divertedRequests, inOrder, summaryGroup } from './summary-group.ts';
import {
  fieldEnd,
  inRange,
  packedLatencies,
  rowEnd,
  rowRanges,
  type SumColumn,
  type SumRow,
  sumColumns,
  sumsByGroup,
} from './summary-queries.ts';

export function* sqliteSummary(queries: LedgerQueries, query: SummaryQuery): Steps<LedgerSummary> {
  const groups = new Map<string, Gathered>();
  const total = newGathered();
  for (const rows of yield* rowRanges(queries, query)) {
    const parts = { where: inRange(query, rows), more: sql`` };
    for (const sums of (yield sumsByGroup(queries, query, parts)) as unknown as SumRow[]) {
      addSums(gatheredOf(groups, sums.name), sums);
      if (query.by !== 'tag') addSums(total, sums);
    }
    // Tags overlap, so their groups do not add up to the whole.
    if (query.by === 'tag') {
      const whole = yield sumsByGroup(queries, { ...query, by: null }, parts);
      for (const sums of whole as unknown as SumRow[]) addSums(total, sums);
    }
    const [{ packed }] = (yield packedLatencies(queries, query, rows)) as { packed: string | null }[];
    unpackLatencies(packed ?? '', (name) => gatheredOf(groups, name), total);
  }
  const diverted = yield* divertedRequests(queries, query);
  for (const name of diverted.keys()) gatheredOf(groups, name);
  const rows = [...groups].map(([name, gathered]) => groupOf(name, gathered, diverted.get(name) ?? 0));
  return { groups: inOrder(rows, query.by), total: groupOf('', total, 0) };
}

interface Gathered {
  readonly sums: Record<SumColumn, bigint>;
  readonly added: Samples;
  readonly firstByte: Samples;
}

function newGathered(): Gathered {
  const sums = Object.fromEntries(sumColumns.map((column) => [column, 0n])) as Record<SumColumn, bigint>;
  return { sums, added: new Samples(), firstByte: new Samples() };
}

function gatheredOf(groups: Map<string, Gathered>, name: string): Gathered {
  const known = groups.get(name);
  if (known !== undefined) return known;
  const made = newGathered();
  groups.set(name, made);
  return made;
}

function addSums({ sums }: Gathered, row: SumRow): void {
  for (const column of sumColumns) sums[column] += row[column];
}

/** Reads the numbers digit by digit: cutting a million rows into strings first takes three times as long. */
function unpackLatencies(packed: string, groupNamed: (name: string) => Gathered, total: Gathered): void {
  let name: string | null = null;
  let group = total;
  for (let at = 0; at < packed.length; ) {
    const nameEnd = packed.indexOf(fieldEnd, at);
    if (name === null || nameEnd - at !== name.length || !packed.startsWith(name, at)) {
      name = packed.slice(at, nameEnd);
      group = groupNamed(name);
    }
    const addedEnd = packed.indexOf(fieldEnd, nameEnd + 1);
    const firstByteEnd = packed.indexOf(fieldEnd, addedEnd + 1);
    const end = packed.indexOf(rowEnd, firstByteEnd + 1);
    const addedMs = digits(packed, nameEnd + 1, addedEnd) / 1_000;
    const firstByteMs = addedEnd + 1 < firstByteEnd ? digits(packed, addedEnd + 1, firstByteEnd) / 1_000 : null;
    group.added.add(addedMs);
    if (firstByteMs !== null) group.firstByte.add(firstByteMs);
    // A request with several tags stands in several rows, but counts once in the whole: at its first tag.
    if (digits(packed, firstByteEnd + 1, end) === 0) {
      total.added.add(addedMs);
      if (firstByteMs !== null) total.firstByte.add(firstByteMs);
    }
    at = end + 1;
  }
}

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) value = value * 10 + (text.charCodeAt(i) - 48);
  return value;
}

function groupOf(name: string, { sums, added, firstByte }: Gathered, diverted: number) {
  return summaryGroup({ ...sums, name }, diverted, {
    addedP50Ms: added.percentile(0.5),
    addedP99Ms: added.percentile(0.99),
    firstByteP50Ms: firstByte.percentile(0.5),
  });
}
