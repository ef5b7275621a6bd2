/**
 * Who is this? With configured keys every request needs one; without keys the proxy is open, but only to callers on this
 * machine (the config refuses another `server.host`), and a web page must not reach it through a
 * visitor's browser: foreign `Origin` and non-loopback `Host` headers are refused.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { ShuntError } from '../base/errors.ts';
import { isLoopback } from '../base/loopback.ts';
import type { Config } from '../config/schema.ts';
import type { Tenant } from '../gateway/tenant.ts';
import type { Cors } from './cors.ts';
import { type KeyRing, openTenant } from './key-ring.ts';

export type Authenticate = (incoming: IncomingMessage) => Tenant;

/** The returned function throws `invalid_api_key` or `origin_forbidden`. */
export function createAuthenticate(options: {
  readonly config: Config;
  readonly keys: KeyRing;
  readonly cors: Cors;
  readonly clock: Clock;
}): Authenticate {
  const { config, keys, cors, clock } = options;
  return (incoming) => {
    const guardBrowser = !keys.required && !config.auth.anonymous;
    if (guardBrowser) refuseForeignPages(incoming, cors);
    const credential = credentialOf(incoming);
    if (!keys.required) return anonymous(credential, guardBrowser);
    if (credential === null) {
      throw new ShuntError('invalid_api_key', 'No API key was given. Send it as: Authorization: Bearer KEY.');
    }
    const found = keys.find(credential);
    if (found === null) throw new ShuntError('invalid_api_key', 'The API key is not known here.');
    if (found.expires <= clock.now()) {
      const day = new Date(found.expires).toISOString().slice(0, 16);
      throw new ShuntError('invalid_api_key', `The API key has expired (${day} UTC). Ask for a new one.`);
    }
    return found.tenant;
  };
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
