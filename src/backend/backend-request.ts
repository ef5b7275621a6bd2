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

/**
 * Some providers' clients are given the bare host, so that a missing path means what their own clients would add: `/v1`
 * for Anthropic, `/openai/v1` for Azure, `/openai` for Azure's classic API, which is the one with an `api_version`.
 */
export function backendAddress(
  baseUrl: string,
  config: Partial<Pick<BackendConfig, 'kind' | 'api_version'>> = {},
): BackendAddress {
  const url = new URL(baseUrl);
  const path = url.pathname.replace(/\/+$/, '');
  const prefix = path === '' ? impliedPath(config) : path;
  if (config.api_version !== undefined) url.searchParams.set('api-version', config.api_version);
  const query = url.search.slice(1);
  return {
    origin: url.origin,
    target(below) {
      if (query === '') return prefix + below;
      return `${prefix}${below}${below.includes('?') ? '&' : '?'}${query}`;
    },
  };
}

function impliedPath({ kind, api_version }: Partial<Pick<BackendConfig, 'kind' | 'api_version'>>): string {
  if (kind === 'anthropic') return '/v1';
  if (kind !== 'azure') return '';
  return api_version === undefined ? '/openai/v1' : '/openai';
}

/** Endpoints that stand below a model's deployment in Azure's classic API; Responses, files and batches do not. */
const ofDeployment = ['/chat/completions', '/completions', '/embeddings'];

/** The path of an endpoint for a model, by the name that its provider has for it. */
export function modelPath(config: BackendConfig, model: string, path: string): string {
  if (config.kind !== 'azure' || config.api_version === undefined || !ofDeployment.includes(path)) return path;
  return `/deployments/${encodeURIComponent(model)}${path}`;
}

const credentialHeaders = ['authorization', 'api-key', 'x-api-key'];

/**
 * Adds the configured headers, which replace the client's of the same name, and the operator's key as a bearer token
 * (`x-api-key` for Anthropic, `api-key` for Azure), unless a configured header carries a credential already. With `credentials: client` the
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
    const [name, value] = credentialOf(config.kind, config.api_key);
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

function credentialOf(kind: BackendConfig['kind'], key: string): [name: string, value: string] {
  if (kind === 'anthropic') return ['x-api-key', key];
  return kind === 'azure' ? ['api-key', key] : ['authorization', `Bearer ${key}`];
}
