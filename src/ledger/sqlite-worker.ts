/** The thread that owns the SQLite connection: takes one request at a time, answers it, and puts failures into words. */
import { parentPort } from 'node:worker_threads';
import { ShuntError } from '../base/errors.ts';
import { openDatabase, type SqliteDatabase } from './sqlite-database.ts';
import { describeFailure } from './sqlite-failure.ts';
import type { SqliteOperations, SqliteReply, SqliteRequest } from './sqlite-messages.ts';

if (!parentPort) throw new ShuntError('internal_error', 'sqlite-worker runs as a worker thread only');
const port = parentPort;
let file = '';
let database: SqliteDatabase | null = null;

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
      file = request.input.file;
      database = openDatabase(file, request.input.busyMs);
      return null;
    case 'append':
      opened().append(request.input);
      return null;
    case 'find':
      return opened().find(request.input);
    case 'spentSince':
      return opened().spentSince(request.input.timeMs, request.input.by);
    case 'summarise':
      return opened().summarise(request.input);
    case 'page':
      return opened().page(request.input);
    case 'prune':
      return opened().prune(request.input.beforeMs, request.input.limit);
    case 'close':
      database?.close();
      database = null;
      return null;
  }
}

function opened(): SqliteDatabase {
  if (database === null) throw new ShuntError('ledger_failed', `The ledger ${file} is not open.`);
  return database;
}
