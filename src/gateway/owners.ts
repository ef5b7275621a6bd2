/**
 * Who made what is stored at a backend (responses, files, batches): ids that a backend gives out under the operator's
 * credential belong to the tenant whose request made them, and live at the backend that answered it. Everybody else is
 * told that there is no such id.
 *
 * In memory, bounded by count and age: after a restart, or past the bound, an id is unknown and answered with 404.
 */
import { LRUCache } from 'lru-cache';

export interface Owner {
  readonly tenant: string;
  /** Config name of the model that made it, or through whose backend it was made. */
  readonly model: string;
  /** Over which of its backend's endpoints: another may be another account, which does not know the id. */
  readonly endpoint?: string | null;
}

export interface Owners {
  /** null for ids that nobody, or somebody else, made. */
  find(id: string, tenant: string): Owner | null;
  keep(id: string, owner: Owner): void;
  forget(id: string): void;
}

export const ownerBounds = { max: 200_000, ttlMs: 30 * 86_400_000 };

export function createOwners(options: { readonly max: number; readonly ttlMs: number }): Owners {
  const owners = new LRUCache<string, Owner>({ max: options.max, ttl: options.ttlMs, updateAgeOnGet: true });
  return {
    find(id, tenant) {
      const owner = owners.get(id);
      return owner?.tenant === tenant ? owner : null;
    },
    keep(id, owner) {
      if (id.length <= 256) owners.set(id, owner);
    },
    forget: (id) => owners.delete(id),
  };
}
