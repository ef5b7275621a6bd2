/**
 * The thread that owns the SQLite connection: takes one request at a time, answers it, and puts failures into words.
 *
 * A file that is deleted under an open connection takes commits as before, and nobody ever finds them. So after each
 * commit it is asked whether the file still stands in its place; where it does not, the commit is told to have failed, and
 * the next one opens what stands there, or makes a new file. What stood in the old one stays deleted: somebody may have
 * meant it.
 */
import { rmSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { ShuntError } from '../base/errors.ts';
import { operation } from './operations.ts';
import { openDatabase, type SqliteDatabase } from './sqlite-database.ts';
import { describeFailure } from './sqlite-failure.ts';
import { identityOf, makeFile } from './sqlite-file.ts';
import type { SqliteOperations, SqliteReply, SqliteRequest } from './sqlite-messages.ts';

if (!parentPort) throw new ShuntError('internal_error', 'sqlite-worker runs as a worker thread only');
const port = parentPort;
let file = '';
let busyMs = 0;
let database: SqliteDatabase | null = null;
let identity: string | null = null;
let walIdentity: string | null = null;

port.on('message', (request: SqliteRequest) => {
  port.postMessage(answer(request));
  if (request.operation === 'close') port.close();
});

function answer(request: SqliteRequest): SqliteReply {
  try {
    return { id: request.id, output: perform(request) };
  } catch (error) {
    const failure = error instanceof ShuntError ? error.message : describeFailure(file, error);
    return { id: request.id, failure };
  }
}

function perform(request: SqliteRequest): SqliteOperations[keyof SqliteOperations]['output'] {
  switch (request.operation) {
    case 'open':
      ({ file, busyMs } = request.input);
      opened();
      return null;
    case 'append':
      opened().append(request.input);
      requireInPlace();
      return null;
    case 'close':
      database?.close();
      database = null;
      return null;
    default: {
      if (operation(request.operation).access === 'scan') reopenWhereMoved();
      const output = opened().perform(request.operation, request.input);
      if (request.operation === 'tell') requireInPlace();
      return output;
    }
  }
}

function opened(): SqliteDatabase {
  if (database !== null) return database;
  makeFile(file);
  database = openDatabase(file, busyMs);
  identity = identityOf(file);
  walIdentity = identityOf(`${file}-wal`);
  return database;
}

/** A thread that only reads has lost nothing with a file that was replaced: it reads the one that stands there now. */
function reopenWhereMoved(): void {
  if (database === null || identityOf(file) === identity) return;
  database.close();
  database = null;
}

function requireInPlace(): void {
  const log = identityOf(`${file}-wal`);
  if (identityOf(file) === identity && log === walIdentity) return;
  if (identityOf(file) === identity) loseLog(log);
  database?.close();
  database = null;
  // SQLite leaves the log of a file that has moved, and would play it into the one that stands there now.
  if (walIdentity !== null && identityOf(`${file}-wal`) === walIdentity) {
    for (const ending of ['-wal', '-shm']) rmSync(`${file}${ending}`, { force: true });
  }
  throw new ShuntError(
    'ledger_failed',
    `The ledger ${file} was deleted or replaced while it was in use: the decisions that stood in it are gone with it. A new one is made.`,
  );
}

/** The file is there, the log that the commit went to is not. */
function loseLog(successor: string | null): never {
  // What it holds can be moved into the file, unless somebody has begun another log.
  if (successor === null) database?.close();
  database = null;
  throw new ShuntError(
    'ledger_failed',
    `The log ${file}-wal was deleted while it was in use. The ledger is opened again.`,
  );
}
