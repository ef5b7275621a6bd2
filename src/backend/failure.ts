/** Sorts the errors of undici, of the socket and of TLS into the contract's kinds of failure. */
import { errors } from 'undici';
import { messageOf } from '../base/errors.ts';
import type { FailureKind } from './contract.ts';

/** What had happened to the request when the error came. */
export type CallStage = 'connecting' | 'sent' | 'answering';

export function failureKind(error: unknown, stage: CallStage): FailureKind {
  const code = codeOf(error);
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'connect-timeout';
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') return 'protocol';
  if (stage === 'connecting') return 'connect';
  if (code === 'UND_ERR_ABORTED') return 'aborted';
  if (error instanceof errors.HTTPParserError || protocolCodes.has(code)) return 'protocol';
  if (code === 'UND_ERR_SOCKET' && /^bad (response|upgrade)$/.test(messageOf(error))) return 'protocol';
  return 'reset';
}

/** One line; a happy-eyeballs failure has its words in its parts. */
export function failureText(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const text = messageOf(first) || codeOf(error);
  return text.split('\n', 1)[0];
}

const protocolCodes = new Set([
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_HEADERS_OVERFLOW',
]);

function codeOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return '';
}
