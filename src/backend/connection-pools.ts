/**
 * Connections to backends, one undici `Pool` per origin, shared by every backend with that origin and kept over a
 * reload of the configuration: a pool is closed when its last user lets go of it.
 *
 * It sets no deadline but that of connecting; the others belong to a request (`http.ts`).
 */
import { rootCertificates } from 'node:tls';
import { buildConnector, errors, Pool } from 'undici';
import { createEndGates, type EndGates } from './paused-end.ts';
import { openTunnel } from './tunnel.ts';

interface PoolOptions {
  readonly connections: number;
  readonly connectMs: number;
  /** The way out of a corporate network: an HTTP proxy's URL; null: straight. */
  readonly proxy?: string | null;
  /** Certificates to trust beside the usual ones, in PEM. */
  readonly ca?: string | null;
  /** The backend speaks HTTP/2: its streams share connections. */
  readonly http2?: boolean;
}

/** Streams on one HTTP/2 connection; servers allow 100 and more. */
const streamsPerConnection = 100;

interface PoolLease {
  readonly pool: Pool;
  /** Before an answer is paused, and before it is resumed. */
  readonly gates: EndGates;
  /** Resolves when the connections are closed, if this was the last lease. Requests in flight are answered first. */
  release(): Promise<void>;
}

export interface ConnectionPools {
  lease(origin: string, options: PoolOptions): PoolLease;
}

export function createConnectionPools(): ConnectionPools {
  const shared = new Map<string, { readonly pool: Pool; readonly gates: EndGates; users: number }>();

  function lease(origin: string, options: PoolOptions): PoolLease {
    const key = JSON.stringify([origin, options]);
    const entry = shared.get(key) ?? { ...createPool(origin, options), users: 0 };
    shared.set(key, entry);
    entry.users++;
    let held = true;
    return {
      pool: entry.pool,
      gates: entry.gates,
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

function createPool(origin: string, options: PoolOptions): { readonly pool: Pool; readonly gates: EndGates } {
  const http2 = options.http2 === true;
  const gates = createEndGates();
  const pool = new Pool(origin, {
    connections: http2 ? Math.ceil(options.connections / streamsPerConnection) : options.connections,
    // One request at a time on a connection of HTTP/1: a stream of minutes must not hold up what was piped behind it.
    pipelining: http2 ? streamsPerConnection : 1,
    allowH2: http2,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: punctualConnector(options, gates),
  });
  return { pool, gates };
}

/** undici's own connect timer ticks twice a second; a limit of 200 ms would come after 700. */
function punctualConnector(options: PoolOptions, gates: EndGates): buildConnector.connector {
  const { connectMs } = options;
  const connect = connector(options);
  return (place, callback) => {
    let waiting = true;
    const timer = setTimeout(() => {
      waiting = false;
      callback(new errors.ConnectTimeoutError(`no connection within ${connectMs} ms`), null);
    }, connectMs);
    connect(place, (error, socket) => {
      if (!waiting) {
        socket?.destroy();
        return;
      }
      waiting = false;
      clearTimeout(timer);
      if (error) callback(error, null);
      else if (options.http2 && !('alpnProtocol' in socket && socket.alpnProtocol === 'h2')) {
        // As many requests as streams would now wait behind each other on one connection of HTTP/1.
        socket.destroy();
        callback(new Error('the backend does not offer HTTP/2; remove http2: true'), null);
      } else {
        if (!options.http2) gates.watch(socket);
        callback(null, socket);
      }
    });
  };
}

function connector(options: PoolOptions): buildConnector.connector {
  const { connectMs, http2 = false } = options;
  const ca = options.ca ? { ca: [...rootCertificates, options.ca] } : {};
  const straight = buildConnector({ timeout: connectMs, allowH2: http2, ...ca });
  const { proxy } = options;
  if (!proxy) return straight;
  return (place, callback) => {
    const secure = place.protocol === 'https:';
    const target = { host: place.hostname, port: place.port || (secure ? '443' : '80') };
    openTunnel(proxy, target, (error, socket) => {
      if (error || socket === null) callback(error ?? new Error('no tunnel'), null);
      else if (secure) straight({ ...place, httpSocket: socket }, callback);
      else callback(null, socket);
    });
  };
}
