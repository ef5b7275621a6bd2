/**
 * The sums and percentiles of a report. SQLite adds up, exactly, in integers; it has no percentile, and ranking rows with
 * window functions costs 4.4 s of CPU for a million of them. So the latencies come out packed into long strings and are
 * sorted here as plain numbers. Everything goes in chunks of rows: SQLite groups by sorting, and a chunk sorts in memory
 * where a million rows would go through temporary files.
 */
import type { CompiledQuery } from 'kysely';
import type { NanoUsd } from '../base/money.ts';
import type { LedgerSummary, SummaryGroup, SummaryQuery } from './contract.ts';
import type { LedgerQueries } from './queries.ts';
import { Samples } from './samples.ts';
import {
  divertedByRoute,
  fieldEnd,
  firstAndLastRow,
  packedLatencies,
  rowEnd,
  type SumColumn,
  type SumRow,
  sumColumns,
  sumsByGroup,
} from './summary-queries.ts';

type Run = (query: CompiledQuery) => unknown[];

const chunkRows = 50_000;

/** Call it within a transaction: its queries must all see the same rows. */
export function summarise(queries: LedgerQueries, run: Run, query: SummaryQuery): LedgerSummary {
  const groups = new Map<string, Gathered>();
  const total = newGathered();
  const [{ first, last }] = run(firstAndLastRow(queries, query)) as { first: bigint | null; last: bigint | null }[];
  for (let from = Number(first ?? 0); last !== null && from <= Number(last); from += chunkRows) {
    const rows = { from, to: from + chunkRows };
    for (const sums of run(sumsByGroup(queries, query, rows)) as SumRow[]) {
      addSums(gatheredOf(groups, sums.name), sums);
      if (query.by !== 'tag') addSums(total, sums);
    }
    // Tags overlap, so their groups do not add up to the whole.
    if (query.by === 'tag') {
      for (const sums of run(sumsByGroup(queries, { ...query, by: null }, rows)) as SumRow[]) addSums(total, sums);
    }
    const [{ packed }] = run(packedLatencies(queries, query, rows)) as { packed: string | null }[];
    unpackLatencies(packed ?? '', (name) => gatheredOf(groups, name), total);
  }
  const diverted = query.by === 'route' ? readDiverted(queries, run, query) : new Map<string, number>();
  for (const name of diverted.keys()) gatheredOf(groups, name);
  const rows = [...groups].map(([name, gathered]) => groupOf(name, gathered, diverted.get(name) ?? 0));
  return { groups: rows.sort(query.by === 'day' ? byDay : byRequests), total: groupOf('', total, 0) };
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

function readDiverted(queries: LedgerQueries, run: Run, query: SummaryQuery): Map<string, number> {
  const rows = run(divertedByRoute(queries, query)) as { name: string; count: bigint }[];
  return new Map(rows.map(({ name, count }) => [name, Number(count)]));
}

function groupOf(name: string, { sums, added, firstByte }: Gathered, diverted: number): SummaryGroup {
  return {
    name,
    requests: Number(sums.requests),
    asked: Number(sums.asked),
    fellBack: Number(sums.fellBack),
    diverted,
    errors: Number(sums.errors),
    cacheHits: Number(sums.cacheHits),
    inputTokens: Number(sums.inputTokens),
    cachedInputTokens: Number(sums.cachedInputTokens),
    outputTokens: Number(sums.outputTokens),
    reasoningTokens: Number(sums.reasoningTokens),
    estimated: Number(sums.estimated),
    cost: sums.cost as NanoUsd,
    unpriced: Number(sums.unpriced),
    fallbackCost: sums.fallbackCost as NanoUsd,
    fallbackUnpriced: Number(sums.fallbackUnpriced),
    comparableCost: sums.comparableCost as NanoUsd,
    comparableFallbackCost: sums.comparableFallbackCost as NanoUsd,
    addedP50Ms: added.percentile(0.5),
    addedP99Ms: added.percentile(0.99),
    firstByteP50Ms: firstByte.percentile(0.5),
    addedUs: Number(sums.addedUs),
    embedUs: Number(sums.embedUs),
    matchUs: Number(sums.matchUs),
    firstByteUs: Number(sums.firstByteUs),
    firstBytes: Number(sums.firstBytes),
    totalUs: Number(sums.totalUs),
  };
}

function byDay(a: SummaryGroup, b: SummaryGroup): number {
  return a.name < b.name ? -1 : 1;
}

function byRequests(a: SummaryGroup, b: SummaryGroup): number {
  return b.requests - a.requests || b.diverted - a.diverted || (a.name < b.name ? -1 : 1);
}
