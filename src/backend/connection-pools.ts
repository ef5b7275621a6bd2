/**
 * Connections to backends, one undici `Pool` per origin, shared by every backend with that origin and kept over a
 * reload of the configuration: a pool is closed when its last user lets go of it.
 *
 * It sets no deadline but that of connecting; the others belong to a request (`http.ts`).
 */
import { buildConnector, errors, Pool } from 'undici';

interface PoolOptions {
  readonly connections: number;
  readonly connectMs: number;
}

interface PoolLease {
  readonly pool: Pool;
  /** Resolves when the connections are closed, if this was the last lease. Requests in flight are answered first. */
  release(): Promise<void>;
}

export interface ConnectionPools {
  lease(origin: string, options: PoolOptions): PoolLease;
}

export function createConnectionPools(): ConnectionPools {
  const shared = new Map<string, { readonly pool: Pool; users: number }>();

  function lease(origin: string, options: PoolOptions): PoolLease {
    const key = `${origin} ${options.connections} ${options.connectMs}`;
    const entry = shared.get(key) ?? { pool: createPool(origin, options), users: 0 };
    shared.set(key, entry);
    entry.users++;
    let held = true;
    return {
      pool: entry.pool,
      async release() {
        if (!held) return;
        held = false;
        entry.users--;
        if (entry.users > 0) return;
        shared.delete(key);
        await entry.pool.close();
      },
    };
  }

  return { lease };
}

function createPool(origin: string, options: PoolOptions): Pool {
  return new Pool(origin, {
    connections: options.connections,
    // One request at a time on a connection: a stream of minutes must not hold up what was piped behind it.
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: punctualConnector(options.connectMs),
  });
}

/** undici's own connect timer ticks twice a second; a limit of 200 ms would come after 700. */
function punctualConnector(connectMs: number): buildConnector.connector {
  const connect = buildConnector({ timeout: connectMs });
  return (options, callback) => {
    let waiting = true;
    const timer = setTimeout(() => {
      waiting = false;
      callback(new errors.ConnectTimeoutError(`no connection within ${connectMs} ms`), null);
    }, connectMs);
    connect(options, (error, socket) => {
      if (!waiting) {
        socket?.destroy();
        return;
      }
      waiting = false;
      clearTimeout(timer);
      if (error) callback(error, null);
      else callback(null, socket);
    });
  };
}
