/**
 * What a backend's configuration makes of a call: where its path lies below `base_url`, and which headers the operator
 * adds. Worked out once per backend, applied per request.
 *
 *   base_url  https://x.openai.azure.com/openai/deployments/d?api-version=1
 *   path                                                      /chat/completions?a=b
 *   target                    /openai/deployments/d/chat/completions?a=b&api-version=1
 */
import type { BackendConfig } from '../config/schema.ts';
import type { RawHeaders } from './contract.ts';

export interface BackendAddress {
  readonly origin: string;
  target(path: string): string;
}

/** Anthropic's own clients are given the bare host, so that for its kind a missing path means `/v1`. */
export function backendAddress(baseUrl: string, kind: 'openai' | 'anthropic' = 'openai'): BackendAddress {
  const url = new URL(baseUrl);
  const path = url.pathname.replace(/\/+$/, '');
  const prefix = path === '' && kind === 'anthropic' ? '/v1' : path;
  const query = url.search.slice(1);
  return {
    origin: url.origin,
    target(path) {
      if (query === '') return prefix + path;
      return `${prefix}${path}${path.includes('?') ? '&' : '?'}${query}`;
    },
  };
}

const credentialHeaders = ['authorization', 'api-key', 'x-api-key'];

/**
 * Adds the configured headers, which replace the client's of the same name, and the operator's key as a bearer token
 * (for Anthropic as `x-api-key`), unless a configured header carries a credential already (Azure's `api-key`). With `credentials: client` the
 * operator's key stays out: a client without a credential must not be served on the operator's.
 */
export function operatorHeaders(config: BackendConfig): (headers: RawHeaders) => RawHeaders {
  const added: string[] = [];
  const names = new Set<string>();
  for (const [name, value] of Object.entries(config.headers)) {
    names.add(name.toLowerCase());
    added.push(name, value);
  }
  const hasCredential = credentialHeaders.some((name) => names.has(name));
  if (config.api_key && config.credentials === 'config' && !hasCredential) {
    const [name, value] =
      config.kind === 'anthropic' ? ['x-api-key', config.api_key] : ['authorization', `Bearer ${config.api_key}`];
    names.add(name);
    added.push(name, value);
  }
  if (added.length === 0) return (headers) => headers;
  // Few names of a request have the length of one of these, so that few are looked at letter by letter.
  const lengths = new Set([...names].map((one) => one.length));
  return (headers) => {
    const all: string[] = [];
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const name = headers[i];
      if (!lengths.has(name.length) || !names.has(name.toLowerCase())) all.push(name, headers[i + 1]);
    }
    for (const part of added) all.push(part);
    return all;
  };
}
