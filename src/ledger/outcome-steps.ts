/**
 * The stories about explicit outcomes: one is told, one is repeated, one comes before its decision.
 *
 *   told ─► is the decision here? ─ yes ─► whose? ─► same as the latest? ─► outcomes, and copied to the decision
 *                                └─ no ──► pending_outcomes ──when the decision is appended──► the same
 *
 * On SQLite there is one writer at a time. On PostgreSQL a decision may be committed between the look and the note that
 * it was missing; so whoever notes it down waits for the appends under way, and looks again (`pendingLock`).
 */
import { sql } from 'kysely';
import type { Outcome, OutcomeReference, ToldOutcome, ToldResult } from './outcome.ts';
import type { LedgerQueries, OutcomeRow, PendingRow } from './queries.ts';
import type { DecisionRecord } from './record.ts';
import type { Row, Steps } from './steps.ts';

/** Of one tenant, so many outcomes may wait for decisions that may never come. */
const mostPending = 10_000;
const askedAtOnce = 500;
const pendingLock = 7_217_003;

type Told = Omit<OutcomeRow, 'seq' | 'request_id'>;

export function* outcomesOf({ build }: LedgerQueries, requestId: string): Steps<Outcome[]> {
  const rows = yield build
    .selectFrom('outcomes')
    .selectAll()
    .where('request_id', '=', requestId)
    .orderBy('seq')
    .compile();
  return rows.map((row) => outcomeOf(row));
}

export function* tellOutcomes(queries: LedgerQueries, told: readonly ToldOutcome[]): Steps<ToldResult[]> {
  const results: ToldResult[] = [];
  for (const one of told) results.push(yield* tellOutcome(queries, one));
  return results;
}

/** Call it in the transaction that appends the records: what waited for them is theirs now. */
export function* settlePending(queries: LedgerQueries, records: readonly DecisionRecord[]): Steps<void> {
  const { build, engine } = queries;
  if (engine === 'postgres') yield sql`select pg_advisory_xact_lock_shared(${pendingLock})`.compile(build);
  const [{ waiting }] =
    yield sql`select count(*) as waiting from (select 1 from pending_outcomes limit 1) as one`.compile(build);
  if (waiting === 0n) return;
  for (let from = 0; from < records.length; from += askedAtOnce) {
    const some = records.slice(from, from + askedAtOnce);
    const byId = new Map(some.map((record) => [record.id, record]));
    const byResponse = new Map(some.map((record) => [record.responseId, record]));
    const references = [...byId.keys(), ...byResponse.keys()].filter((reference) => reference !== null);
    const rows = yield build
      .selectFrom('pending_outcomes')
      .selectAll()
      .where('reference', 'in', references)
      .orderBy('seq')
      .compile();
    for (const row of rows) {
      const { reference, by_response: byResponseId, tenant } = row as unknown as PendingRow;
      const decision = Number(byResponseId) === 1 ? byResponse.get(reference) : byId.get(reference);
      if (decision === undefined) continue;
      if (tenant === null || tenant === decision.tenant) yield* write(queries, decision.id, toldOf(row));
      yield build
        .deleteFrom('pending_outcomes')
        .where('seq', '=', row.seq as bigint)
        .compile();
    }
  }
}

function* tellOutcome(queries: LedgerQueries, { reference, tenant, outcome }: ToldOutcome): Steps<ToldResult> {
  const { build, engine } = queries;
  const row: Told = { ...outcome, accepted: outcome.accepted === null ? null : Number(outcome.accepted) };
  let found = yield* decisionFor(queries, reference, tenant);
  if (found === 'none' && engine === 'postgres') {
    yield sql`select pg_advisory_xact_lock(${pendingLock})`.compile(build);
    found = yield* decisionFor(queries, reference, tenant);
  }
  if (found === 'foreign') return { state: 'unknown', requestId: null };
  if (found !== 'none') return { state: yield* write(queries, found.id, row), requestId: found.id };
  if (!reference.mayWait) return { state: 'unknown', requestId: null };
  const requestId = reference.by === 'request' ? reference.id : null;
  return { state: yield* keepPending(queries, { reference, tenant, row }), requestId };
}

function* decisionFor(
  { build, engine }: LedgerQueries,
  { by, id }: OutcomeReference,
  tenant: string | null,
): Steps<{ readonly id: string } | 'foreign' | 'none'> {
  let query = build
    .selectFrom('decisions')
    .select(['id', 'tenant'])
    .where(by === 'request' ? 'id' : 'response_id', '=', id);
  // A backend may give one id twice; the caller means what it was answered last.
  if (by === 'response') query = query.orderBy('time', 'desc').limit(8);
  // Two outcomes for one decision wait for each other, so that each sees what the latest is.
  if (engine === 'postgres') query = query.forUpdate();
  const rows = (yield query.compile()) as unknown as { id: string; tenant: string }[];
  if (rows.length === 0) return 'none';
  return rows.find((row) => tenant === null || row.tenant === tenant) ?? 'foreign';
}

function* write({ build }: LedgerQueries, requestId: string, told: Told): Steps<'recorded' | 'unchanged'> {
  const [latest] = yield build
    .selectFrom('outcomes')
    .selectAll()
    .where('request_id', '=', requestId)
    .orderBy('seq', 'desc')
    .limit(1)
    .compile();
  if (latest !== undefined && says(toldOf(latest)) === says(told)) return 'unchanged';
  yield build
    .insertInto('outcomes')
    .values({ ...told, request_id: requestId })
    .compile();
  yield build
    .updateTable('decisions')
    .set({ accepted: told.accepted, outcome_score: told.score, outcome_source: told.source })
    .where('id', '=', requestId)
    .compile();
  return 'recorded';
}

function* keepPending(
  { build }: LedgerQueries,
  pending: { readonly reference: OutcomeReference; readonly tenant: string | null; readonly row: Told },
): Steps<'pending' | 'unknown'> {
  const { reference, tenant, row } = pending;
  const mine = build.selectFrom('pending_outcomes').where('tenant', tenant === null ? 'is' : '=', tenant);
  const [{ count }] = yield mine.select(({ fn }) => fn.countAll<bigint>().as('count')).compile();
  if (Number(count) >= mostPending) return 'unknown';
  const [latest] = yield mine
    .selectAll()
    .where('reference', '=', reference.id)
    .orderBy('seq', 'desc')
    .limit(1)
    .compile();
  if (latest !== undefined && says(toldOf(latest)) === says(row)) return 'pending';
  yield build
    .insertInto('pending_outcomes')
    .values({ ...row, reference: reference.id, by_response: Number(reference.by === 'response'), tenant })
    .compile();
  return 'pending';
}

/** What makes one outcome a repetition of another: all but the time. */
function says({ source, accepted, score, reason, actor, metadata }: Told): string {
  return JSON.stringify([source, accepted, score, reason, actor, metadata]);
}

function toldOf(row: Row): Told {
  const { time, source, accepted, score, reason, actor, metadata } = row as unknown as OutcomeRow;
  return {
    time: Number(time),
    source,
    accepted: accepted === null ? null : Number(accepted),
    score,
    reason,
    actor,
    metadata,
  };
}

function outcomeOf(row: Row): Outcome {
  const told = toldOf(row);
  const accepted = told.accepted === null ? null : told.accepted === 1;
  return { ...told, accepted, requestId: (row as unknown as OutcomeRow).request_id };
}
