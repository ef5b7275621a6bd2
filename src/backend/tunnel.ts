/**
 * A way out through a corporate proxy: `CONNECT host:port`, after which the connection is as good as one to the backend
 * itself. Everything is tunnelled, plain HTTP too, so that a proxy on the way never rewrites a request.
 */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';

export type TunnelResult = (error: Error | null, socket: Socket | null) => void;

/** Calls back once. The caller bounds the time. */
export function openTunnel(
  proxyUrl: string,
  target: { readonly host: string; readonly port: string },
  done: TunnelResult,
): void {
  const proxy = new URL(proxyUrl);
  const place = `${target.host}:${target.port}`;
  const credential = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const authorization =
    proxy.username === '' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(credential).toString('base64')}` };
  const request = (proxy.protocol === 'https:' ? httpsRequest : httpRequest)({
    method: 'CONNECT',
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
    path: place,
    headers: { host: place, ...authorization },
    agent: false,
  });
  request.once('connect', (response, socket) => {
    if (response.statusCode === 200) done(null, socket);
    else {
      socket.destroy();
      done(new Error(`the proxy ${proxy.host} answered CONNECT ${place} with ${response.statusCode}`), null);
    }
  });
  request.once('response', (response) => {
    response.resume();
    done(new Error(`the proxy ${proxy.host} answered CONNECT ${place} with ${response.statusCode}`), null);
  });
  request.once('error', (error) =>
    done(new Error(`the proxy ${proxy.host} cannot be used: ${error.message}`, { cause: error }), null),
  );
  request.end();
}
