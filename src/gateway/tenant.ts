/** Who sends a request, as the credential says; a client header never does. Tags label, they do not isolate. */
export interface Tenant {
  /** The virtual key's name, or a hash of the client's credential: what isolates pins and cache. */
  readonly id: string;
  readonly key: string | null;
  readonly mayForce: boolean;
  readonly admin: boolean;
  /** null: all. */
  readonly allowedRoutes: ReadonlySet<string> | null;
  readonly allowedModels: ReadonlySet<string> | null;
  /** Stand in each of its records. */
  readonly tags: readonly string[];
}
