/** Where the proxy keeps what it makes for itself (ledger, index, secret): beside the config. */
import { join } from 'node:path';

export function stateFolder({ folder }: { readonly folder: string }): string {
  return join(folder, '.shunt');
}
