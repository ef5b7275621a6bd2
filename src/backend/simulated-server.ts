/**
 * The simulated backend over HTTP, under `/v1`: what `shunt simulate` runs, and what tests call across a real socket.
 * It turns the backend's failures into what a broken server does to its clients: a reset, garbage, a short body, silence.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../base/clock.ts';
import type { BackendConfig } from '../config/schema.ts';
import type { Backend, BackendFailure } from './contract.ts';
import { createSimulatedBackend } from './simulated.ts';

export interface SimulatedServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly config: BackendConfig;
}

export interface SimulatedServer {
  /** The base URL, `/v1` included. */
  readonly url: string;
  /** Ends open connections too. */
  close(): Promise<void>;
}

const day = 86_400_000;

/** Rejects with the socket's error (`EADDRINUSE`) when it cannot listen. */
export function startSimulatedServer(options: SimulatedServerOptions): Promise<SimulatedServer> {
  // The patience of a client is the client's affair: a server that hangs, hangs.
  const limits = { first_byte_ms: day, idle_ms: day, total_ms: day };
  const backend = createSimulatedBackend('simulated', { ...options.config, ...limits }, systemClock);
  const server = createServer((request, response) => answer(backend, request, response));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      const { address, port, family } = server.address() as AddressInfo;
      const host = family === 'IPv6' ? `[${address}]` : address;
      resolve({
        url: `http://${host}:${port}/v1`,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}

function answer(backend: Backend, request: IncomingMessage, response: ServerResponse): void {
  const controller = new AbortController();
  response.on('close', () => controller.abort());
  const url = request.url ?? '/';
  const stream = backend.send(
    {
      method: request.method ?? 'GET',
      path: url.startsWith('/v1/') ? url.slice('/v1'.length) : url,
      headers: request.rawHeaders,
      body: request,
      signal: controller.signal,
    },
    {
      onHeaders(status, headers) {
        response.writeHead(status, [...headers]);
        response.flushHeaders();
      },
      onData: (chunk) => response.write(chunk),
      onEnd: () => {
        response.end();
      },
      onError: (failure) => breakOff(response, failure),
    },
  );
  response.on('drain', () => stream.resume());
}

function breakOff(response: ServerResponse, failure: BackendFailure): void {
  const { socket } = response;
  if (socket === null || socket.destroyed) return;
  if (failure.kind === 'reset') socket.resetAndDestroy();
  else if (failure.kind !== 'protocol') socket.destroy();
  else if (response.headersSent) socket.end();
  else socket.end('BANANA/1.1 yes\r\n\r\n');
}
