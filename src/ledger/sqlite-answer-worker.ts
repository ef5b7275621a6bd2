/** The thread that owns the connection to the cached answers: takes one request at a time, and puts failures into words. */
import { parentPort } from 'node:worker_threads';
import { ShuntError } from '../base/errors.ts';
import type { AnswerOperations, AnswerReply, AnswerRequest } from './sqlite-answer-messages.ts';
import { openAnswers, type SqliteAnswers } from './sqlite-answers.ts';
import { describeFailure } from './sqlite-failure.ts';

if (!parentPort) throw new ShuntError('internal_error', 'sqlite-answer-worker runs as a worker thread only');
const port = parentPort;
let file = '';
let answers: SqliteAnswers | null = null;

port.on('message', (request: AnswerRequest) => {
  port.postMessage(reply(request));
  if (request.operation === 'close') port.close();
});

function reply(request: AnswerRequest): AnswerReply {
  try {
    return { id: request.id, output: perform(request) };
  } catch (error) {
    return { id: request.id, failure: error instanceof ShuntError ? error.message : describeFailure(file, error) };
  }
}

function perform(request: AnswerRequest): AnswerOperations[keyof AnswerOperations]['output'] {
  switch (request.operation) {
    case 'open':
      file = request.input.file;
      answers = openAnswers(file, request.input.busyMs);
      return null;
    case 'get':
      return opened().get(request.input.key, request.input.now);
    case 'put':
      opened().put(request.input.answers, request.input.limits);
      return null;
    case 'purge':
      return opened().purge(request.input);
    case 'stats':
      return opened().stats(request.input);
    case 'close':
      answers?.close();
      answers = null;
      return null;
  }
}

function opened(): SqliteAnswers {
  if (answers === null) throw new ShuntError('ledger_failed', `The answers in ${file} are not open.`);
  return answers;
}
