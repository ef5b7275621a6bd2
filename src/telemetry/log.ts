/**
 * The log: one JSON object a line, to stderr. Secrets do not belong in a log, and two nets hold them back: fields with
 * the names of credentials are masked, and whatever looks like a credential in the finished line is masked too. Errors
 * are logged by message and code, with their stack at `debug` only.
 */
import pino from 'pino';
import { credentialRecognisers, redact } from '../base/credentials.ts';
import { messageOf, ShuntError } from '../base/errors.ts';

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log whose lines all carry `fields`. */
  child(fields: LogFields): Log;
}

export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** stderr when absent. */
  readonly destination?: { write(line: string): void };
}

const secretNames = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'api-key',
  'api_key',
  'apiKey',
  'password',
  'secret',
  'token',
];

export function createLog(options: LogOptions): Log {
  const out = options.destination ?? standardError();
  const paths = secretNames.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]);
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths, censor: '[secret]' },
      serializers: { error: describeError },
    },
    { write: (line: string) => out.write(redact(line, credentialRecognisers)) },
  );
  return wrap(logger);

  function describeError(error: unknown): unknown {
    if (!(error instanceof Error)) return error;
    const code = error instanceof ShuntError ? error.code : undefined;
    const cause = error.cause === undefined ? undefined : messageOf(error.cause);
    const stack = logger.isLevelEnabled('debug') ? error.stack : undefined;
    return { message: error.message, code, cause, stack };
  }
}

function standardError(): NonNullable<LogOptions['destination']> {
  // Synchronous, so that the last words before a crash are written. Nothing on the hot path logs.
  const stream = pino.destination({ fd: 2, sync: true, maxLength: 1 << 20 });
  // A full disk or a closed pipe behind it must not end the proxy: lines wait, up to a megabyte, and then are dropped.
  stream.on('error', () => undefined);
  return stream;
}

function wrap(logger: pino.Logger): Log {
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    child: (fields) => wrap(logger.child(fields)),
  };
}
