/**
 * Which headers cross the proxy, in both directions. Everything does but what belongs to one connection, what the proxy
 * sets itself, and credentials that are not meant for the backend. Duplicates, order and spelling survive.
 *
 * On the hot path: one pass over names and values in turn, a set look-up per name, no object per header.
 */
import type { RawHeaders } from './contract.ts';

/** RFC 9110 §7.6.1 and the older `proxy-connection`, `keep-alive`: they speak about one connection. */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];

/** What identifies the client to its provider. A client's credential must never reach another provider. */
const credentials = [
  'authorization',
  'api-key',
  'x-api-key',
  'x-goog-api-key',
  'x-auth-token',
  'x-amz-security-token',
  'cookie',
  'cookie2',
];

const crossOrigin = [
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-expose-headers',
];

type Treatment = 'drop' | 'length' | 'credential' | 'encoding';

function treatments(rows: readonly (readonly [Treatment, readonly string[]])[]): Map<string, Treatment> {
  return new Map(rows.flatMap(([treatment, names]) => names.map((name) => [name, treatment] as const)));
}

/** `host` is set anew; an `expect: 100-continue` has been answered by our own server. */
const onRequest = treatments([
  ['drop', [...hopByHop, 'host', 'expect']],
  ['length', ['content-length']],
  ['credential', credentials],
  ['encoding', ['accept-encoding']],
]);

/** `alt-svc` names another address of the backend, which a client would take for ours; which pages may read us is ours to say. */
const onResponse = treatments([
  ['drop', [...hopByHop, 'alt-svc', ...crossOrigin]],
  ['length', ['content-length']],
]);

const ownPrefix = 'x-shunt-';

export interface RequestHeaderOptions {
  /** `client`: the client's own credential goes upstream; `config`: it stays here and the backend adds the operator's. */
  readonly credentials: 'config' | 'client';
  /** The answer must be read as it passes: ask for it uncompressed. */
  readonly identity: boolean;
  /** The body is a stream that goes on unchanged, so that its declared length still holds. */
  readonly keepLength?: boolean;
}

export function forwardedRequestHeaders(raw: RawHeaders, options: RequestHeaderOptions): string[] {
  const keepLength = options.keepLength === true;
  const keepCredentials = options.credentials === 'client';
  const named = connectionOptions(raw);
  const forwarded: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i].toLowerCase();
    const treatment = onRequest.get(name);
    if (treatment !== undefined) {
      if (treatment === 'drop') continue;
      if (treatment === 'length' && !keepLength) continue;
      if (treatment === 'credential' && !keepCredentials) continue;
      if (treatment === 'encoding' && options.identity) continue;
    } else if (name.startsWith(ownPrefix)) continue;
    if (named?.has(name)) continue;
    forwarded.push(raw[i], raw[i + 1]);
  }
  if (options.identity) forwarded.push('accept-encoding', 'identity');
  return forwarded;
}

/** `keepLength`: the body goes out as it came, so that its declared length still holds. */
export function forwardedResponseHeaders(raw: RawHeaders, options: { readonly keepLength: boolean }): string[] {
  const named = connectionOptions(raw);
  const forwarded: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i].toLowerCase();
    const treatment = onResponse.get(name);
    if (treatment === 'drop' || (treatment === 'length' && !options.keepLength)) continue;
    if (name.startsWith(ownPrefix) || named?.has(name)) continue;
    forwarded.push(raw[i], raw[i + 1]);
  }
  return forwarded;
}

/** The first value under a name, which must be given in lower case; null without one. */
export function headerValue(headers: RawHeaders, lowerCaseName: string): string | null {
  const length = lowerCaseName.length;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i];
    if (name.length === length && (name === lowerCaseName || name.toLowerCase() === lowerCaseName)) {
      return headers[i + 1];
    }
  }
  return null;
}

/** Header names that `Connection` declares hop-by-hop; null in the usual cases (absent, keep-alive, close). */
function connectionOptions(raw: RawHeaders): Set<string> | null {
  let named: Set<string> | null = null;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i].length !== 10 || raw[i].toLowerCase() !== 'connection') continue;
    for (const option of raw[i + 1].split(',')) {
      const name = option.trim().toLowerCase();
      if (name === '' || name === 'keep-alive' || name === 'close') continue;
      named ??= new Set();
      named.add(name);
    }
  }
  return named;
}
