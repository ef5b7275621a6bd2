/** An error in the shape that Anthropic's clients read; `param` and `code` of OpenAI's shape stand beside it. */
import type { ShuntError } from '../base/errors.ts';

export interface AnthropicErrorBody {
  readonly type: 'error';
  readonly error: {
    readonly type: string;
    readonly message: string;
    readonly param: string | null;
    readonly code: string;
  };
}

export function anthropicErrorBody(error: ShuntError): AnthropicErrorBody {
  const { message, param, code } = error;
  return { type: 'error', error: { type: typeOf(error), message, param, code } };
}

function typeOf({ row }: ShuntError): string {
  switch (row.status) {
    case 401:
      return 'authentication_error';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 413:
      return 'request_too_large';
    case 429:
      return 'rate_limit_error';
    case 503:
      return 'overloaded_error';
    case 504:
      return 'timeout_error';
    default:
      return row.status < 500 ? 'invalid_request_error' : 'api_error';
  }
}
