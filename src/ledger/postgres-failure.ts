/**
 * PostgreSQL's and the network's errors in the words of an operator: what is wrong with which database, and what to do.
 * The database is named without user and password, here and everywhere.
 */
import { messageOf } from '../base/errors.ts';

/** `postgres://host:5432/name`, of a URL that may hold credentials. */
export function placeOf(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `postgres://${hostname}${port === '' ? '' : `:${port}`}${pathname}`;
}

export function describePostgresFailure(place: string, error: unknown): string {
  const code = codeOf(error);
  const message = wordsOf(error);
  return `The ledger ${place} ${problemOf(code, message)} (${message}${code === '' ? '' : `, ${code}`})`;
}

function problemOf(code: string, message: string): string {
  if (/^(28|3D000)/.test(code) || /SASL|password/i.test(message))
    return 'refuses the connection. Check user, password and database in ledger.url.';
  if (code.startsWith('08') || networkCodes.has(code) || /timeout|terminated|not queryable|ended/i.test(message))
    return 'cannot be reached. Start the server, or check host and port in ledger.url.';
  if (code === '42501') return 'lacks a permission. Let its user create tables once, and then read and write them.';
  if (code === '53300') return 'has no connection left. Raise max_connections, or put a pooler in between.';
  if (code === '53100')
    return 'cannot grow: the disk of the server is full. Free some space, or lower ledger.keep_days.';
  if (code === '25006') return 'can only be read: it is a standby. Set ledger.url to the primary.';
  if (code.startsWith('57P')) return 'is starting up or shutting down.';
  if (/SSL|certificate/i.test(message)) return 'does not agree on TLS. Check sslmode in ledger.url.';
  return 'failed.';
}

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EPIPE',
]);

/** A name with several addresses fails with one error for each. */
function wordsOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return messageOf(error);
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}
