/**
 * Who is this? With configured keys every request needs one; without keys the proxy is open, but only to callers on this
 * machine (the config refuses another `server.host`), and a web page must not reach it through a
 * visitor's browser: foreign `Origin` and non-loopback `Host` headers are refused.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { ShuntError } from '../base/errors.ts';
import { isLoopback } from '../base/loopback.ts';
import type { Config, KeyConfig } from '../config/schema.ts';
import type { Tenant } from '../gateway/tenant.ts';
import type { Cors } from './cors.ts';

export type Authenticate = (incoming: IncomingMessage) => Tenant;

interface KnownKey {
  readonly digest: Buffer;
  readonly expires: number;
  readonly tenant: Tenant;
}

/** The returned function throws `invalid_api_key` or `origin_forbidden`. */
export function createAuthenticate(config: Config, cors: Cors, clock: Clock): Authenticate {
  const find = keyFinder(config.auth.keys);
  const { keys_required: keysRequired } = config;
  const guardBrowser = !keysRequired && !config.auth.anonymous;
  return (incoming) => {
    if (guardBrowser) refuseForeignPages(incoming, cors);
    const credential = credentialOf(incoming);
    if (!keysRequired) return anonymous(credential, guardBrowser);
    if (credential === null) {
      throw new ShuntError('invalid_api_key', 'No API key was given. Send it as: Authorization: Bearer KEY.');
    }
    const found = find(credential);
    if (found === null) throw new ShuntError('invalid_api_key', 'The API key is not known here.');
    if (found.expires <= clock.now()) {
      const day = new Date(found.expires).toISOString().slice(0, 16);
      throw new ShuntError('invalid_api_key', `The API key has expired (${day} UTC). Ask for a new one.`);
    }
    return found.tenant;
  };
}

/**
 * Keys are looked up by the beginning of their hash, which the sender of a guess cannot steer, and the rest is compared
 * in constant time, against nothing's hash where there is no such beginning: the time taken tells nothing about a key.
 */
function keyFinder(keys: readonly KeyConfig[]): (credential: string) => KnownKey | null {
  const known = new Map<number, KnownKey[]>();
  for (const key of keys) {
    const digest = Buffer.from(key.hash.slice('sha256:'.length), 'hex');
    const beginning = digest.readUIntBE(0, 6);
    const one = { digest, expires: key.expires ?? Number.POSITIVE_INFINITY, tenant: tenantOf(key) };
    known.set(beginning, [...(known.get(beginning) ?? []), one]);
  }
  const none: readonly KnownKey[] = [{ digest: Buffer.alloc(32), expires: 0, tenant: openTenant('', false) }];
  return (credential) => {
    const given = createHash('sha256').update(credential).digest();
    const candidates = known.get(given.readUIntBE(0, 6)) ?? none;
    for (const candidate of candidates) if (timingSafeEqual(given, candidate.digest)) return candidate;
    return null;
  };
}

function tenantOf(key: KeyConfig): Tenant {
  return {
    id: `key:${key.name}`,
    key: key.name,
    mayForce: key.may_force || key.admin,
    admin: key.admin,
    allowedRoutes: key.allowed_routes === undefined ? null : new Set(key.allowed_routes),
    allowedModels: key.allowed_models === undefined ? null : new Set(key.allowed_models),
    tags: key.tags,
  };
}

/** Somebody without a key: an unknown client, or whoever reaches the admin port. */
export function openTenant(id: string, trusted: boolean): Tenant {
  return { id, key: null, mayForce: trusted, admin: trusted, allowedRoutes: null, allowedModels: null, tags: [] };
}

function anonymous(credential: string | null, loopbackOnly: boolean): Tenant {
  const id =
    credential === null
      ? 'anonymous'
      : `anonymous:${createHash('sha256').update(credential).digest('base64url').slice(0, 16)}`;
  return openTenant(id, loopbackOnly);
}

function credentialOf(incoming: IncomingMessage): string | null {
  const authorization = incoming.headers.authorization;
  if (authorization) {
    const match = /^Bearer\s+(\S.*)$/i.exec(authorization);
    return match ? match[1].trim() : authorization;
  }
  const header = incoming.headers['api-key'] ?? incoming.headers['x-api-key'];
  return typeof header === 'string' && header !== '' ? header : null;
}

function refuseForeignPages(incoming: IncomingMessage, cors: Cors): void {
  const host = incoming.headers.host;
  if (host !== undefined && !isLoopback(hostName(host))) {
    throw new ShuntError(
      'origin_forbidden',
      `Host '${host}' is not this machine. Without keys only loopback names are served; set auth.keys, or auth.anonymous: true.`,
    );
  }
  const origin = incoming.headers.origin;
  if (origin === undefined || cors.allows(incoming)) return;
  const name = URL.canParse(origin) ? hostName(new URL(origin).host) : origin;
  if (!isLoopback(name)) {
    throw new ShuntError(
      'origin_forbidden',
      `Pages of '${origin}' may not call this proxy. Add it to server.cors_origins, or set auth.keys.`,
    );
  }
}

function hostName(host: string): string {
  return host.replace(/:\d*$/, '');
}
