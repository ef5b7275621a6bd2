/**
 * Which web pages may call the proxy from a browser: none, unless `server.cors_origins` names their origin. A page that
 * is not named gets no headers, so that its browser keeps the answer from it; credentials are never allowed, keys travel
 * in a header.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Config } from '../config/schema.ts';

export interface Cors {
  /** The page that asks may read the answer. */
  allows(incoming: IncomingMessage): boolean;
  /** Marks the answer as one that the page may read. */
  mark(incoming: IncomingMessage, outgoing: ServerResponse): void;
  /** Answers a browser's question whether it may send a request; false: it was none, or from a page that may not. */
  preflight(incoming: IncomingMessage, outgoing: ServerResponse): boolean;
}

export function createCors(config: Config): Cors {
  const origins = new Set(config.server.cors_origins);
  const allows = ({ headers }: IncomingMessage) => headers.origin !== undefined && origins.has(headers.origin);

  function mark(incoming: IncomingMessage, outgoing: ServerResponse): void {
    if (!allows(incoming)) return;
    outgoing.setHeader('access-control-allow-origin', incoming.headers.origin ?? '');
    outgoing.setHeader('access-control-expose-headers', '*');
    outgoing.setHeader('vary', 'origin');
  }

  return {
    allows,
    mark,
    preflight(incoming, outgoing) {
      const { headers, method } = incoming;
      if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined || !allows(incoming))
        return false;
      mark(incoming, outgoing);
      outgoing.setHeader('access-control-allow-methods', 'GET, POST, DELETE');
      outgoing.setHeader('access-control-allow-headers', headers['access-control-request-headers'] ?? '*');
      outgoing.setHeader('access-control-max-age', '600');
      outgoing.writeHead(204).end();
      return true;
    },
  };
}
