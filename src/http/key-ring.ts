/**
 * The keys that are known now. It outlives a reload and can change without one: a key that is revoked is refused even
 * while something else keeps the rest of the configuration from being taken over.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { KeyConfig } from '../config/schema.ts';
import type { Tenant } from '../gateway/tenant.ts';

export interface KnownKey {
  readonly digest: Buffer;
  /** Milliseconds since the epoch. */
  readonly expires: number;
  readonly tenant: Tenant;
}

export interface KeyRing {
  /** Every request needs a key, even if none is there. */
  readonly required: boolean;
  find(credential: string): KnownKey | null;
  replace(keys: readonly KeyConfig[], required: boolean): void;
}

const nobody = openTenant('', false);
const none: readonly KnownKey[] = [{ digest: Buffer.alloc(32), expires: 0, tenant: nobody }];

/**
 * Keys are looked up by the beginning of their hash, which the sender of a guess cannot steer, and the rest is compared
 * in constant time, against nothing's hash where there is no such beginning: the time taken tells nothing about a key.
 */
export function createKeyRing(keys: readonly KeyConfig[], required: boolean): KeyRing {
  let known = byBeginning(keys);
  let isRequired = required;
  return {
    get required() {
      return isRequired;
    },
    find(credential) {
      const given = createHash('sha256').update(credential).digest();
      const candidates = known.get(given.readUIntBE(0, 6)) ?? none;
      for (const candidate of candidates) if (timingSafeEqual(given, candidate.digest)) return candidate;
      return null;
    },
    replace(nextKeys, nextRequired) {
      known = byBeginning(nextKeys);
      isRequired = nextRequired;
    },
  };
}

function byBeginning(keys: readonly KeyConfig[]): ReadonlyMap<number, readonly KnownKey[]> {
  const known = new Map<number, KnownKey[]>();
  for (const key of keys) {
    const digest = Buffer.from(key.hash.slice('sha256:'.length), 'hex');
    const beginning = digest.readUIntBE(0, 6);
    const one = { digest, expires: key.expires ?? Number.POSITIVE_INFINITY, tenant: tenantOf(key) };
    known.set(beginning, [...(known.get(beginning) ?? []), one]);
  }
  return known;
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
