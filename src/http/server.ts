/** Puts the app on a socket: a port in use is said in one sentence, and closing lets open answers finish. */
import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { ShuntError } from '../base/errors.ts';
import { answerBrokenRequests, unreadableTarget } from './broken-request.ts';

const longestUploadMs = 600_000;

export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Stops listening and closes idle connections; resolves when the last connection is gone. */
  close(): Promise<void>;
  /** Cuts what is still open. */
  cut(): void;
}

export async function listen(
  fetch: Parameters<typeof getRequestListener>[0],
  options: { readonly host: string; readonly port: number; readonly requestMs: number; readonly key?: string },
): Promise<Listening> {
  const server = createServer(
    // A keep-alive time above the usual load balancer's minute, so that we are never the one who closes first.
    {
      keepAliveTimeout: 75_000,
      headersTimeout: options.requestMs,
      // How often slow headers are looked for; Node's own half minute would be the true limit.
      connectionsCheckingInterval: Math.min(5_000, options.requestMs),
      // Bodies that are read have their own, shorter limit; this one ends uploads that are passed on as they come.
      requestTimeout: Math.max(longestUploadMs, options.requestMs),
      maxHeaderSize: 65_536,
    },
    // The name stands in for the Host header that HTTP/1.0 health checks lack.
    getRequestListener(fetch, {
      overrideGlobalObjects: false,
      hostname: 'localhost',
      errorHandler: unreadableTarget,
    }),
  );
  answerBrokenRequests(server);
  await opened(server, options);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}`,
    port,
    close() {
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
    },
    cut: () => server.closeAllConnections(),
  };
}

function opened(
  server: Server,
  options: { readonly host: string; readonly port: number; readonly key?: string },
): Promise<void> {
  const key = options.key ?? 'server.port';
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const place = `${options.host}:${options.port}`;
      const problem =
        error.code === 'EADDRINUSE'
          ? `Port ${options.port} on ${options.host} is in use already. Stop the other program, or choose another port: --port or ${key}.`
          : error.code === 'EACCES'
            ? `This user may not listen on ${place}. Choose a port above 1023: --port or ${key}.`
            : `Cannot listen on ${place} (${error.code ?? error.message}). Check server.host and ${key}.`;
      reject(new ShuntError('bad_config', problem, { cause: error }));
    });
    server.listen(options.port, options.host, () => resolve());
  });
}
