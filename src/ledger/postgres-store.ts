/**
 * The ledger in PostgreSQL, for replicas that share it: the tables and stories of the SQLite one.
 *
 *     append() ──► BEGIN, one insert of the whole batch, what waited for its decisions, COMMIT ──► resolves
 *
 * A batch goes as one JSON text, which costs the event loop a tenth of binding each column of each row. A connection that
 * was lost is made anew at the next call; the schema is brought up to date at the first one that succeeds. How durable a
 * commit is, is the server's to say (`synchronous_commit`).
 */
import { type CompiledQuery, sql } from 'kysely';
import pg from 'pg';
import { ShuntError } from '../base/errors.ts';
import type { LedgerStore } from './contract.ts';
import { migrations } from './migrations.ts';
import { type Access, operation, storeOn } from './operations.ts';
import { settlePending } from './outcome-steps.ts';
import { describePostgresFailure, placeOf } from './postgres-failure.ts';
import { createQueries } from './queries.ts';
import { decisionColumns, jsonLineOf } from './record-row.ts';
import { type Row, runStepsAsync, type Steps } from './steps.ts';

export interface PostgresOptions {
  /** How long a connection may take. */
  readonly connectMs?: number;
  readonly connections?: number;
  /** Takes a ledger that cannot be opened now, told why: every call tries again. Without it, opening rejects. */
  readonly onUnopened?: (error: unknown) => void;
}

/** A server that accepts and says nothing more must not hold records up for ever: they go to the spill file then. */
const longestMs: Readonly<Record<Access, number>> = { look: 30_000, write: 30_000, scan: 300_000 };
const insertedAtOnce = 1_000;
const migrationLock = 7_217_001;
/** Serialisation failure, deadlock: two writers met, and one of them was told to come again. */
const againCodes = new Set<unknown>(['40001', '40P01']);
const mostTries = 4;

export async function openPostgresStore(url: string, options: PostgresOptions = {}): Promise<LedgerStore> {
  const place = placeOf(url);
  const queries = createQueries('postgres');
  const insert = insertSql();
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'shunt',
    max: options.connections ?? 4,
    connectionTimeoutMillis: options.connectMs ?? 5_000,
    keepAlive: true,
    // A ledger with nothing to do keeps no process alive.
    allowExitOnIdle: true,
    types: { getTypeParser: (oid, format) => parserOf(oid) ?? pg.types.getTypeParser(oid, format) },
  });
  // An idle connection that breaks is none that anybody waits for.
  pool.on('error', () => undefined);
  let migrated: Promise<void> | null = null;
  let closed = false;

  try {
    await ready();
  } catch (error) {
    if (options.onUnopened === undefined) {
      await pool.end();
      throw error;
    }
    options.onUnopened(error);
  }

  return storeOn({
    shared: true,
    append: (records) =>
      transaction('write', function* () {
        for (let from = 0; from < records.length; from += insertedAtOnce) {
          const lines = records.slice(from, from + insertedAtOnce).map(jsonLineOf);
          yield { ...insert, parameters: [storable(`[${lines.join(',')}]`)] };
        }
        yield* settlePending(queries, records);
      }),
    perform(name, input) {
      const { steps, access } = operation(name);
      return transaction(access, () => steps(queries, input));
    },
    async close() {
      if (closed) return;
      closed = true;
      await pool.end();
    },
  });

  async function transaction<T>(access: Access, story: () => Steps<T>): Promise<T> {
    if (closed) throw new ShuntError('ledger_failed', `The ledger ${place} is closed.`);
    await ready();
    for (let tries = 1; ; tries++) {
      try {
        return await attempt(access, story());
      } catch (error) {
        if (tries < mostTries && againCodes.has((error as { code?: unknown }).code)) continue;
        throw failure(error);
      }
    }
  }

  /** A story that reads sees one moment throughout; one that writes sees what others have committed meanwhile. */
  async function attempt<T>(access: Access, steps: Steps<T>): Promise<T> {
    const client = await pool.connect();
    let broken = true;
    try {
      await client.query(access === 'write' ? 'BEGIN' : 'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      const result = await runStepsAsync(steps, (query) => rows(client, query, access));
      await client.query('COMMIT');
      broken = false;
      return result;
    } catch (error) {
      broken = await client.query('ROLLBACK').then(
        () => false,
        () => true,
      );
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async function rows(client: pg.PoolClient, query: CompiledQuery, access: Access): Promise<readonly Row[]> {
    const values = query.parameters.map((value) =>
      typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : value,
    );
    const timed = { text: query.sql, values, query_timeout: longestMs[access] };
    const result: pg.QueryResult<Row> = await client.query(timed);
    return result.rows;
  }

  /** Once; again after a failure. */
  function ready(): Promise<void> {
    migrated ??= migrate().catch((error: unknown) => {
      migrated = null;
      throw failure(error);
    });
    return migrated;
  }

  async function migrate(): Promise<void> {
    // Who may only read can read a ledger that is up to date.
    if ((await version()) === migrations.length) return;
    await attempt('write', migrationSteps());
  }

  async function version(): Promise<number> {
    const found = await pool.query<{ there: boolean }>("SELECT to_regclass('schema_version') IS NOT NULL AS there");
    if (!found.rows[0].there) return 0;
    const latest = await pool.query<{ version: bigint }>(
      'SELECT coalesce(max(version), 0) AS version FROM schema_version',
    );
    return Number(latest.rows[0].version);
  }

  /** Replicas that start together wait for the first one, and then find nothing to do. */
  function* migrationSteps(): Steps<void> {
    const { build } = queries;
    yield sql`select pg_advisory_xact_lock(${migrationLock})`.compile(build);
    yield sql`create table if not exists schema_version (version bigint primary key, applied_at bigint not null)`.compile(
      build,
    );
    const [row] = yield sql`select coalesce(max(version), 0) as version from schema_version`.compile(build);
    const current = Number(row.version);
    if (current > migrations.length) {
      const message = `The ledger ${place} has schema version ${current}, written by a newer shunt than this one, which knows ${migrations.length}. Run the newer version, or set ledger.url to another database.`;
      throw new ShuntError('ledger_failed', message);
    }
    for (let next = current; next < migrations.length; next++) {
      yield* migrations[next](queries);
      const applied = { version: next + 1, applied_at: sql<number>`extract(epoch from now())::bigint` };
      yield build.insertInto('schema_version').values(applied).compile();
    }
  }

  function failure(error: unknown): ShuntError {
    if (error instanceof ShuntError) return error;
    return new ShuntError('ledger_failed', describePostgresFailure(place, error), {
      param: 'ledger.url',
      cause: error,
    });
  }

  function insertSql(): CompiledQuery {
    const columns = sql.join(decisionColumns.map((column) => sql.ref(column)));
    const typed = sql.join(decisionColumns.map((column) => sql`${sql.ref(column)} ${sql.raw(typeOf(column))}`));
    return sql`insert into decisions (${columns}) select ${columns} from json_to_recordset($1::json) as record (${typed})
      on conflict (id) do nothing`.compile(queries.build);
  }
}

const wholeColumns = /^(time|attempts|stream|status|truncated|.*_tokens|.*_nano_usd)$/;
const realColumns = /^(score|threshold|margin|.*_ms)$/;

function typeOf(column: string): string {
  if (wholeColumns.test(column)) return 'bigint';
  return realColumns.test(column) ? 'double precision' : 'text';
}

/** PostgreSQL's text holds neither U+0000 nor half a surrogate pair: a prompt may hold both, and must not cost its batch. */
function storable(json: string): string {
  return json.replace(/(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g, '$1\ufffd');
}

const { INT2, INT4, INT8, NUMERIC } = pg.types.builtins;

/** Whole numbers, and sums of them, are bigints, as SQLite gives them. No other numeric is asked for. */
function parserOf(oid: number): ((text: string) => bigint) | null {
  return oid === INT8 || oid === NUMERIC || oid === INT4 || oid === INT2 ? (text) => BigInt(text) : null;
}
