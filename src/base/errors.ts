/**
 * The one error type of the project and the one table of its codes. Status, OpenAI `type`, retryability and log level
 * live in the table, so that a handler never invents its own reply. `message` must say what was wrong, where, and what to do.
 */
export const errorTable = {
  invalid_request: { status: 400, type: 'invalid_request_error', retryable: false, level: 'info' },
  invalid_json: { status: 400, type: 'invalid_request_error', retryable: false, level: 'info' },
  previous_response_not_found: { status: 400, type: 'invalid_request_error', retryable: false, level: 'info' },
  invalid_api_key: { status: 401, type: 'authentication_error', retryable: false, level: 'info' },
  budget_exceeded: { status: 429, type: 'insufficient_quota', retryable: false, level: 'info' },
  rate_limit_exceeded: { status: 429, type: 'rate_limit_error', retryable: true, level: 'info' },
  route_forbidden: { status: 403, type: 'permission_error', retryable: false, level: 'info' },
  forbidden: { status: 403, type: 'permission_error', retryable: false, level: 'info' },
  origin_forbidden: { status: 403, type: 'permission_error', retryable: false, level: 'info' },
  model_forbidden: { status: 403, type: 'permission_error', retryable: false, level: 'info' },
  model_not_found: { status: 404, type: 'invalid_request_error', retryable: false, level: 'info' },
  not_found: { status: 404, type: 'invalid_request_error', retryable: false, level: 'info' },
  method_not_allowed: { status: 405, type: 'invalid_request_error', retryable: false, level: 'info' },
  request_timeout: { status: 408, type: 'invalid_request_error', retryable: true, level: 'info' },
  body_too_large: { status: 413, type: 'invalid_request_error', retryable: false, level: 'info' },
  headers_too_large: { status: 431, type: 'invalid_request_error', retryable: false, level: 'info' },
  client_closed_request: { status: 499, type: 'invalid_request_error', retryable: false, level: 'debug' },
  internal_error: { status: 500, type: 'server_error', retryable: false, level: 'error' },
  backend_unreachable: { status: 502, type: 'server_error', retryable: true, level: 'warn' },
  backend_error: { status: 502, type: 'server_error', retryable: true, level: 'warn' },
  draining: { status: 503, type: 'server_error', retryable: true, level: 'info' },
  overloaded: { status: 503, type: 'server_error', retryable: true, level: 'warn' },
  not_ready: { status: 503, type: 'server_error', retryable: true, level: 'info' },
  /** Nothing was sent: the only backend that could answer has been failing, and enough requests wait for it. */
  backend_unavailable: { status: 503, type: 'server_error', retryable: true, level: 'warn' },
  /** `cache-control: only-if-cached`, and nothing is. */
  not_cached: { status: 504, type: 'invalid_request_error', retryable: false, level: 'info' },
  backend_timeout: { status: 504, type: 'server_error', retryable: true, level: 'warn' },
  /** Configuration, route cards, data files: exit code 2 on the command line. */
  bad_config: { status: 500, type: 'server_error', retryable: false, level: 'error' },
  bad_data: { status: 400, type: 'invalid_request_error', retryable: false, level: 'info' },
  /** A snapshot that does not pass the gate that a reload requires. */
  gate_failed: { status: 500, type: 'server_error', retryable: false, level: 'error' },
  /** A model directory or index that cannot be used: wrong digest, missing file, foreign fingerprint. */
  bad_model: { status: 500, type: 'server_error', retryable: false, level: 'error' },
  embedder_failed: { status: 500, type: 'server_error', retryable: true, level: 'warn' },
  ledger_failed: { status: 500, type: 'server_error', retryable: true, level: 'error' },
} as const satisfies Record<string, ErrorRow>;

interface ErrorRow {
  readonly status: number;
  readonly type: string;
  readonly retryable: boolean;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
}

export type ErrorCode = keyof typeof errorTable;

export interface ErrorDetails {
  /** The request field, config key or flag at fault, as the user spells it. */
  readonly param?: string;
  readonly cause?: unknown;
  readonly retryAfterMs?: number;
}

export class ShuntError extends Error {
  readonly code: ErrorCode;
  readonly param: string | null;
  readonly retryAfterMs: number | null;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'ShuntError';
    this.code = code;
    this.param = details.param ?? null;
    this.retryAfterMs = details.retryAfterMs ?? null;
  }

  get row(): ErrorRow {
    return errorTable[this.code];
  }
}

/** The words of any thrown value, for logs and for wrapping; never a stack trace. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
